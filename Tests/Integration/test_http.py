"""HTTP/1.1 and OTLP/HTTP at the door: what is taken, what is refused, and what the refusal says."""

import socket
import threading
import time

import pytest

from harness import otlp, wire
from harness.daemon import config
from harness.otlp import JSON, PROTOBUF
from harness.wire import Connection, ask, chunked, request

BODY = otlp.traces().SerializeToString()
FAR = b"x" * 20_000


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
@pytest.mark.parametrize("signal", otlp.SIGNALS)
def test_each_signal_is_taken_on_its_path_and_answered_in_its_encoding(daemon, signal, content_type):
    body = otlp.encoded(otlp.MAKERS[signal](3), content_type)
    answer = ask(daemon.address, request(otlp.PATHS[signal], body, content_type))
    assert answer.status == 200
    assert answer.header("content-type") == content_type
    assert answer.body == (b"{}" if content_type == JSON else b"")


@pytest.mark.parametrize("signal", otlp.SIGNALS)
@pytest.mark.parametrize(("content_type", "body"), [(PROTOBUF, b""), (JSON, b"{}"), (JSON, b" \n{ }\t")])
def test_a_request_without_telemetry_succeeds(daemon, signal, content_type, body):
    assert ask(daemon.address, request(otlp.PATHS[signal], body, content_type)).status == 200


@pytest.mark.parametrize(
    "body",
    [
        b'{"resourceSpans":[]}',
        b'{"resourceSpans":[{}]}',
        b'{"resourceSpans":[{"scopeSpans":[]}]}',
        b'{"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{},"spans":[]}]}]}',
    ],
)
def test_empty_envelopes_succeed(daemon, body):
    assert ask(daemon.address, request(body=body, content_type=JSON)).status == 200


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", "Application/JSON", 'application/json;charset="UTF-8";x=y', "APPLICATION/json ;a=b"],
)
def test_a_media_type_is_compared_without_case_and_parameters(daemon, content_type):
    answer = ask(daemon.address, request(body=b"{}", content_type=content_type))
    assert (answer.status, answer.body) == (200, b"{}")
    assert answer.header("content-type") == JSON


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/xml", "application/protobuff", "\xe4\xff", ";", "application/grpc"]
)
def test_other_content_types_are_refused_with_415_and_a_status(daemon, content_type):
    answer = ask(daemon.address, request(body=BODY, content_type=content_type))
    assert answer.status == 415
    _, message = otlp.status_of(answer.body, answer.header("content-type"))
    assert "application/x-protobuf" in message and "application/json" in message


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "BREW"])
def test_only_post_carries_data(daemon, method):
    with Connection(daemon.address) as connection:
        answer = connection.send(request(method=method, content_type=None)).answer(of=method)
    assert answer.status in ((405, 501) if method == "BREW" else (405,))
    if answer.status == 405:
        assert "POST" in answer.header("allow")


def test_get_on_a_signal_path_answers_one_helpful_line(daemon):
    status, body, _ = daemon.get("/v1/traces")
    assert status == 405
    assert "POST" in body and len(body.strip().splitlines()) == 1


@pytest.mark.parametrize("path", ["/", "/v1/trace", "/v1/traces/", "/V1/TRACES", "/v1/profiles", "/v1development/profiles"])
def test_an_unknown_path_is_404_with_a_status(daemon, path):
    answer = ask(daemon.address, request(path, b"{}", JSON))
    assert answer.status == 404
    assert otlp.status_of(answer.body, JSON)[1]


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
@pytest.mark.parametrize("signal", otlp.SIGNALS)
def test_a_refusal_is_a_status_in_the_encoding_of_the_request(daemon, signal, content_type):
    answer = ask(daemon.address, request(otlp.PATHS[signal], b"\xff\xff", content_type))
    assert answer.status == 400
    assert answer.header("content-type") == content_type
    code, message = otlp.status_of(answer.body, content_type)
    assert code in (0, 3) and message


@pytest.mark.parametrize("line", ["Cookie: a=b", "Origin: http://x", "Authorization: Bearer x", "traceparent: 00-x", "Accept: text/html"])
def test_other_headers_do_not_matter(daemon, line):
    answer = ask(daemon.address, request(body=b"{}", content_type=JSON, headers=(line,)))
    assert (answer.status, answer.header("content-type")) == (200, JSON)


@pytest.mark.parametrize("target", ["/v1/traces?x=1", "/v1/traces?", "http://example.com/v1/traces", "http://a:1/v1/traces?b=c"])
def test_queries_and_absolute_targets_do_not_change_the_route(daemon, target):
    assert ask(daemon.address, request(target, BODY)).status == 200


def test_a_connection_lives_on_after_success_and_after_bad_data(daemon):
    with Connection(daemon.address) as connection:
        for body, status in ((BODY, 200), (b"\xff\xff", 400), (BODY, 200)):
            assert connection.send(request(body=body)).answer().status == status


