"""`otlpd send`: what it sends arrives, what is refused is counted, and an SDK's variables are honoured."""

import re

import pytest

from harness import cli, otlp, store
from harness.capture import Answer
from harness.daemon import config
from harness.net import free_port
from harness.waiting import eventually


def plain(text: str, **names) -> str:
    """The report without what differs from run to run."""
    for name, value in names.items():
        text = text.replace(str(value), name.upper())
    return re.sub(r"and [0-9.]+ s \([0-9.]+ per second\)", "and TIME", text)


@pytest.mark.parametrize("language", ["http/protobuf", "http/json", "grpc"])
def test_every_signal_arrives_over_every_protocol(otlpd, language):
    daemon = otlpd(config({"sqlite": None}, journal={"durability": "memory"}, grpc={}))
    endpoint = f"http://{daemon.grpc}" if language == "grpc" else daemon.url
    result = cli.run(
        "send", "traces", "metrics", "logs", "--count", 250, "--batch", 100, "--protocol", language, "--endpoint",
        endpoint, "--service", "loadtest", "--connections", 2, "--gzip",
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    cli.expect(f"send-{language.replace('/', '-')}", plain(result.stdout, endpoint=endpoint))
    eventually(lambda: daemon.metric("otlpd_store_rows") == 750)
    spans = store.rows(daemon.data, "select service_name, http_route, parent_span_id, status from spans")
    assert len(spans) == 250 and {span["service_name"] for span in spans} == {"loadtest"}
    assert sum(span["parent_span_id"] is None for span in spans) == sum(span["http_route"] is not None for span in spans)
    assert any(span["status"] == "error" for span in spans)
    assert store.count(daemon.data, "logs") == 250 and store.count(daemon.data, "points") == 250


def test_the_variables_of_an_sdk_are_honoured(capture):
    server = capture()
    result = cli.run(
        "send", "logs", OTEL_EXPORTER_OTLP_ENDPOINT=server.url + "/base", OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
        OTEL_EXPORTER_OTLP_HEADERS="x-tenant=a%20b", OTEL_SERVICE_NAME="from-env",
    )  # fmt: skip
    assert result.returncode == 0
    (received,) = server.received
    assert received.path == "/base/v1/logs" and received.headers["content-encoding"] == "gzip"
    assert received.headers["x-tenant"] == "a b" and received.headers["user-agent"].startswith("otlpd-send/")
    assert "from-env" in str(received.message)


def test_what_is_refused_is_counted_and_said(capture):
    server = capture([Answer(200), Answer(400, body=b"no \x1b[2J thanks"), Answer(200)])
    result = cli.run("send", "--count", 25, "--batch", 10, "--endpoint", server.url)
    assert result.returncode == 1
    assert plain(result.stdout, url=server.url) == (
        "traces: 15 spans accepted, 10 refused in 3 requests and TIME, http/protobuf to URL/v1/traces\n"
        "  URL/v1/traces answered 400: no \\u001b[2J thanks\n"
    )


def test_a_partial_success_is_counted(capture):
    answer = otlp.RESPONSES["logs"]()
    answer.partial_success.rejected_log_records, answer.partial_success.error_message = 3, "too old"
    server = capture(otherwise=Answer(200, body=answer.SerializeToString()))
    result = cli.run("send", "logs", "--count", 10, "--endpoint", server.url)
    assert result.returncode == 1 and "7 log records accepted, 0 refused, 3 rejected" in result.stdout
    assert "too old" in result.stdout


def test_without_a_server_it_gives_up_and_says_why():
    result = cli.run("send", "--duration", "60s", "--endpoint", f"http://127.0.0.1:{free_port()}")
    assert result.returncode == 1 and "0 spans accepted" in result.stdout and "onnect" in result.stdout


def test_a_rate_is_kept(capture):
    server = capture()
    result = cli.run("send", "--rate", 100, "--duration", "500ms", "--batch", 5, "--endpoint", server.url)
    # 50 items are due within half a second, and none of them before its time.
    assert result.returncode == 0
    sent = sum(len(group.scope_spans[0].spans) for r in server.received for group in r.message.resource_spans)
    assert 5 <= sent <= 50


def test_tls_is_checked_against_the_named_authority(otlpd, authority):
    certificate, key = authority.issue("localhost", "localhost", "127.0.0.1")
    tls = {"tls": {"cert_file": str(certificate), "key_file": str(key)}}
    daemon = otlpd(config({"nop": None}, journal={"durability": "memory"}, http={"endpoint": "127.0.0.1:0"}, grpc=tls))
    endpoint = f"https://localhost:{daemon.grpc.rsplit(':', 1)[1]}"
    stranger = cli.run("send", "--protocol", "grpc", "--endpoint", endpoint)
    assert stranger.returncode == 1 and "ertificate" in stranger.stdout
    friend = cli.run("send", "--protocol", "grpc", "--endpoint", endpoint, "--certificate", authority.path)
    assert friend.returncode == 0, friend.stdout


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (("spans",), "expected traces, metrics or logs"),
        (("--rate", "0"), "--rate: expected"),
        (("--count", "0"), "--count: expected"),
        (("--duration", "long"), "--duration: expected a duration"),
        (("--endpoint", "localhost:4318"), "must begin with http://"),
        (("--header", "novalue"), "expected NAME=VALUE"),
        (("--protocol", "thrift"), "thrift"),
    ],
)
def test_a_wrong_argument_is_explained(arguments, reason):
    result = cli.run("send", *arguments)
    assert result.returncode == 64 and reason in result.stderr
