"""A booted Debian 12 in a container: systemd as process 1, no network but its own loopback, and nothing of it left behind.

The base system is made once by debootstrap and cached; a machine writes to an overlay of it. The overlay is mounted in a
mount name space of the machine's own, so that it is gone with the machine, whatever ends it.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from harness.waiting import eventually

TOP = Path(__file__).resolve().parents[2]
CACHE = TOP / ".build/system"
GUEST = Path(__file__).parent / "guest"
SUITE = "bookworm"
# What the tests use inside; what otlpd needs is added from its package.
PACKAGES = ["systemd", "systemd-sysv", "dbus", "ca-certificates", "curl", "openssl", "procps", "python3", "sqlite3"]
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
               "DEBIAN_FRONTEND": "noninteractive", "PYTHONPATH": "/opt/python"}  # fmt: skip


def base(depends: list[str]) -> Path:
    """The base system with these packages, made when it is missing."""
    packages = sorted({*PACKAGES, *depends})
    key = hashlib.sha256(" ".join([SUITE, *packages]).encode()).hexdigest()[:12]
    directory = CACHE / f"base-{key}"
    if not directory.exists():
        unfinished = directory.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        command = ["debootstrap", "--variant=minbase", f"--include={','.join(packages)}", SUITE, unfinished]
        subprocess.run(command, check=True, timeout=1200, stdout=subprocess.DEVNULL)
        unfinished.rename(directory)
    return directory


def python_packages(requirements: list[str]) -> Path:
    """These packages of the Python Package Index, for the machine's Python 3.11."""
    directory = CACHE / ("python-" + hashlib.sha256(" ".join(requirements).encode()).hexdigest()[:12])
    if not directory.exists():
        unfinished = directory.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        pip = [TOP / ".venv/bin/pip", "install", "--quiet", "--disable-pip-version-check", "--target", unfinished]
        pip += ["--python-version", "3.11", "--only-binary", ":all:"]
        subprocess.run([*pip, *requirements], check=True, timeout=600)
        unfinished.rename(directory)
    return directory


class Machine:
    def __init__(self, base: Path, python: Path, directory: Path):
        """`directory` keeps what the machine writes; `share` in it is /share inside."""
        self.directory = directory
        self.share = directory / "share"
        for name in ("upper", "work", "merged", "share"):
            (directory / name).mkdir(parents=True, exist_ok=True)
        self._console = open(directory / "console", "wb")
        overlay = f"lowerdir={base},upperdir={directory}/upper,workdir={directory}/work"
        options = ["--quiet", "--boot", "--register=no", "--keep-unit", "--private-network", "--resolv-conf=off"]
        options += ["--machine=otlpd-test", f"--directory={directory}/merged", f"--bind={self.share}:/share"]
        options += [f"--bind-ro={GUEST}:/opt/guest", f"--bind-ro={python}:/opt/python"]
        script = 'mount -t overlay overlay -o "$1" "$2" && shift 2 && exec systemd-nspawn "$@"'
        # The name space ends with the last process in it, and the machine with this one.
        command = ["setpriv", "--pdeathsig", "TERM", "unshare", "--mount", "--propagation", "private"]
        self.process = subprocess.Popen(
            [*command, "sh", "-c", script, "sh", overlay, f"{directory}/merged", *options],
            stdin=subprocess.DEVNULL, stdout=self._console, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            self.leader = eventually(self._find_leader, seconds=30)
            eventually(lambda: self.run("systemctl", "is-system-running", check=False) in ("running", "degraded"), 60)
            # What debian-installer writes.
            self.write("/etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n")
        except BaseException:
            self.close()
            raise

    def _find_leader(self) -> int | None:
        assert self.process.poll() is None, self.console
        for child in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            # systemd-nspawn has helpers, too.
            if Path(f"/proc/{child}/comm").read_text() == "systemd\n":
                return int(child)
        return None

    @property
    def console(self) -> str:
        return (self.directory / "console").read_text(errors="replace")[-3000:]

    # Using it

    def _command(self, command) -> list[str]:
        enter = ["nsenter", "--target", str(self.leader), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--"]
        variables = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
        return [*enter, "env", "-i", *variables, *[str(word) for word in command]]

    def run(self, *command, check: bool = True, timeout: float = 60, input: str | None = None) -> str:
        """Runs a command inside and returns what it prints, without the last newline."""
        result = subprocess.run(self._command(command), capture_output=True, text=True, timeout=timeout, input=input)
        if check and result.returncode != 0:
            raise AssertionError(f"{command} ended with {result.returncode}: {result.stdout}{result.stderr}")
        return result.stdout.rstrip("\n")

    def start(self, *command) -> subprocess.Popen:
        """Starts a command inside, to be read and waited for."""
        return subprocess.Popen(
            self._command(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def write(self, path: str, text: str, mode: str = "644"):
        self.run("install", "-D", "-m", mode, "/dev/stdin", path, input=text)

    def property(self, name: str, unit: str = "otlpd.service") -> str:
        return self.run("systemctl", "show", "--value", "--property", name, unit)

    def query(self, statement: str) -> list[str]:
        """The rows of a query over the store, of all its days."""
        files = self.run("sh", "-c", "ls /var/lib/otlpd/telemetry-*.db", check=False).split()
        rows = []
        for file in files:
            rows += self.run("sqlite3", "-readonly", "-cmd", ".timeout 10000", file, statement).splitlines()
        return rows

    def journal(self, *arguments) -> str:
        return self.run("journalctl", "--unit", "otlpd.service", "--no-pager", "--quiet", *arguments)

    # The end

    def close(self):
        if self.process.poll() is None:
            # systemd-nspawn(1): SIGTERM asks the machine to shut down in order.
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._console.close()
        deadline = time.monotonic() + 10
        while os.path.exists(f"/proc/{getattr(self, 'leader', 0)}") and time.monotonic() < deadline:
            time.sleep(0.05)
        shutil.rmtree(self.directory)