def test_connection_close_is_honoured(daemon):
    with Connection(daemon.address) as connection:
        assert connection.send(request(body=BODY, headers=("Connection: close",))).answer().status == 200
        assert connection.ended()


def test_pipelined_requests_are_answered_in_order(daemon):
    bodies = [(BODY, 200), (b"\xff\xff", 400), (b"", 200), (b"\x07", 400)] * 10
    with Connection(daemon.address) as connection:
        connection.send(b"".join(request(body=body) for body, _ in bodies))
        assert [connection.answer().status for _ in bodies] == [status for _, status in bodies]


def test_many_connections_are_served_at_once(daemon):
    connections = [Connection(daemon.address) for _ in range(300)]
    try:
        for connection in connections:
            connection.send(request(body=BODY))
        assert {connection.answer().status for connection in connections} == {200}
    finally:
        for connection in connections:
            connection.close()


@pytest.mark.parametrize(
    "body",
    [
        chunked(BODY),
        chunked(*(BODY[i : i + 1] for i in range(len(BODY)))),
        b"%X;name=value;q=\"x\"\r\n%s\r\n0;last\r\n\r\n" % (len(BODY), BODY),
        b"000%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
        chunked(BODY, trailer=b"Expires: never\r\nX-Sum: 1\r\n"),
    ],
    ids=["whole", "byte by byte", "extensions", "leading zeros", "trailers"],
)
def test_chunked_bodies_are_read(daemon, body):
    with Connection(daemon.address) as connection:
        connection.send(request(headers=("Transfer-Encoding: chunked",), length=False) + body)
        assert connection.answer().status == 200
        assert connection.send(request(body=BODY)).answer().status == 200


@pytest.mark.parametrize(
    "body",
    [b"-1\r\n\r\n", b"+3\r\nabc\r\n0\r\n\r\n", b"0x3\r\nabc\r\n0\r\n\r\n", b"g\r\n", b"\r\n\r\n", b"3\r\nabcd\r\n0\r\n\r\n",
     b"ffffffffffffffffff\r\n", b"1;" + FAR * 10, b"0\r\n" + b"a: b\r\n" * 100_000],
    ids=["minus", "plus", "hex prefix", "no hex", "no size", "long chunk", "huge size", "long extension", "long trailers"],
)  # fmt: skip
def test_bad_chunks_are_refused(daemon, body):
    with Connection(daemon.address) as connection:
        connection.send(request(headers=("Transfer-Encoding: chunked",), length=False) + body)
        answer = connection.answer()
        assert answer is None or 400 <= answer.status < 500
        assert connection.ended()


def test_expect_100_continue_gets_its_100(daemon):
    with Connection(daemon.address) as connection:
        head = request(headers=("Expect: 100-continue", f"Content-Length: {len(BODY)}"), length=False)
        assert connection.send(head).answer().status == 100
        assert connection.send(BODY).answer().status == 200


def test_expect_100_continue_with_too_long_a_body_gets_413_at_once(daemon):
    with Connection(daemon.address) as connection:
        head = request(headers=("Expect: 100-continue", f"Content-Length: {10**12}"), length=False)
        assert connection.send(head).answer().status == 413


