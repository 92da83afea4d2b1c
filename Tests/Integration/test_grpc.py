"""OTLP/gRPC with the clients that people use: Python's exporters, grpcio, curl."""

import subprocess
import threading
import time
from pathlib import Path

import grpc
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from harness import otlp, store
from harness.daemon import Daemon, config
from harness.grpc_client import METHODS, RETRY_INFO, Client
from harness.waiting import eventually

NOP = {"nop": None}
MEMORY = {"durability": "memory"}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """A channel to a daemon that discards what it takes."""
    with Daemon(tmp_path_factory.mktemp("grpc"), config(NOP, journal=MEMORY, grpc={"max_recv_msg_size_mib": 1})) as daemon:
        daemon.start()
        with Client(daemon.grpc) as client:
            client.daemon = daemon
            yield client
        assert daemon.process.poll() is None, f"otlpd died:\n{daemon.log}"
        assert daemon.terminate() == 0


def test_pythons_exporters_work_as_the_guides_have_them(otlpd):
    daemon = otlpd(config(grpc={}))
    endpoint = f"http://{daemon.grpc}"
    tracers = TracerProvider()
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, insecure=True)))
    meters = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=endpoint, insecure=True))])
    loggers = LoggerProvider()
    loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(endpoint=endpoint, insecure=True)))
    for index in range(10):
        with tracers.get_tracer("t").start_as_current_span(f"span {index}"):
            meters.get_meter("m").create_counter("orders").add(1)
        loggers.get_logger("l").emit(body=f"log {index}", severity_number=None)
    for provider in (tracers, meters, loggers):
        provider.shutdown()
    eventually(lambda: store.count(daemon.data, "spans") == 10)
    eventually(lambda: store.count(daemon.data, "logs") == 10)
    eventually(lambda: store.count(daemon.data, "points") >= 1)
    assert daemon.metric("otelcol_receiver_accepted_spans", transport="grpc") == 10


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
@pytest.mark.parametrize("signal", otlp.SIGNALS)
def test_a_call_arrives_as_it_was_sent(otlpd, capture, signal, compression):
    behind = capture()
    daemon = otlpd(config({"otlp_http": {"endpoint": behind.url}}, grpc={}))
    message = otlp.MAKERS[signal](700, size=400)
    with Client(daemon.grpc) as client:
        answer = client.export(signal, message, compression=compression)
        assert not answer.HasField("partial_success")
        assert client.export(signal, b"", compression=compression) == answer
    eventually(lambda: otlp.items(behind.merged(signal)) == otlp.items(message))


def test_four_channels_with_a_hundred_concurrent_calls_each(client):
    clients = [Client(client.daemon.grpc) for _ in range(4)]
    before = client.daemon.metric("otelcol_receiver_accepted_spans", transport="grpc")
    for _ in range(3):
        calls = [each.method("traces").future(otlp.traces(2), timeout=20) for each in clients for _ in range(100)]
        for call in calls:
            call.result()
    assert client.daemon.metric("otelcol_receiver_accepted_spans", transport="grpc") - before == 2400
    for each in clients:
        each.close()


def test_what_is_dropped_at_the_door_is_a_partial_success(client):
    message = otlp.traces(3)
    message.resource_spans[0].scope_spans[0].spans[1].trace_id = b"short"
    answer = client.export("traces", message)
    assert answer.partial_success.rejected_spans == 1
    assert "trace" in answer.partial_success.error_message


@pytest.mark.parametrize(
    "path",
    [
        "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export",
        "/opentelemetry.proto.collector.trace.v1.TraceService/Nothing",
        "/grpc.health.v1.Health/Check",
    ],
)
def test_an_unknown_service_or_method_is_unimplemented(client, path):
    error = client.failure("traces", b"", path)
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED
    assert METHODS["traces"] in error.details()


def test_bad_data_is_an_invalid_argument_with_its_place(client):
    error = client.failure("traces", b"\x0a\xff")
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert error.details()


def test_a_message_above_the_limit_is_resource_exhausted_without_retry_info(client):
    for compression in (grpc.Compression.NoCompression, grpc.Compression.Gzip):
        error = client.failure("logs", otlp.logs(1, size=1 << 21), compression=compression)
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error
        assert "1048576" in error.details()
        assert "grpc-status-details-bin" not in dict(error.trailing_metadata())
    assert client.export("logs", otlp.logs(1)) is not None


def test_an_unknown_encoding_is_unimplemented_and_the_known_ones_are_named(client):
    error = client.failure("traces", otlp.traces(200), compression=grpc.Compression.Deflate)
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED
    assert "gzip" in error.details()


