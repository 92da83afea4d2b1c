"""Fixtures of the system tests: the package, and one machine that all steps use, in their order."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from machine import CACHE, TOP, Machine, base, python_packages

SDK = ["opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-grpc", "opentelemetry-exporter-otlp-proto-http"]


def pytest_sessionstart(session):
    if os.geteuid() != 0:
        pytest.exit("a machine is booted as root only: sudo make test-system", returncode=1)


@pytest.fixture(scope="session")
def package() -> Path:
    """The Debian package, built from what `make build` made."""
    result = subprocess.run([TOP / "packaging/deb", CACHE / "deb", "gzip"], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return Path(result.stdout.strip())


@pytest.fixture(scope="session")
def newer_package(package, tmp_path_factory) -> Path:
    """The same under the next version."""
    directory = tmp_path_factory.mktemp("newer")
    subprocess.run(["dpkg-deb", "-R", package, directory / "root"], check=True)
    control = directory / "root/DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*", r"\g<0>+next", control.read_text()))
    made = directory / "otlpd-next.deb"
    build = ["dpkg-deb", "--root-owner-group", "-Zgzip", "-b", directory / "root", made]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    return made


@pytest.fixture(scope="session")
def machine(package, newer_package, tmp_path_factory):
    said = subprocess.run(["dpkg-deb", "-f", package, "Depends"], capture_output=True, text=True, check=True).stdout
    depends = [re.sub(r"[ (|].*", "", name.strip()) for name in said.split(",")]
    pinned = (TOP / "Tests/Integration/requirements.txt").read_text().split()
    requirements = [line for line in pinned if line.split("==")[0] in (*SDK, "grpcio", "protobuf")]
    directory = CACHE / "machine"
    shutil.rmtree(directory, ignore_errors=True)
    machine = Machine(base(depends), python_packages(requirements), directory)
    shutil.copy(package, machine.share / "otlpd.deb")
    shutil.copy(newer_package, machine.share / "otlpd-next.deb")
    yield machine
    machine.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    machine = getattr(item, "funcargs", {}).get("machine")
    if report.failed and machine is not None and machine.process.poll() is None:
        said = machine.run("journalctl", "--no-pager", "--lines", "60", check=False)
        report.sections.append(("the machine's journal", said))
