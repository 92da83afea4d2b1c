"""Another collector as the sink: what goes over the wire, what is tried again, what is dropped and counted."""

import email.utils
import json
import time

import pytest

from harness import otlp
from harness.capture import Answer
from harness.daemon import config
from harness.net import free_port
from harness.otlp import PROTOBUF, RESPONSES
from harness.waiting import eventually

QUICK_RETRY = {"initial_interval": "50ms", "max_interval": "200ms", "max_elapsed_time": "60s"}


def forward(url: str, **settings) -> dict:
    exporter = {"endpoint": url, "retry_on_failure": QUICK_RETRY, **settings}
    return config({"otlp_http": exporter}, journal={"durability": "memory"})


def post(daemon, signal: str, message) -> int:
    return daemon.post(otlp.PATHS[signal], message.SerializeToString())[0]


@pytest.mark.parametrize("signal", otlp.SIGNALS)
def test_what_is_taken_arrives_unchanged(otlpd, capture, signal):
    downstream = capture()
    daemon = otlpd(forward(downstream.url))
    sent = [otlp.MAKERS[signal](7, service=f"service {index}") for index in range(5)]
    for message in sent:
        assert post(daemon, signal, message) == 200
    expected = sorted(item for message in sent for item in otlp.items(message))
    eventually(lambda: otlp.items(downstream.merged(signal)) == expected)
    assert {request.path for request in downstream.received} == {otlp.PATHS[signal]}
    assert {request.header("content-type") for request in downstream.received} == {PROTOBUF}
    assert "otlpd" in downstream.received[0].header("user-agent")


def test_json_is_forwarded_as_protobuf(otlpd, capture):
    downstream = capture()
    daemon = otlpd(forward(downstream.url))
    message = otlp.logs(3)
    assert daemon.post("/v1/logs", otlp.as_json(message), otlp.JSON)[0] == 200
    eventually(lambda: otlp.items(downstream.merged("logs")) == otlp.items(message))


@pytest.mark.parametrize(
    ("settings", "coding"),
    [
        ({}, "gzip"),
        ({"compression": "gzip", "compression_params": {"level": 9}}, "gzip"),
        ({"compression": "zstd"}, "zstd"),
        ({"compression": "zstd", "compression_params": {"level": 11}}, "zstd"),
        ({"compression": "deflate"}, "deflate"),
        ({"compression": "zlib"}, "zlib"),
        ({"compression": "none"}, None),
    ],
)
def test_bodies_are_packed_as_the_configuration_says(otlpd, capture, settings, coding):
    downstream = capture()
    daemon = otlpd(forward(downstream.url, **settings))
    message = otlp.traces(500)
    post(daemon, "traces", message)
    [request] = eventually(lambda: downstream.received)
    assert request.header("content-encoding") == coding
    assert otlp.items(request.message) == otlp.items(message)
    if coding:
        assert len(request.body) < len(message.SerializeToString()) / 4


@pytest.mark.parametrize("signal", otlp.SIGNALS)
def test_json_bodies_hold_the_same(otlpd, capture, signal):
    downstream = capture()
    daemon = otlpd(forward(downstream.url, encoding="json"))
    message = otlp.MAKERS[signal](7)
    post(daemon, signal, message)
    [request] = eventually(lambda: downstream.received)
    assert request.header("content-type") == otlp.JSON
    assert otlp.items(otlp.from_object(json.loads(request.plain), signal)) == otlp.items(message)


def test_headers_of_the_configuration_are_sent(otlpd, capture):
    downstream = capture()
    daemon = otlpd(forward(downstream.url, headers={"Authorization": "Bearer secret", "X-Tenant": "a b"}))
    post(daemon, "logs", otlp.logs())
    [request] = eventually(lambda: downstream.received)
    assert (request.header("authorization"), request.header("x-tenant")) == ("Bearer secret", "a b")


@pytest.mark.parametrize(
    ("suffix", "path"), [("", "/v1/traces"), ("/", "/v1/traces"), ("/otlp", "/otlp/v1/traces"), ("/otlp/", "/otlp/v1/traces")]
)
def test_the_signals_path_is_added_to_the_endpoint(otlpd, capture, suffix, path):
    downstream = capture()
    daemon = otlpd(forward(downstream.url + suffix))
    post(daemon, "traces", otlp.traces())
    assert eventually(lambda: downstream.received)[0].path == path


