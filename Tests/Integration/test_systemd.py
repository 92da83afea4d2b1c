"""The unit file: systemd understands it, and it gives otlpd no more than it needs."""

import re
import shutil
import subprocess

import pytest

from harness.daemon import TOP

UNIT = TOP / "systemd" / "otlpd.service"
SOCKET = TOP / "systemd" / "otlpd.socket"
# systemd-analyze's scale: 0 is sealed, 10 is unprotected; "OK" begins below 5.
EXPOSURE_MAX = 1.5


def analyze(*arguments: str) -> subprocess.CompletedProcess:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed here")
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60)


def test_systemd_understands_every_line(tmp_path):
    # The daemon is not installed where the tests run, so the copy names a program that exists.
    copies = [tmp_path / unit.name for unit in (UNIT, SOCKET)]
    for copy, unit in zip(copies, (UNIT, SOCKET)):
        copy.write_text(unit.read_text().replace("/usr/bin/otlpd", "/bin/true"))
    result = analyze("verify", "--man=no", *[str(copy) for copy in copies])
    complaints = [line for line in result.stderr.splitlines() if "otlpd" in line]
    assert not complaints


def test_the_sockets_are_those_of_the_installed_configuration():
    ports = re.findall(r"(?m)^ +endpoint: localhost:(\d+)$", (TOP / "config/otlpd.yaml").read_text())
    wanted = {f"{host}:{port}" for port in ports for host in ("127.0.0.1", "[::1]")}
    assert len(ports) == 2
    assert set(re.findall(r"(?m)^ListenStream=(.*)$", SOCKET.read_text())) == wanted


def test_the_sandbox_is_tight():
    result = analyze("security", "--offline=true", str(UNIT))
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", result.stdout + result.stderr)
    assert found, result.stdout + result.stderr
    assert float(found[1]) <= EXPOSURE_MAX


def test_the_service_is_watched_and_reloaded():
    unit = UNIT.read_text()
    assert re.search(r"(?m)^WatchdogSec=", unit) and re.search(r"(?m)^ExecReload=.* -HUP \$MAINPID$", unit)
