"""Disks and resolvers that go wrong: calls that fail as a plan says, and a file system that is small."""

import errno
import subprocess
import warnings
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "faults/disk.c"


def compiled(directory: Path) -> Path:
    """The library that is preloaded into otlpd."""
    library = directory / "disk.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    return library


class FaultyDisk:
    """Calls to the disk that fail, of every otlpd started with `environment`; faults/disk.c has the rules."""

    def __init__(self, library: Path, plan: Path):
        self.plan = plan
        self.environment = {"LD_PRELOAD": str(library), "DISK_FAULTS": str(plan)}
        self._rules = []
        self.heal()

    def fail(self, call: str, path: str = "*", error: int = errno.EIO, first: int = 1, last: int = 0):
        """The calls from the first to the last that match fail; `last` 0: all from then on."""
        self._rule(call, path, first, last, f"error:{error}")

    def write_half(self, path: str, first: int):
        """One write takes only half of its bytes."""
        self._rule("write", path, first, first, "half:0")

    def limit(self, path: str, size: int):
        """No file has room for more bytes than `size`."""
        self._rule("write", path, 1, 0, f"room:{size}")

    def delay(self, call: str, path: str, seconds: float, first: int = 1, last: int = 0):
        self._rule(call, path, first, last, f"delay:{int(seconds * 1000)}")

    def shift_clock(self, seconds: int):
        """The wall clock is so much later, or earlier."""
        self._rules = []
        self._rule("clock", "*", 1, 0, f"shift:{seconds}")

    def heal(self):
        """From now on all goes well."""
        self._rules = []
        self._write()

    def _rule(self, call: str, path: str, first: int, last: int, effect: str):
        self._rules.append(f"{call} {path} {first} {last} {effect}")
        self._write()

    def _write(self):
        # Replaced whole: a half-written plan would be another one.
        new = self.plan.with_suffix(".new")
        new.write_text("\n".join(self._rules))
        new.rename(self.plan)


class SmallDisk:
    """A file system of a few MiB at `path`, which others may fill and make free.

    It is a tmpfs. Where mounting is not permitted, the calls of otlpd fail as those on a full disk do.
    """

    def __init__(self, path: Path, mebibytes: int, faulty: FaultyDisk):
        self.path = path
        self.environment = {}
        self._faulty = None
        path.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0755", "otlpd-test", str(path)]
        said = subprocess.run(mount, capture_output=True, text=True)
        if said.returncode != 0:
            warnings.warn(f"a full disk is played by failing calls, for lack of a mount: {said.stderr.strip()}")
            self._faulty = faulty
            self._size = mebibytes << 20
            self.environment = faulty.environment
            self.free()

    def fill(self):
        """Somebody else takes all the room that is left."""
        if self._faulty:
            self._faulty.heal()
            for call in ("write", "reserve"):
                self._faulty.fail(call, f"{self.path}/", errno.ENOSPC)
            return
        with open(self.path / "somebody-elses", "ab", buffering=0) as file:
            for size in (1 << 16, 1 << 12, 1):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError as error:
                    assert error.errno == errno.ENOSPC

    def free(self):
        if self._faulty:
            self._faulty.heal()
            return self._faulty.limit(f"{self.path}/", self._size)
        (self.path / "somebody-elses").unlink()

    def close(self):
        if not self._faulty:
            subprocess.run(["umount", "--lazy", str(self.path)], check=True)


def limited_to(option: str, value: int) -> list[str]:
    """What runs a program under a limit of the shell's `ulimit`."""
    return ["bash", "-c", f'ulimit -{option} {value}; exec "$@"', "--"]
