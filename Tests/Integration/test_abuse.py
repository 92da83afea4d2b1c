"""Bytes that no honest client sends: smuggling, half-closed sockets, wrong paths. Each is answered once and for good."""

import socket

import pytest

from harness import otlp
from harness.wire import Connection, ask, request

BODY = otlp.traces().SerializeToString()
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


def head(*lines: str) -> bytes:
    return "\r\n".join(["POST /v1/traces HTTP/1.1", "Host: a", "Content-Type: application/x-protobuf", *lines, "", ""]).encode(
        "latin-1"
    )


SMUGGLING = {
    "a length and chunks": head("Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "chunks and a length": head("Transfer-Encoding: chunked", "Content-Length: 5") + b"0\r\n\r\n",
    "two lengths": head("Content-Length: 0", "Content-Length: 35"),
    "two equal lengths": head("Content-Length: 0", "Content-Length: 0"),
    "a list of lengths": head("Content-Length: 0, 35"),
    "a signed length": head("Content-Length: +0"),
    "a hexadecimal length": head("Content-Length: 0x0"),
    "a negative length": head("Content-Length: -1"),
    "a length with a blank inside": head("Content-Length: 3 5"),
    "chunked twice": head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "chunked behind identity": head("Transfer-Encoding: identity, chunked") + b"0\r\n\r\n",
    "chunked with a suffix": head("Transfer-Encoding: xchunked") + b"0\r\n\r\n",
    "a blank before the colon": head("Transfer-Encoding : chunked") + b"0\r\n\r\n",
    "a folded header": head("X: a", " Transfer-Encoding: chunked", "Content-Length: 0"),
    "a folded header with a tab": head("Content-Length: 0", "\tX: a"),
    "NUL in a value": head("X: a\0b", "Content-Length: 0"),
    "NUL in a name": head("X\0: b", "Content-Length: 0"),
    "a bare carriage return": head("X: a\rContent-Length: 35", "Content-Length: 0"),
    "bare line feeds": head("Content-Length: 0").replace(b"\r\n", b"\n"),
    "one bare line feed": head("X: a\nContent-Length: 0"),
    "chunks in HTTP/1.0": head("Transfer-Encoding: chunked").replace(b"1.1", b"1.0", 1) + b"0\r\n\r\n",
    "no Host": head("Content-Length: 0").replace(b"Host: a\r\n", b""),
    "two Hosts": head("Host: b", "Content-Length: 0"),
    "a chunk size with a sign": head("Transfer-Encoding: chunked") + b"+0\r\n\r\n",
    "a chunk size with a prefix": head("Transfer-Encoding: chunked") + b"0x0\r\n\r\n",
    "a chunk that is longer than it says": head("Transfer-Encoding: chunked") + b"1\r\nxx\r\n0\r\n\r\n",
    "a chunk size with a bare line feed": head("Transfer-Encoding: chunked") + b"0\n\r\n",
    "a chunk size that overflows": head("Transfer-Encoding: chunked") + b"fffffffffffffffff\r\n",
}


@pytest.mark.parametrize("name", SMUGGLING)
def test_what_two_servers_could_read_differently_is_refused_and_nothing_behind_it_is_read(daemon, name):
    with Connection(daemon.address) as connection:
        answer = connection.send(SMUGGLING[name] + SMUGGLED).answer()
        assert answer.status in (400, 413, 501), name
        assert answer.header("connection") == "close"
        assert otlp.status_of(answer.body, answer.header("content-type"))[1]
        # A second answer would be that of the smuggled request.
        assert connection.ended()


@pytest.mark.parametrize("end", [0, 1, 20, 60])
def test_a_client_that_stops_in_the_middle_is_answered_or_let_go(daemon, end):
    data = request(body=BODY)
    with Connection(daemon.address) as connection:
        connection.send(data[: len(data) - end] if end < 60 else data[:end])
        connection.socket.shutdown(socket.SHUT_WR)
        answer = connection.answer()
        assert answer.status == (200 if end == 0 else 400)
        assert connection.ended()


def test_a_client_that_closes_its_side_first_gets_the_answers_to_all_it_sent(daemon):
    with Connection(daemon.address) as connection:
        connection.send(request(body=BODY) * 100)
        connection.socket.shutdown(socket.SHUT_WR)
        assert [connection.answer().status for _ in range(100)] == [200] * 100
        assert connection.ended()


def test_clients_that_reset_in_any_state_leave_nothing_behind(daemon):
    for data in (b"", b"POST", head("Content-Length: 100") + b"x", request(body=BODY), request(body=BODY) * 50):
        for _ in range(20):
            client = socket.create_connection(daemon.address, timeout=10)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.sendall(data)
            client.close()
    assert ask(daemon.address, request(body=BODY)).status == 200
    assert daemon.metric("otlpd_memory_in_flight_bytes") == 0


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/", "root_path"), ("/v1/trace", "singular_path"), ("/v1/metric", "singular_path"), ("/v1/v1/traces", "doubled_path")],
)
def test_who_posts_to_a_wrong_path_is_told_the_right_one(daemon, path, kind):
    before = daemon.metric("otlpd_misdirected_requests", kind=kind)
    answer = ask(daemon.address, request(path, BODY))
    assert answer.status == 404
    assert "/v1/traces" in otlp.status_of(answer.body, "application/x-protobuf")[1]
    assert daemon.metric("otlpd_misdirected_requests", kind=kind) == before + 1
    assert f"kind={kind}" in daemon.log
