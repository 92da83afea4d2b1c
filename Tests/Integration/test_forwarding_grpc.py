"""Another collector behind gRPC: real calls to a real server, its statuses, TLS and authorities."""

import time

import grpc
import pytest
import zstandard

from harness import otlp
from harness.daemon import config
from harness.grpc_capture import Failure
from harness.h2 import H2Server
from harness.otlp import RESPONSES
from harness.waiting import eventually

QUICK_RETRY = {"initial_interval": "50ms", "max_interval": "200ms", "max_elapsed_time": "60s"}


def forward(endpoint: str, **settings) -> dict:
    settings.setdefault("tls", {"insecure": True})
    exporter = {"endpoint": endpoint, "retry_on_failure": QUICK_RETRY, **settings}
    return config({"otlp_grpc": exporter}, journal={"durability": "memory"})


def post(daemon, signal: str, message) -> int:
    return daemon.post(otlp.PATHS[signal], message.SerializeToString())[0]


@pytest.mark.parametrize("signal", otlp.SIGNALS)
@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_what_is_taken_arrives_unchanged(otlpd, grpc_capture, signal, compression):
    downstream = grpc_capture()
    daemon = otlpd(forward(downstream.address, compression=compression))
    sent = [otlp.MAKERS[signal](70, service=f"service {index}") for index in range(5)]
    for message in sent:
        assert post(daemon, signal, message) == 200
    expected = sorted(item for message in sent for item in otlp.items(message))
    eventually(lambda: otlp.items(downstream.merged(signal)) == expected)
    assert "otlpd/" in downstream.calls[0].header("user-agent")


def test_a_zstd_call_is_what_the_protocol_says_down_to_the_frame(otlpd):
    with H2Server() as server:
        daemon = otlpd(forward(server.address, compression="zstd", authority="shop.example"))
        message = otlp.traces(50)
        post(daemon, "traces", message)
        headers, body = eventually(lambda: server.requests)[0]
        eventually(lambda: daemon.metric("otelcol_exporter_sent_spans", exporter="otlp_grpc") == 50)
    assert headers[":path"] == "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    assert (headers[":method"], headers[":authority"]) == ("POST", "shop.example")
    assert (headers["te"], headers["content-type"], headers["grpc-encoding"]) == ("trailers", "application/grpc", "zstd")
    assert body[0] == 1 and int.from_bytes(body[1:5], "big") == len(body) - 5
    plain = zstandard.ZstdDecompressor().decompress(body[5:])
    assert otlp.items(otlp.REQUESTS["traces"].FromString(plain)) == otlp.items(message)


def test_headers_and_the_timeout_are_sent(otlpd, grpc_capture):
    downstream = grpc_capture()
    daemon = otlpd(forward(downstream.address, headers={"X-Tenant": "a b"}, timeout="9s"))
    post(daemon, "logs", otlp.logs())
    [call] = eventually(lambda: downstream.calls)
    assert call.header("x-tenant") == "a b"
    assert 5 < call.seconds_left <= 9


def test_one_connection_serves_many_calls_and_a_server_that_comes_back_gets_the_rest(otlpd, grpc_capture):
    downstream = grpc_capture()
    daemon = otlpd(forward(downstream.address, sending_queue={"num_consumers": 1}))
    for index in range(5):
        post(daemon, "traces", otlp.traces(1))
        eventually(lambda: len(downstream.calls) == index + 1)
    assert len({call.peer for call in downstream.calls}) == 1
    downstream.close()
    post(daemon, "traces", otlp.traces(3))
    eventually(lambda: daemon.metric("otlpd_exporter_retries") > 0)
    again = grpc_capture(port=downstream.port)
    eventually(lambda: len(otlp.items(again.merged("traces"))) == 3)
    assert daemon.metric("otlpd_dropped_items") == 0


@pytest.mark.parametrize("code", ["CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"])
def test_a_retryable_code_is_tried_again_until_it_succeeds(otlpd, grpc_capture, code):
    failure = Failure(grpc.StatusCode[code], "später")
    downstream = grpc_capture([failure, failure])
    daemon = otlpd(forward(downstream.address))
    message = otlp.traces(3)
    post(daemon, "traces", message)
    eventually(lambda: daemon.metric("otelcol_exporter_sent_spans", exporter="otlp_grpc") == 3)
    assert [otlp.items(call.message) for call in downstream.calls] == [otlp.items(message)] * 3
    assert f"answered {code}: später" in daemon.log
    assert daemon.metric("otlpd_dropped_items") == 0


