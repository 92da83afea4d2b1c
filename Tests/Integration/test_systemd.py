"""The unit file: systemd understands it, and it gives otlpd no more than it needs."""

import re
import shutil
import subprocess

import pytest

from harness.daemon import TOP

UNIT = TOP / "systemd" / "otlpd.service"
# systemd-analyze's scale: 0 is sealed, 10 is unprotected; "OK" begins below 5.
EXPOSURE_MAX = 2.0


def analyze(*arguments: str) -> subprocess.CompletedProcess:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed here")
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60)


def test_systemd_understands_every_line(tmp_path):
    # The daemon is not installed where the tests run, so the copy names a program that exists.
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/usr/bin/otlpd", "/bin/true"))
    result = analyze("verify", "--man=no", str(copy))
    complaints = [line for line in result.stderr.splitlines() if UNIT.name in line]
    assert not complaints


def test_the_sandbox_is_tight():
    result = analyze("security", "--offline=true", str(UNIT))
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", result.stdout + result.stderr)
    assert found, result.stdout + result.stderr
    assert float(found[1]) <= EXPOSURE_MAX


def test_a_bad_configuration_is_not_restarted_for_ever():
    assert "RestartPreventExitStatus=75 78" in UNIT.read_text()