def test_an_endpoint_of_one_signal_is_used_as_it_is(otlpd, capture):
    downstream, others = capture(), capture()
    daemon = otlpd(forward(others.url, traces_endpoint=f"{downstream.url}/in/traces"))
    for signal in otlp.SIGNALS:
        post(daemon, signal, otlp.MAKERS[signal]())
    assert eventually(lambda: downstream.received)[0].path == "/in/traces"
    eventually(lambda: sorted(request.path for request in others.received) == ["/v1/logs", "/v1/metrics"])


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_retryable_status_is_tried_again_until_it_succeeds(otlpd, capture, status):
    downstream = capture([Answer(status), Answer(status)])
    daemon = otlpd(forward(downstream.url))
    message = otlp.traces(3)
    post(daemon, "traces", message)
    eventually(lambda: len(downstream.received) == 3)
    assert {tuple(otlp.items(request.message)) for request in downstream.received} == {tuple(otlp.items(message))}
    eventually(lambda: daemon.metric("otelcol_exporter_sent_spans", exporter="otlp_http") == 3)
    assert daemon.metric("otlpd_dropped_items") == 0


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_honoured(otlpd, capture, form):
    value = "2" if form == "seconds" else email.utils.formatdate(time.time() + 3, usegmt=True)
    downstream = capture([Answer(503, {"Retry-After": value})])
    daemon = otlpd(forward(downstream.url))
    post(daemon, "traces", otlp.traces())
    eventually(lambda: downstream.received)
    first = time.monotonic()
    eventually(lambda: len(downstream.received) == 2)
    assert time.monotonic() - first > 1


@pytest.mark.parametrize("status", [405, 408, 500, 501])
def test_other_failures_are_dropped_counted_and_logged(otlpd, capture, status):
    downstream = capture([Answer(status)])
    daemon = otlpd(forward(downstream.url))
    post(daemon, "traces", otlp.traces(3, name="refused"))
    eventually(lambda: daemon.metric("otlpd_dropped_items", exporter="otlp_http") == 3)
    assert daemon.metric("otelcol_exporter_send_failed_spans", exporter="otlp_http") == 3
    assert str(status) in daemon.log
    post(daemon, "traces", otlp.traces(2, name="taken"))
    eventually(lambda: len(downstream.received) == 2)
    assert len(otlp.items(downstream.received[1].message)) == 2


@pytest.mark.parametrize("status", [401, 403, 404, 301])
def test_a_mistake_in_a_configuration_empties_no_queue(otlpd, capture, status):
    downstream = capture(otherwise=Answer(status, {"Location": "https://elsewhere.example/"}))
    daemon = otlpd(forward(downstream.url))
    post(daemon, "traces", otlp.traces(3))
    eventually(lambda: "answered %d" % status in daemon.log)
    assert daemon.metric("otlpd_dropped_items") == 0
    assert daemon.metric("otlpd_exporter_pending_items", exporter="otlp_http") == 3
    assert len(downstream.received) == 1
    assert status != 301 or "elsewhere.example" in daemon.log


def test_a_response_without_end_is_cut_off(otlpd, capture):
    downstream = capture([Answer(200, body=b"x" * (5 << 20))])
    daemon = otlpd(forward(downstream.url))
    post(daemon, "traces", otlp.traces(3))
    eventually(lambda: daemon.metric("otlpd_dropped_items", exporter="otlp_http") == 3)
    assert "longer than 4194304 bytes" in daemon.log
    assert len(downstream.received) == 1


def test_connections_are_kept(otlpd, capture):
    downstream = capture()
    daemon = otlpd(forward(downstream.url, sending_queue={"num_consumers": 1}))
    for index in range(5):
        post(daemon, "traces", otlp.traces(1))
        eventually(lambda: len(downstream.received) == index + 1)
    assert len({request.peer for request in downstream.received}) == 1


def test_a_partial_success_is_counted_and_not_tried_again(otlpd, capture):
    answer = RESPONSES["traces"]()
    answer.partial_success.rejected_spans = 2
    answer.partial_success.error_message = "two are too old"
    downstream = capture([Answer(200, body=answer.SerializeToString())])
    daemon = otlpd(forward(downstream.url))
    post(daemon, "traces", otlp.traces(5))
    eventually(lambda: daemon.metric("otlpd_dropped_items", exporter="otlp_http") == 2)
    assert "two are too old" in daemon.log
    post(daemon, "traces", otlp.traces(1))
    eventually(lambda: len(downstream.received) == 2)
    assert len(otlp.items(downstream.received[1].message)) == 1