@pytest.mark.parametrize("code", ["UNAVAILABLE", "RESOURCE_EXHAUSTED"])
def test_retry_info_is_honoured(otlpd, grpc_capture, code):
    downstream = grpc_capture([Failure(grpc.StatusCode[code], "slow down", retry_seconds=1.5)])
    daemon = otlpd(forward(downstream.address))
    post(daemon, "traces", otlp.traces())
    eventually(lambda: downstream.calls)
    first = time.monotonic()
    eventually(lambda: len(downstream.calls) == 2)
    assert time.monotonic() - first > 1


@pytest.mark.parametrize("code", ["RESOURCE_EXHAUSTED", "INTERNAL", "UNKNOWN", "FAILED_PRECONDITION", "ALREADY_EXISTS"])
def test_a_final_code_is_dropped_counted_and_logged(otlpd, grpc_capture, code):
    downstream = grpc_capture([Failure(grpc.StatusCode[code], "never")])
    daemon = otlpd(forward(downstream.address))
    post(daemon, "traces", otlp.traces(3))
    reason = f"rejected_{code.lower()}"
    eventually(lambda: daemon.metric("otlpd_dropped_items", exporter="otlp_grpc", reason=reason) == 3)
    assert f"answered {code}: never" in daemon.log
    post(daemon, "traces", otlp.traces(2))
    eventually(lambda: daemon.metric("otelcol_exporter_sent_spans", exporter="otlp_grpc") == 2)


@pytest.mark.parametrize("code", ["UNAUTHENTICATED", "PERMISSION_DENIED", "UNIMPLEMENTED", "NOT_FOUND"])
def test_a_mistake_in_a_configuration_empties_no_queue(otlpd, grpc_capture, code):
    downstream = grpc_capture([Failure(grpc.StatusCode[code], "no")] * 100)
    daemon = otlpd(forward(downstream.address))
    post(daemon, "traces", otlp.traces(3))
    eventually(lambda: f"answered {code}: no" in daemon.log)
    assert daemon.metric("otlpd_dropped_items") == 0
    assert daemon.metric("otlpd_exporter_pending_items", exporter="otlp_grpc") == 3
    assert len(downstream.calls) == 1


def test_a_partial_success_is_counted_and_not_tried_again(otlpd, grpc_capture):
    answer = RESPONSES["traces"]()
    answer.partial_success.rejected_spans = 2
    answer.partial_success.error_message = "two are too old"
    downstream = grpc_capture([answer])
    daemon = otlpd(forward(downstream.address))
    post(daemon, "traces", otlp.traces(5))
    eventually(lambda: daemon.metric("otlpd_dropped_items", exporter="otlp_grpc") == 2)
    assert "two are too old" in daemon.log
    assert daemon.metric("otelcol_exporter_sent_spans", exporter="otlp_grpc") == 3
    assert len(downstream.calls) == 1


def test_a_server_that_hangs_is_given_up_after_the_timeout_and_tried_again(otlpd, grpc_capture):
    downstream = grpc_capture([30.0])
    daemon = otlpd(forward(downstream.address, timeout="500ms"))
    post(daemon, "traces", otlp.traces(3))
    eventually(lambda: daemon.metric("otelcol_exporter_sent_spans", exporter="otlp_grpc") == 3)


def test_a_server_that_speaks_http_1_alone_is_no_grpc_server(otlpd, capture):
    downstream = capture()
    daemon = otlpd(forward(f"127.0.0.1:{downstream.port}"))
    post(daemon, "traces", otlp.traces(3))
    eventually(lambda: daemon.metric("otlpd_exporter_retries") > 0)
    assert daemon.metric("otlpd_dropped_items") == 0


def says(status: str, *fields, body: bytes = b""):
    def answer(connection, stream):
        connection.send_headers(stream, [(":status", status), *fields])
        connection.send_data(stream, body, end_stream=True)

    return answer