MALFORMED = {
    "no target": b"POST\r\nHost: a\r\n\r\n",
    "two spaces": b"POST  /v1/traces HTTP/1.1\r\nHost: a\r\n\r\n",
    "no version": b"POST /v1/traces\r\nHost: a\r\n\r\n",
    "odd version": b"POST /v1/traces HTTP/x.1\r\nHost: a\r\n\r\n",
    "odd method": b"PO@ST /v1/traces HTTP/1.1\r\nHost: a\r\n\r\n",
    "space before colon": request(headers=("X-A : b",)),
    "folded line": request(headers=("X-A: b", " c")),
    "no colon": request(headers=("nothing",)),
    "empty name": request(headers=(": b",)),
    "NUL in value": request(headers=("X-A: b\0c",)),
    "CR in value": request(headers=("X-A: b\rc",)),
    "negative length": request(headers=("Content-Length: -1",), length=False),
    "plus length": request(headers=("Content-Length: +1",), length=False),
    "hex length": request(headers=("Content-Length: 0x1",), length=False),
    "list length": request(headers=("Content-Length: 1, 2",), length=False),
    "two lengths": request(headers=("Content-Length: 0", "Content-Length: 1"), length=False),
    "huge length": request(headers=(f"Content-Length: {2**64}",), length=False),
    "no host": request(host=None),
    "two hosts": request(headers=("Host: b",)),
    "length and chunked": request(headers=("Transfer-Encoding: chunked", "Content-Length: 4"), length=False) + chunked(b"a"),
    "unknown transfer coding": request(headers=("Transfer-Encoding: brotli",), length=False),
    "chunked not last": request(headers=("Transfer-Encoding: chunked, gzip",), length=False),
    "chunked twice": request(headers=("Transfer-Encoding: chunked, chunked",), length=False),
    "chunked in HTTP/1.0": request(version="HTTP/1.0", headers=("Transfer-Encoding: chunked",), length=False) + chunked(b"a"),
    "TLS hello": bytes.fromhex("160301020001000001fc0303") + b"\0" * 100,
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_http_is_refused_and_never_guessed(daemon, name):
    with Connection(daemon.address) as connection:
        answer = connection.send(MALFORMED[name]).answer()
        assert answer is None or answer.status in (400, 501, 505, 413)
        assert connection.ended(), "the connection cannot be trusted any more"


@pytest.mark.parametrize(
    "data",
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\0" * 1000, b"\r\n\r\n\r\n\r\n", bytes(range(256)) * 10],
    ids=["h2c preface", "NULs", "line ends", "all bytes"],
)
def test_other_protocols_do_no_harm(daemon, data):
    with Connection(daemon.address) as connection:
        connection.send(data)
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.ended() or True
    assert ask(daemon.address, request(body=BODY)).status == 200


def test_an_upgrade_to_h2c_is_ignored(daemon):
    lines = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA")
    assert ask(daemon.address, request(body=BODY, headers=lines)).status == 200


def test_headers_of_a_normal_size_pass_and_endless_ones_do_not(daemon):
    many = tuple(f"X-{i}: {i}" for i in range(60))
    assert ask(daemon.address, request(body=BODY, headers=many)).status == 200
    assert ask(daemon.address, request(body=BODY, headers=("X-Big: " + "x" * 8192,))).status == 200
    too_long = ask(daemon.address, request(headers=tuple(f"X-{i}: {'x' * 1000}" for i in range(2000))))
    assert too_long.status == 431
    target = ask(daemon.address, request("/" + "x" * 200_000))
    assert target.status in (414, 431)


def test_http_1_0_is_answered_and_closed(daemon):
    with Connection(daemon.address) as connection:
        answer = connection.send(request(body=BODY, version="HTTP/1.0", host=None)).answer()
        assert answer.status == 200
        assert answer.header("transfer-encoding") is None
        assert connection.ended()


def test_a_request_split_anywhere_is_one_request(daemon):
    data = request(body=BODY)
    with Connection(daemon.address) as connection:
        for cut in range(0, len(data), 7):
            connection.send(data[:cut])
            time.sleep(0.001)
            assert connection.send(data[cut:]).answer().status == 200


def test_a_slow_client_does_not_hold_up_the_others(daemon):
    slow = [Connection(daemon.address).send(b"POST /v1/traces HT") for _ in range(50)]
    try:
        started = time.monotonic()
        assert ask(daemon.address, request(body=BODY)).status == 200
        assert time.monotonic() - started < 5
    finally:
        for connection in slow:
            connection.close()


def test_a_reader_that_never_reads_does_not_hold_up_the_others(daemon):
    with Connection(daemon.address) as deaf:
        deaf.socket.settimeout(2)
        try:
            for _ in range(2000):
                deaf.socket.sendall(request("/metrics", method="GET", content_type=None) * 10)
        except TimeoutError:
            pass  # The server stopped reading from a client that does not read: that is the back-pressure.
        assert ask(daemon.address, request(body=BODY)).status == 200


def test_connections_that_come_and_go_leave_nothing_behind(daemon):
    def descriptors():
        import os

        return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))

    before = descriptors()
    for _ in range(10):
        connections = [Connection(daemon.address) for _ in range(100)]
        for connection in connections:
            connection.send(b"POST /v1/tr")
            connection.close()
    wire_deadline = time.monotonic() + 10
    while descriptors() > before + 5 and time.monotonic() < wire_deadline:
        time.sleep(0.05)
    assert descriptors() <= before + 5


def test_a_body_that_never_comes_whole_is_not_an_answer_for_the_next(daemon):
    with Connection(daemon.address) as connection:
        connection.send(request(headers=(f"Content-Length: {len(BODY) + 10}",), length=False) + BODY)
        connection.socket.shutdown(socket.SHUT_WR)
        answer = connection.answer()
        assert answer is None or answer.status in (400, 408)


def test_the_answer_is_never_longer_than_4_mib(daemon):
    key = "k" * 100
    deep = '{"%s":' % key * 90_000
    answer = ask(daemon.address, request(body=deep.encode(), content_type=JSON), timeout=20)
    assert answer.status == 400 and len(answer.body) <= 4 << 20
    assert otlp.status_of(answer.body, JSON)[1]


def test_concurrent_senders_are_all_counted(otlpd):
    daemon = otlpd(config({"nop": None}, journal={"durability": "memory"}))
    failures = []

    def send(signal):
        body = otlp.MAKERS[signal](5).SerializeToString()
        with Connection(daemon.address) as connection:
            for _ in range(50):
                if connection.send(request(otlp.PATHS[signal], body)).answer().status != 200:
                    failures.append(signal)

    threads = [threading.Thread(target=send, args=(signal,)) for signal in otlp.SIGNALS for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    for name in ("spans", "metric_points", "log_records"):
        assert daemon.metric(f"otelcol_receiver_accepted_{name}") == 4 * 50 * 5
