"""The bounds of the listeners: memory in flight, connections, times, descriptors, and Unix sockets."""

import gzip
import os
import resource
import socket
import stat
import subprocess
import threading
import time

import pytest

from harness import otlp
from harness.daemon import config
from harness.waiting import eventually
from harness.wire import Connection, ask, chunked, request

BODY = otlp.traces().SerializeToString()
MIB = 1 << 20


def document(**limits):
    result = config({"nop": None}, journal={"durability": "memory"}, http=limits.pop("http", None))
    result["extensions"]["limits"] = limits
    return result


def memory_kib(daemon, field: str) -> int:
    with open(f"/proc/{daemon.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field + ":"))


# Memory in flight


def padded(size: int) -> bytes:
    """A JSON request of so many bytes without an item in it."""
    return b'{"padding":"' + b"x" * (size - 14) + b'"}'


def send_at_once(daemon, requests: list[bytes], clients: int) -> list[int]:
    """Sends each request from several clients at the same time, and returns all statuses."""
    statuses = []

    def send(data):
        statuses.append(ask(daemon.address, data, timeout=60).status)

    threads = [threading.Thread(target=send, args=(data,)) for data in requests for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert daemon.metric("otlpd_memory_in_flight_bytes") == 0
    assert daemon.metric("otlpd_memory_waiting_requests") == 0
    return statuses


def test_many_large_bodies_at_once_stay_inside_the_budget_and_are_all_served(otlpd):
    daemon = otlpd(document(memory_in_flight="32MiB", memory_wait="60s"))
    before = memory_kib(daemon, "VmRSS")
    body = padded(8 * MIB)
    plain = request(body=body, content_type="application/json")
    zipped = request(body=gzip.compress(body, 1), content_type="application/json", headers=("Content-Encoding: gzip",))
    assert send_at_once(daemon, [plain, zipped], clients=20) == [200] * 40
    # JSON becomes protobuf in a buffer of its own, one per loop.
    assert memory_kib(daemon, "VmHWM") - before < 64 * 1024


def test_chunked_bodies_that_grow_at_once_are_served_or_told_to_come_back(otlpd):
    daemon = otlpd(document(memory_in_flight="32MiB", memory_wait="500ms"))
    before = memory_kib(daemon, "VmRSS")
    body = padded(8 * MIB)
    chunks = chunked(*(body[start : start + MIB] for start in range(0, len(body), MIB)))
    head = request(content_type="application/json", headers=("Transfer-Encoding: chunked",), length=False)
    statuses = send_at_once(daemon, [head + chunks], clients=20)
    assert len(statuses) == 20 and set(statuses) <= {200, 503}
    # Beside what is budgeted, each loop decodes one body at a time: as much again.
    assert memory_kib(daemon, "VmHWM") - before < 80 * 1024
    assert ask(daemon.address, head + chunks).status == 200


def test_without_room_a_request_waits_and_is_told_to_come_back(otlpd):
    daemon = otlpd(document(memory_in_flight="4MiB", memory_wait="300ms"))
    holder = Connection(daemon.address).send(request(headers=("Content-Length: 3000000",), length=False))
    eventually(lambda: daemon.metric("otlpd_memory_in_flight_bytes") == 3_000_000)
    with Connection(daemon.address) as connection:
        answer = connection.send(request(body=b"x" * 2 * MIB)).answer()
        assert (answer.status, answer.header("retry-after")) == (503, "1")
        assert otlp.status_of(answer.body, "application/x-protobuf")[1]
    # Small requests have a part of their own.
    assert ask(daemon.address, request(body=otlp.traces(500).SerializeToString())).status == 200
    holder.close()
    eventually(lambda: daemon.metric("otlpd_memory_in_flight_bytes") == 0)
    assert daemon.metric("otlpd_memory_refused_requests") == 1


def test_who_announces_much_and_sends_nothing_keeps_no_small_request_out(otlpd):
    daemon = otlpd(document(memory_in_flight="64MiB", memory_wait="200ms"))
    hostages = [
        Connection(daemon.address).send(request(headers=(f"Content-Length: {40 * MIB}",), length=False)) for _ in range(50)
    ]
    eventually(lambda: daemon.metric("otlpd_memory_refused_requests") >= 49)
    for _ in range(20):
        assert ask(daemon.address, request(body=otlp.traces(1000).SerializeToString())).status == 200
    for hostage in hostages:
        hostage.close()


def test_the_memory_limiter_sets_the_budget(otlpd):
    result = document()
    result["processors"] = {"memory_limiter": {"check_interval": "1s", "limit_mib": 100, "spike_limit_mib": 20}}
    for pipeline in result["service"]["pipelines"].values():
        pipeline["processors"] = ["memory_limiter"]
    assert otlpd(result).metric("otlpd_memory_in_flight_limit_bytes") == 80 * MIB


# Connections


def test_a_connection_too_many_is_told_so_although_it_has_sent_a_request(otlpd):
    daemon = otlpd(document(max_connections=20))
    crowd = [Connection(daemon.address) for _ in range(20)]

    def is_full():
        # The start-up check's connection may have kept one of the crowd out, and leave only now.
        if all(ask(daemon.address, request(body=BODY)).status == 503 for _ in range(20)):
            return True
        crowd.append(Connection(daemon.address))

    eventually(is_full)
    for _ in range(50):
        with Connection(daemon.address) as connection:
            answer = connection.send(request(body=b"x" * 100_000)).answer()
            assert (answer.status, answer.header("retry-after")) == (503, "1")
            assert connection.ended()
    for connection in crowd:
        connection.close()
    eventually(lambda: ask(daemon.address, request(body=BODY)).status == 200)
    assert daemon.metric("otlpd_connections_refused", reason="limit") >= 50


def test_one_address_gets_so_many_connections(otlpd):
    daemon = otlpd(document(max_connections_per_address=5))
    eventually(lambda: ask(daemon.address, request(body=BODY)).status == 200)
    crowd = [Connection(daemon.address) for _ in range(5)]
    eventually(lambda: ask(daemon.address, request(body=BODY)).status == 503)
    other = socket.create_connection(daemon.address, timeout=10, source_address=("127.0.0.2", 0))
    other.sendall(request(body=BODY, headers=("Connection: close",)))
    assert b" 200 OK" in other.recv(1000)
    for connection in crowd:
        connection.close()
    eventually(lambda: ask(daemon.address, request(body=BODY)).status == 200)
    assert daemon.metric("otlpd_connections_refused", reason="address_limit") >= 1


def test_five_thousand_idle_connections_cost_little_and_hurt_nobody(otlpd):
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    daemon = otlpd(document(idle_timeout="600s"))
    before = memory_kib(daemon, "VmRSS")
    # Loopback has 28,000 client ports per address.
    crowd = [Connection(daemon.address).send(request(body=BODY)) for _ in range(5_000)]
    try:
        for connection in crowd:
            assert connection.answer().status == 200
        assert memory_kib(daemon, "VmRSS") - before < 40 * 1024
        assert ask(daemon.address, request(body=BODY)).status == 200
        assert daemon.metric("otlpd_connections") >= 5_000
    finally:
        for connection in crowd:
            connection.close()
    eventually(lambda: daemon.metric("otlpd_connections") == 1)


def test_without_descriptors_accepting_pauses_without_spinning_and_heals(otlpd):
    daemon = otlpd(document())
    open_now = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
    subprocess.run(["prlimit", f"--pid={daemon.process.pid}", f"--nofile={open_now + 3}"], check=True, timeout=10)
    crowd = [Connection(daemon.address) for _ in range(10)]

    def cpu_ticks() -> int:
        fields = open(f"/proc/{daemon.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    eventually(lambda: "no more connections can be taken for now" in daemon.log)
    before = cpu_ticks()
    time.sleep(1)
    # A loop that spins would take 100 a second.
    assert cpu_ticks() - before < 30
    for connection in crowd:
        connection.close()
    eventually(lambda: ask(daemon.address, request(body=BODY)).status == 200)
    assert daemon.log.count("no more connections can be taken for now") == 1
    assert daemon.metric("otlpd_connections_refused", reason="descriptors") >= 1


# Times


def test_slow_headers_and_bodies_and_idle_connections_are_given_up(otlpd):
    daemon = otlpd(document(header_timeout="300ms", body_timeout="300ms", idle_timeout="500ms", min_body_rate="1MiB"))

    def trickle(data: bytes, rest: bytes) -> int:
        """Sends `data` and then single bytes until there is an answer."""
        with Connection(daemon.address) as connection:
            connection.send(data)
            connection.socket.settimeout(0.05)
            for byte in rest:
                connection.send(bytes([byte]))
                try:
                    return connection.answer().status
                except TimeoutError:
                    pass
            return 0

    assert trickle(b"POST /v1/traces HTTP/1.1\r\n", b"X: " + b"y" * 200) == 408
    assert trickle(request(headers=("Content-Length: 5000000",), length=False), b"x" * 200) == 408
    assert trickle(request(headers=("Transfer-Encoding: chunked",), length=False), b"0" * 10 + b"1;" + b"x" * 200) == 408
    # What was sent fast saves up no time for a pause.
    assert trickle(request(headers=("Content-Length: 5000000",), length=False) + b"x" * 4_000_000, b"x" * 100) == 408
    with Connection(daemon.address) as idle:
        assert idle.send(request(body=BODY)).answer().status == 200
        assert idle.ended()


def test_a_reader_that_takes_nothing_is_given_up_and_costs_little(otlpd):
    daemon = otlpd(document(write_timeout="500ms"))
    before = memory_kib(daemon, "VmRSS")
    flood = request("/metrics", method="GET", content_type=None) * 1_000
    deaf = []
    for _ in range(20):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(daemon.address)
        client.setblocking(False)
        try:
            client.send(flood)
        except BlockingIOError:
            pass
        deaf.append(client)
    eventually(lambda: daemon.metric("otlpd_connections") == 1)
    assert memory_kib(daemon, "VmHWM") - before < 32 * 1024
    for client in deaf:
        client.close()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /" + b"x" * 2000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 5000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 30 + b"\r\n", 431),
    ],
)
def test_sizes_are_those_of_the_file(otlpd, data, status):
    daemon = otlpd(document(max_request_line="1KiB", max_headers="4KiB", max_header_fields=20))
    assert ask(daemon.address, data).status == status


# Unix sockets


def unix_document(path) -> dict:
    return config({"nop": None}, journal={"durability": "memory"}, http={"endpoint": str(path), "transport": "unix"})


def ask_unix(path, data: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        client.sendall(data)
        return client.recv(65536)


def test_a_unix_socket_serves_its_group_and_goes_with_the_daemon(otlpd, tmp_path):
    path = tmp_path / "otlp.sock"
    daemon = otlpd.make(unix_document(path)).launch()
    eventually(lambda: daemon.addresses.get("otlp") == str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert b" 200 OK" in ask_unix(path, request(body=BODY))
    curl = subprocess.run(
        ["curl", "-sS", "--unix-socket", path, "http://localhost/healthz"], capture_output=True, text=True, timeout=10
    )
    assert curl.stdout == "ok\n", curl.stderr
    assert daemon.terminate() == 0
    assert not path.exists()


def test_a_socket_that_was_left_behind_is_replaced_and_a_living_one_is_not(otlpd, tmp_path):
    path = tmp_path / "otlp.sock"
    first = otlpd.make(unix_document(path), data=tmp_path / "first").launch()
    eventually(lambda: "otlp" in first.addresses)
    second = otlpd.make(unix_document(path), data=tmp_path / "second").launch()
    assert second.wait() == 71
    assert f"cannot listen on {path}: address already in use" in second.log
    assert b" 200 OK" in ask_unix(path, request(body=BODY))
    first.process.kill()
    first.wait()
    assert path.exists()
    third = otlpd.make(unix_document(path), data=tmp_path / "first").launch()
    eventually(lambda: "otlp" in third.addresses)
    assert b" 200 OK" in ask_unix(path, request(body=BODY))


def test_a_file_in_the_place_of_the_socket_is_left_alone(otlpd, tmp_path):
    path = tmp_path / "precious"
    path.write_text("keep me")
    daemon = otlpd.make(unix_document(path)).launch()
    assert daemon.wait() == 71
    assert path.read_text() == "keep me"


# Exposure


def test_an_endpoint_for_other_machines_without_tls_is_named_loudly(otlpd):
    daemon = otlpd(config({"nop": None}, journal={"durability": "memory"}, http={"endpoint": "0.0.0.0:0"}))
    assert daemon.log.count("listens beyond this machine without TLS") == 1
    assert "level=warning" in next(line for line in daemon.log.splitlines() if "beyond this machine" in line)
    local = otlpd(config({"nop": None}, journal={"durability": "memory"}), data=daemon.directory / "other")
    assert "beyond this machine" not in local.log