WRONG = {
    "hangs up": lambda connection, stream: None,
    "half an answer": lambda connection, stream: connection.send_headers(
        stream, [(":status", "200"), ("content-type", "application/grpc")]
    ),
    "resets the call": lambda connection, stream: connection.reset_stream(stream, 2),
    "goes away": lambda connection, stream: connection.close_connection(0, last_stream_id=0),
    "HTML": says("502", ("content-type", "text/html"), body=b"<html>bad gateway</html>"),
    "too busy": says("503", ("retry-after", "1")),
    "limits": says("429"),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_what_goes_wrong_on_the_wire_is_tried_again(otlpd, wrong):
    with H2Server([wrong, wrong]) as server:
        daemon = otlpd(forward(server.address, compression="none", sending_queue={"num_consumers": 1}))
        message = otlp.traces(5)
        post(daemon, "traces", message)
        eventually(lambda: daemon.metric("otelcol_exporter_sent_spans", exporter="otlp_grpc") == 5)
        assert [otlp.REQUESTS["traces"].FromString(body[5:]) for _, body in server.requests] == [message] * 3
    assert daemon.metric("otlpd_dropped_items") == 0


@pytest.mark.parametrize("status", ["200", "301", "404"])
def test_a_web_server_is_no_grpc_server_and_empties_no_queue(otlpd, status):
    with H2Server([says(status, ("content-type", "text/html"), ("location", "https://elsewhere.example/"))] * 9) as server:
        daemon = otlpd(forward(server.address))
        post(daemon, "traces", otlp.traces(5))
        eventually(lambda: status in daemon.log and "otlp_grpc traces" in daemon.get("/readyz")[1])
        assert daemon.metric("otlpd_exporter_pending_items", exporter="otlp_grpc") == 5
    assert daemon.metric("otlpd_dropped_items") == 0


def server_credentials(authority, *names, client_ca=False):
    certificate, key = authority.issue("server", *names)
    return grpc.ssl_server_credentials(
        [(key.read_bytes(), certificate.read_bytes())],
        authority.path.read_bytes() if client_ca else None,
        require_client_auth=client_ca,
    )


def test_tls_is_on_by_default_and_calls_share_a_connection(otlpd, grpc_capture, authority):
    downstream = grpc_capture(credentials=server_credentials(authority, "127.0.0.1"))
    daemon = otlpd(forward(downstream.address, tls={"ca_file": str(authority.path)}, sending_queue={"num_consumers": 1}))
    for index in range(3):
        post(daemon, "traces", otlp.traces(3))
        eventually(lambda: len(downstream.calls) == index + 1)
    assert len({call.peer for call in downstream.calls}) == 1


@pytest.mark.parametrize("form", ["files", "pem"])
def test_mtls_shows_the_clients_certificate(otlpd, grpc_capture, authority, form):
    certificate, key = authority.issue("agent")
    downstream = grpc_capture(credentials=server_credentials(authority, "127.0.0.1", client_ca=True))
    if form == "files":
        tls = {"ca_file": str(authority.path), "cert_file": str(certificate), "key_file": str(key)}
    else:
        tls = {"ca_pem": authority.path.read_text(), "cert_pem": certificate.read_text(), "key_pem": key.read_text()}
    daemon = otlpd(forward(f"https://{downstream.address}", tls=tls))
    post(daemon, "traces", otlp.traces(3))
    [call] = eventually(lambda: downstream.calls)
    assert call.auth["x509_common_name"] == [b"agent"]


def test_an_unknown_authority_is_no_way_through(otlpd, grpc_capture, authority):
    downstream = grpc_capture(credentials=server_credentials(authority, "127.0.0.1"))
    daemon = otlpd(forward(downstream.address, tls={}))
    post(daemon, "traces", otlp.traces(3))
    eventually(lambda: "tls.ca_file" in daemon.log)
    assert downstream.calls == []


@pytest.mark.parametrize("key", ["authority", "server_name_override"])
def test_a_certificate_of_another_name_is_accepted_for_that_name_only(otlpd, grpc_capture, authority, key):
    downstream = grpc_capture(credentials=server_credentials(authority, "collector.example"))
    tls = {"ca_file": str(authority.path)}
    settings = {"tls": {**tls, key: "collector.example"}} if key != "authority" else {"tls": tls, key: "collector.example"}
    daemon = otlpd(forward(downstream.address, **settings))
    post(daemon, "traces", otlp.traces(3))
    eventually(lambda: downstream.calls)
    strict = otlpd(forward(downstream.address, tls=tls), data=otlpd.directory / "other")
    post(strict, "traces", otlp.traces(3))
    eventually(lambda: "certificate" in strict.log)
    assert len(downstream.calls) == 1