@pytest.mark.parametrize(
    "answer",
    [Answer(200, {"Content-Type": "text/html"}, b"<html>"), Answer(202), Answer(200, body=b"\xff\xff\xff"), Answer(204)],
    ids=["HTML", "202", "garbage", "204"],
)
def test_an_odd_success_is_a_success(otlpd, capture, answer):
    downstream = capture([answer])
    daemon = otlpd(forward(downstream.url))
    post(daemon, "traces", otlp.traces(3))
    eventually(lambda: daemon.metric("otelcol_exporter_sent_spans", exporter="otlp_http") == 3)
    assert len(downstream.received) == 1


def test_an_absent_downstream_is_waited_for(otlpd, capture):
    port = free_port()
    daemon = otlpd(forward(f"http://127.0.0.1:{port}"))
    message = otlp.logs(4)
    assert post(daemon, "logs", message) == 200
    eventually(lambda: daemon.metric("otlpd_exporter_retries") > 0)
    from http.server import ThreadingHTTPServer

    from harness.capture import Capture

    class OnPort(ThreadingHTTPServer):
        def __init__(self, _, handler):
            super().__init__(("127.0.0.1", port), handler)

    with Capture(server=OnPort) as downstream:
        eventually(lambda: otlp.items(downstream.merged("logs")) == otlp.items(message))


def test_a_downstream_that_hangs_is_given_up_after_the_timeout_and_tried_again(otlpd, capture):
    downstream = capture([Answer(seconds=30)])
    daemon = otlpd(forward(downstream.url, timeout="500ms"))
    post(daemon, "traces", otlp.traces(3))
    eventually(lambda: len(downstream.received) >= 2)
    eventually(lambda: daemon.metric("otelcol_exporter_sent_spans", exporter="otlp_http") == 3)


def test_a_downstream_that_closes_without_an_answer_gets_it_again(otlpd):
    import socket
    import threading

    port = free_port()
    listener = socket.create_server(("127.0.0.1", port))
    seen = []

    def serve():
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                peer.settimeout(5)
                seen.append(peer.recv(1 << 20))
                if len(seen) > 2:
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    threading.Thread(target=serve, daemon=True).start()
    daemon = otlpd(forward(f"http://127.0.0.1:{port}"))
    post(daemon, "traces", otlp.traces(3))
    try:
        eventually(lambda: daemon.metric("otelcol_exporter_sent_spans", exporter="otlp_http") == 3)
    finally:
        listener.close()


def test_two_collectors_get_everything_although_one_is_down(otlpd, capture):
    up = capture()
    dead = {"endpoint": f"http://127.0.0.1:{free_port()}", "retry_on_failure": QUICK_RETRY}
    daemon = otlpd(config({"otlp_http/up": {"endpoint": up.url}, "otlp_http/dead": dead, "sqlite": None}))
    started = time.monotonic()
    for _ in range(20):
        assert post(daemon, "traces", otlp.traces(5)) == 200
    eventually(lambda: len(otlp.items(up.merged("traces"))) == 100)
    eventually(lambda: daemon.metric("otelcol_exporter_sent_spans", exporter="sqlite") == 100)
    assert time.monotonic() - started < 15
    assert daemon.metric("otlpd_exporter_pending_items", exporter="otlp_http/dead") == 100


def test_requests_are_merged_into_batches_that_keep_their_resources(otlpd, capture):
    downstream = capture()
    queue = {"batch": {"flush_timeout": "500ms", "min_size": 100_000, "sizer": "items"}, "queue_size": 200_000, "sizer": "items"}
    daemon = otlpd(forward(downstream.url, sending_queue=queue))
    sent = [otlp.traces(2, service=f"s{index % 3}") for index in range(30)]
    for message in sent:
        post(daemon, "traces", message)
    expected = sorted(item for message in sent for item in otlp.items(message))
    eventually(lambda: otlp.items(downstream.merged("traces")) == expected)
    assert len(downstream.received) < 30
