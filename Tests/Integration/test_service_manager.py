"""What systemd and otlpd tell each other: sockets that are passed on, readiness, status and the watchdog."""

import http.client
import re
import signal
import socket
import threading
from pathlib import Path

import pytest

from harness import otlp, store
from harness.daemon import TOP, config
from harness.manager import Manager, StoppedThread, passing
from harness.waiting import eventually

# otlpd pings three times as often.
WATCHDOG_SECONDS = 0.9


@pytest.fixture
def manager(tmp_path):
    manager = Manager(tmp_path, WATCHDOG_SECONDS)
    yield manager
    manager.close()


@pytest.fixture
def listening():
    """Makes listening sockets of the test's own; they stay open when otlpd ends."""
    sockets = []

    def make(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
        sockets.append(socket.create_server((host, port), backlog=1024))
        return sockets[-1]

    yield make
    for each in sockets:
        each.close()


def endpoint(of: socket.socket) -> dict:
    host, port = of.getsockname()
    return {"endpoint": f"{host}:{port}"}


# Sockets


def test_a_passed_socket_belongs_to_the_endpoint_with_the_same_address(otlpd, listening):
    http, grpc = listening(), listening()
    # The order of the sockets says nothing.
    daemon = otlpd(config(http=endpoint(http), grpc=endpoint(grpc)), **passing(grpc, http))
    assert daemon.address == http.getsockname()
    assert daemon.grpc == endpoint(grpc)["endpoint"]
    assert daemon.post("/v1/traces", otlp.traces(3).SerializeToString())[0] == 200
    assert "passed sockets" not in daemon.log


def test_no_connection_is_refused_across_a_restart(otlpd, listening):
    http = listening()
    document = config(http=endpoint(http))
    daemon = otlpd(document, **passing(http))
    body = otlp.logs(1).SerializeToString()
    acknowledged = [0] * 4
    refused = []
    has_ended = threading.Event()

    def send(index: int):
        while not has_ended.is_set():
            try:
                client = http_client(http)
                client.request("POST", "/v1/logs", body, {"Content-Type": "application/x-protobuf"})
                acknowledged[index] += client.getresponse().status == 200
                client.close()
            except ConnectionRefusedError as error:
                refused.append(error)
            except (OSError, http_error):
                pass  # It was taken and ended before it was answered: the client sends again.

    threads = [threading.Thread(target=send, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        before = sum(acknowledged)
        eventually(lambda: sum(acknowledged) > before + 50)
        assert daemon.terminate() == 0
        daemon = otlpd(document, **passing(http))
    before = sum(acknowledged)
    eventually(lambda: sum(acknowledged) > before + 50)
    has_ended.set()
    for thread in threads:
        thread.join(10)
    assert daemon.terminate() == 0
    assert not refused
    assert store.count(daemon.data, "logs") >= sum(acknowledged)


http_error = http.client.HTTPException


def http_client(of: socket.socket) -> http.client.HTTPConnection:
    host, port = of.getsockname()
    return http.client.HTTPConnection(host, port, timeout=10)


def test_a_passed_socket_without_an_endpoint_is_closed_and_named(otlpd, listening):
    spare = listening()
    daemon = otlpd(config(), **passing(spare))
    address = endpoint(spare)["endpoint"]
    line = next(line for line in daemon.log.splitlines() if "passed sockets" in line)
    assert "level=warn" in line and address in line
    spare.close()
    with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(tuple(daemon.address[:1]) + (int(address.rsplit(":", 1)[1]),))


def test_what_is_no_listening_socket_is_closed_and_named(otlpd):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", 0))
        daemon = otlpd(config(), **passing(datagrams))
        assert any("passed sockets" in line and '"descriptor 3"' in line for line in daemon.log.splitlines())


def test_sockets_for_another_process_are_left_alone(otlpd, listening):
    http = listening()
    daemon = otlpd.make(config(http=endpoint(http)), **passing(http, process="1")).launch()
    assert daemon.wait() == 71, "the address is taken, by a socket that is not otlpd's"


def test_a_port_that_the_service_manager_holds_under_another_address_is_explained(otlpd, listening):
    held = listening()
    port = held.getsockname()[1]
    daemon = otlpd.make(config(http={"endpoint": f"0.0.0.0:{port}"}), **passing(held)).launch()
    assert daemon.wait() == 71
    assert f"The service manager holds 127.0.0.1:{port}" in daemon.log and "otlpd.socket" in daemon.log


def test_a_passed_unix_socket_serves_and_keeps_its_file(otlpd, tmp_path):
    path = tmp_path / "otlp.sock"
    with socket.socket(socket.AF_UNIX) as passed:
        passed.bind(str(path))
        passed.listen()
        document = config(http={"transport": "unix", "endpoint": str(path)}, metrics_level="basic")
        document["service"]["telemetry"]["metrics"]["readers"] = [
            {"pull": {"exporter": {"prometheus": {"host": "127.0.0.1", "port": 0}}}}
        ]
        daemon = otlpd.make(document, **passing(passed)).launch()
        eventually(lambda: "telemetry" in daemon.addresses)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.recv(4096).startswith(b"HTTP/1.1 200")
        assert daemon.terminate() == 0
    assert path.exists(), "who made it removes it"


# Readiness, status, watchdog


def test_the_life_of_otlpd_as_the_manager_hears_it(otlpd, manager):
    daemon = otlpd(environment=manager.environment)
    assert manager.hear("READY") == "1"
    daemon.process.send_signal(signal.SIGTERM)
    assert manager.hear("STOPPING") == "1"
    assert daemon.wait() == 0


def test_the_status_says_where_otlpd_listens_and_which_sink_is_behind(otlpd, manager, capture):
    exporters = {"sqlite": None, "otlp_http": {"endpoint": "http://127.0.0.1:9", "retry_on_failure": {"enabled": True}}}
    daemon = otlpd(config(exporters), environment=manager.environment)
    first = manager.hear("STATUS")
    assert first == f"listening on {daemon.addresses['otlp']}; otlp_http is up to date, sqlite is up to date"
    daemon.post("/v1/traces", otlp.traces(3).SerializeToString())

    def is_behind() -> bool:
        said = manager.hear("STATUS")
        return "otlp_http is " in said and "3 items behind" in said and "sqlite is up to date" in said

    eventually(is_behind)
    # It would try to deliver for five seconds more.
    daemon.process.kill()


def test_a_start_that_fails_says_why(otlpd, manager, listening):
    taken = listening()
    daemon = otlpd.make(config(http=endpoint(taken)), environment=manager.environment).launch()
    assert daemon.wait() == 71
    assert "in use" in manager.hear("STATUS")


def test_the_watchdog_hears_pings_while_the_loops_turn_and_none_when_one_is_stuck(otlpd, manager):
    daemon = otlpd(environment=manager.environment)
    for _ in range(3):
        assert manager.hear("WATCHDOG") == "1"
    with StoppedThread(daemon.process.pid, "reactor-0"):
        # One ping may be on its way.
        manager.forget()
        assert manager.heard_nothing_of("WATCHDOG", 2 * WATCHDOG_SECONDS)
        assert "event loop does not answer" in daemon.log
    assert manager.hear("WATCHDOG") == "1"


def test_a_slow_disk_does_not_end_the_pings(otlpd, manager, faulty):
    daemon = otlpd(environment={**manager.environment, **faulty.environment})
    faulty.delay("sync", "*", 3)
    body = otlp.logs(1).SerializeToString()
    sender = threading.Thread(target=daemon.post, args=("/v1/logs", body))
    sender.start()
    manager.forget()
    for _ in range(5):
        assert manager.hear("WATCHDOG", 2 * WATCHDOG_SECONDS) == "1"
    faulty.heal()
    sender.join(20)


def test_a_watchdog_for_another_process_hears_nothing(otlpd, manager):
    otlpd(environment={**manager.environment, "WATCHDOG_PID": "1"})
    assert manager.hear("READY") == "1"
    assert manager.heard_nothing_of("WATCHDOG", 2 * WATCHDOG_SECONDS)


def test_without_a_service_manager_there_is_no_thread_for_it(otlpd):
    daemon = otlpd()
    names = [(task / "comm").read_text().strip() for task in Path(f"/proc/{daemon.process.pid}/task").iterdir()]
    assert "service" not in names


def test_with_the_sinks_of_the_installed_configuration_there_are_twelve_threads_at_most(otlpd, manager):
    daemon = otlpd(config(grpc={}), environment=manager.environment)
    assert manager.hear("READY") == "1"
    names = [(task / "comm").read_text().strip() for task in Path(f"/proc/{daemon.process.pid}/task").iterdir()]
    loops = [name for name in names if name.startswith("reactor-")]
    most = int(re.search(r"min\(max\(1, processors\), (\d+)\)", (TOP / "Sources/Reactor/Reactor.swift").read_text())[1])
    assert len(names) - len(loops) + most <= 12, names
