"""Fixtures of the black-box tests: the daemon, the capture server, and one daemon for the tests that only ask."""

import random

import pytest

from harness import faults
from harness.capture import Capture
from harness.certificates import Authority
from harness.daemon import BINARY, Daemon, config
from harness.faults import Trial
from harness.faults_disk import FaultyDisk, SmallDisk, compiled
from harness.grpc_capture import GRPCCapture
from harness.through import Through


def pytest_sessionstart(session):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is missing: run `make build`, or name the daemon in OTLPD.", returncode=1)


def pytest_configure(config):
    config.addinivalue_line("markers", "thorough: a row of the fault matrix that only `make faults` runs")


def pytest_collection_modifyitems(config, items):
    if not faults.FACTOR:
        thorough = [item for item in items if item.get_closest_marker("thorough")]
        config.hook.pytest_deselected(items=thorough)
        items[:] = [item for item in items if item not in thorough]


def pytest_terminal_summary(terminalreporter):
    profile = f"all rows, loops x{faults.FACTOR}" if faults.FACTOR else "quick profile"
    terminalreporter.write_line(f"fault tests: {profile}, seed {faults.SEED} (OTLPD_FAULTS_SEED)")


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            daemons = value.started[-4:] if isinstance(value, Factory) else [value] if isinstance(value, Daemon) else []
            for daemon in daemons:
                report.sections.append((f"otlpd's log ({name})", daemon.log[-6000:]))


class Factory:
    """Starts daemons in one temporary directory and stops all of them."""

    def __init__(self, directory):
        self.directory = directory
        self.started = []

    def make(self, document=None, **settings) -> Daemon:
        """A daemon that was not started yet; they all share one data directory unless `data` says otherwise."""
        settings.setdefault("data", self.directory / "data")
        daemon = Daemon(self.directory / f"run-{len(self.started)}", document, **settings)
        self.started.append(daemon)
        return daemon

    def __call__(self, document=None, **settings) -> Daemon:
        return self.make(document, **settings).start()

    def close(self):
        for daemon in self.started:
            daemon.close()


@pytest.fixture
def otlpd(tmp_path):
    factory = Factory(tmp_path)
    yield factory
    factory.close()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    """One daemon for a module's tests, which must survive all of them: it discards what it takes."""
    document = config({"nop": None}, journal={"durability": "memory"})
    with Daemon(tmp_path_factory.mktemp("otlpd"), document) as daemon:
        daemon.start()
        yield daemon
        assert daemon.process.poll() is None, f"otlpd died:\n{daemon.log}"
        assert daemon.terminate() == 0


@pytest.fixture
def capture():
    servers = []

    def start(*arguments, **settings) -> Capture:
        servers.append(Capture(*arguments, **settings))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def grpc_capture():
    servers = []

    def start(*arguments, **settings) -> GRPCCapture:
        servers.append(GRPCCapture(*arguments, **settings))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def authority(tmp_path) -> Authority:
    """A certificate authority of this test."""
    directory = tmp_path / "certificates"
    directory.mkdir()
    return Authority(directory)


@pytest.fixture(scope="module")
def through(tmp_path_factory):
    """Sends one request through otlpd and returns what a collector behind it gets."""
    through = Through(tmp_path_factory.mktemp("through"))
    yield through
    through.close()


# Faults


@pytest.fixture
def chance(request) -> random.Random:
    """Random numbers of the test's own, the same again with the same seed."""
    return random.Random(f"{faults.SEED} {request.node.nodeid}")


@pytest.fixture
def trial(otlpd, capture) -> Trial:
    """A daemon that can be killed again and again, and the account of what was acknowledged."""
    trial = Trial(otlpd, capture())
    yield trial
    trial.rest()


@pytest.fixture(scope="session")
def fault_library(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("preload"))


@pytest.fixture
def faulty(fault_library, tmp_path) -> FaultyDisk:
    """Calls to the disk that fail on demand."""
    return FaultyDisk(fault_library, tmp_path / "disk-faults")


@pytest.fixture
def small_disk(faulty, tmp_path):
    """Makes a small file system."""
    disks = []

    def make(mebibytes: int) -> SmallDisk:
        disks.append(SmallDisk(tmp_path / f"disk-{len(disks)}", mebibytes, faulty))
        return disks[-1]

    yield make
    for disk in disks:
        disk.close()
