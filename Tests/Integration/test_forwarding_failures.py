"""A server that misbehaves on the wire: nothing is lost, and nothing is sent twice but where an answer was lost."""

import socket
import struct
import threading
import time

import pytest

from harness import otlp, store
from harness.daemon import config
from harness.otlp import REQUESTS
from harness.waiting import eventually

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
QUICK_RETRY = {"initial_interval": "50ms", "max_interval": "200ms"}


class Script:
    """A server that treats each of the next requests as a function says, and the later ones well."""

    def __init__(self, *steps):
        self.steps = list(steps)
        self.bodies: list[bytes] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket):
        with peer:
            peer.settimeout(10)
            while True:
                head = b""
                while b"\r\n\r\n" not in head:
                    if not (piece := peer.recv(65536)):
                        return
                    head += piece
                head, _, body = head.partition(b"\r\n\r\n")
                step = self.steps.pop(0) if self.steps else answer
                if step is reset_before_the_body:
                    return reset(peer)
                size = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
                while len(body) < size:
                    body += peer.recv(65536)
                self.bodies.append(body)
                if step(peer) is False:
                    return

    def close(self):
        self._listener.close()


def reset(peer: socket.socket):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    return False


def answer(peer):
    peer.sendall(OK)


def answer_and_close(peer):
    peer.sendall(OK)
    return False


def reset_before_the_body(peer):
    pass


def reset_after_the_body(peer):
    return reset(peer)


def half_an_answer(peer):
    peer.sendall(OK[:20])
    return False


def half_a_body(peer):
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    return False


def no_http(peer):
    peer.sendall(b"220 smtp.example.com ESMTP\r\n")
    return False


def trickle(peer):
    for byte in OK:
        peer.sendall(bytes([byte]))
        time.sleep(0.02)


def trickle_without_end(peer):
    peer.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    try:
        for _ in range(400):
            peer.sendall(b"1\r\nx\r\n")
            time.sleep(0.02)
    except OSError:
        pass
    return False


@pytest.fixture
def script():
    servers = []

    def start(*steps) -> Script:
        servers.append(Script(*steps))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def start(otlpd, url: str, **settings):
    exporter = {"endpoint": url, "retry_on_failure": QUICK_RETRY, "compression": "none", **settings}
    exporter["sending_queue"] = {"num_consumers": 1}
    return otlpd(config({"otlp_http": exporter, "sqlite": None}, journal={"durability": "memory"}))


def check(daemon, server, message, seen: int):
    """Everything arrived, `seen` times in all; the counters add up, and the other sink took no notice."""
    count = len(otlp.items(message))
    for sink in ("otlp_http", "sqlite"):
        eventually(lambda: daemon.metric("otelcol_exporter_sent_spans", exporter=sink) == count)
    assert daemon.metric("otlpd_dropped_items") == 0
    assert [REQUESTS["traces"].FromString(body) for body in server.bodies] == [message] * seen


@pytest.mark.parametrize(
    ("step", "seen"),
    [
        (reset_before_the_body, 1),
        (reset_after_the_body, 2),
        (half_an_answer, 2),
        (half_a_body, 2),
        (no_http, 2),
        (trickle, 1),
    ],
)
def test_what_goes_wrong_on_the_wire_is_tried_again(otlpd, script, step, seen):
    server = script(step)
    daemon = start(otlpd, server.url)
    message = otlp.traces(3)
    assert daemon.post("/v1/traces", message.SerializeToString())[0] == 200
    check(daemon, server, message, seen)


def test_an_answer_that_trickles_without_end_is_given_up_after_the_timeout(otlpd, script):
    server = script(trickle_without_end)
    daemon = start(otlpd, server.url, timeout="500ms")
    message = otlp.traces(3)
    assert daemon.post("/v1/traces", message.SerializeToString())[0] == 200
    check(daemon, server, message, 2)


def test_a_kept_connection_that_the_server_closed_costs_no_retry(otlpd, script):
    server = script(answer_and_close)
    daemon = start(otlpd, server.url)
    messages = [otlp.traces(1), otlp.traces(2)]
    for index, message in enumerate(messages):
        assert daemon.post("/v1/traces", message.SerializeToString())[0] == 200
        eventually(lambda: len(server.bodies) == index + 1)
    eventually(lambda: daemon.metric("otelcol_exporter_sent_spans", exporter="otlp_http") == 3)
    assert daemon.metric("otlpd_exporter_retries") == 0
    assert server.connections == 2


@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_a_chain_of_two_ends_in_the_same_rows(otlpd, tmp_path, compression):
    second = otlpd(config({"sqlite": None}), data=tmp_path / "second")
    first = otlpd(
        config({"otlp_http": {"endpoint": second.url, "compression": compression}}), data=tmp_path / "first"
    )
    for index in range(10):
        assert first.post("/v1/traces", otlp.traces(20, service=f"s{index}").SerializeToString())[0] == 200
    eventually(lambda: store.count(second.data, "spans") == 200)
    assert {row[0] for row in store.rows(second.data, "SELECT DISTINCT service_name FROM spans")} == {
        f"s{index}" for index in range(10)
    }