def test_a_full_journal_is_unavailable_with_retry_info(otlpd):
    exporters = {"otlp_http": {"endpoint": "http://127.0.0.1:9", "when_full": "refuse"}}
    journal = {"durability": "memory", "max_bytes": 1 << 20}
    daemon = otlpd(config(exporters, journal=journal, grpc={}))
    with Client(daemon.grpc) as client:
        error = None
        for _ in range(8):
            try:
                client.export("logs", otlp.logs(1, size=200_000))
            except grpc.RpcError as failed:
                error = failed
                break
        assert error.code() == grpc.StatusCode.UNAVAILABLE
        status = Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
        assert status.code == 14 and status.message == error.details()
        assert [detail.type_url for detail in status.details] == [RETRY_INFO]
        # RetryInfo { retry_delay { seconds: 1 } }
        assert status.details[0].value == b"\x0a\x02\x08\x01"
    assert daemon.metric("otlpd_grpc_calls", code="UNAVAILABLE") >= 1


def test_cancelled_calls_leave_nothing_behind(client):
    for _ in range(50):
        client.method("traces").future(otlp.traces(100), timeout=20).cancel()
    assert client.export("traces", otlp.traces(1)) is not None
    assert len(list(Path(f"/proc/{client.daemon.process.pid}/fd").iterdir())) < 64


def test_keepalive_at_a_sane_rate_is_borne(otlpd):
    daemon = otlpd(config(NOP, journal=MEMORY, grpc={}))
    options = [("grpc.keepalive_time_ms", 1000), ("grpc.keepalive_permit_without_calls", 1)]
    with Client(daemon.grpc, *options, ("grpc.http2.max_pings_without_data", 0)) as client:
        client.export("traces", otlp.traces(1))
        deadline = time.monotonic() + 4
        while time.monotonic() < deadline:
            client.export("traces", otlp.traces(1))
        assert daemon.metric("otlpd_http2_connections_ended") == 0


def test_stopping_answers_what_is_in_flight_and_tells_clients_to_go(otlpd):
    daemon = otlpd(config(grpc={}))
    accepted, refused = [], []
    with Client(daemon.grpc) as client:
        client.export("traces", otlp.traces(1))
        stopping = threading.Event()

        def work():
            for _ in range(3000):
                try:
                    client.export("traces", otlp.traces(1))
                    accepted.append(1)
                except grpc.RpcError as error:
                    refused.append(error.code())
                    return

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        eventually(lambda: len(accepted) > 20)
        stopping.set()
        assert daemon.terminate() == 0
        for thread in threads:
            thread.join(30)
    assert set(refused) <= {grpc.StatusCode.UNAVAILABLE}
    # At least once: what was acknowledged is stored.
    assert store.count(daemon.data, "spans") >= len(accepted) + 1


def curl(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run(["curl", "-s", "--max-time", "10", *arguments], capture_output=True)


def test_curl_with_http2_gets_a_grpc_answer(client, tmp_path):
    body = tmp_path / "call"
    message = otlp.traces(1).SerializeToString()
    body.write_bytes(b"\0" + len(message).to_bytes(4, "big") + message)
    url = f"http://{client.daemon.grpc}{METHODS['traces']}"
    result = curl("--http2-prior-knowledge", "-i", "-H", "content-type: application/grpc", "--data-binary", f"@{body}", url)
    assert result.stdout.startswith(b"HTTP/2 200") and b"grpc-status: 0" in result.stdout
    other = curl("--http2-prior-knowledge", "-i", "-H", "content-type: application/json", "-d", "{}", url)
    assert other.stdout.startswith(b"HTTP/2 415") and b"expected the content type application/grpc" in other.stdout


def test_http1_on_the_grpc_port_is_told_where_to_go(client):
    result = curl("-i", f"http://{client.daemon.grpc}/v1/traces", "-d", "{}")
    assert result.stdout.startswith(b"HTTP/1.1 400") and b"use the HTTP port (4318)" in result.stdout
    assert client.daemon.metric("otlpd_misdirected_requests", kind="http1_on_grpc") == 1
    curl(f"http://{client.daemon.grpc}/v1/traces")
    assert client.daemon.metric("otlpd_misdirected_requests", kind="http1_on_grpc") == 2
    assert client.daemon.log.count("kind=http1_on_grpc") == 1


def test_grpc_on_the_http_port_is_told_where_to_go(client):
    with Client(client.daemon.addresses["otlp"]) as wrong:
        error = wrong.failure("traces", otlp.traces(1), timeout=10)
    assert error.code() == grpc.StatusCode.UNAVAILABLE
    # The client waits before it tries again; after a GOAWAY it would come back at once, for ever.
    assert 1 <= client.daemon.metric("otlpd_misdirected_requests", kind="http2_on_http") <= 20
    assert "use the gRPC port (4317)" in client.daemon.log
    result = curl("--http2-prior-knowledge", f"{client.daemon.url}/v1/traces", "-d", "{}")
    assert result.returncode != 0


def test_tls_on_the_grpc_port_is_told_what_to_change(client):
    result = curl("-k", f"https://{client.daemon.grpc}/")
    assert result.returncode != 0
    assert "use http:// in its endpoint" in client.daemon.log
    assert client.daemon.metric("otlpd_misdirected_requests", kind="tls_on_plain") >= 1
