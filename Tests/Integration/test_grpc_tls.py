"""OTLP/gRPC over TLS, with and without client certificates: grpcio, Python's exporter, curl, and clients that are wrong."""

import shutil
import subprocess

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from harness import otlp
from harness.certificates import Authority
from harness.daemon import Daemon, config
from harness.grpc_client import METHODS, Client, framed
from harness.waiting import eventually

MEMORY = {"durability": "memory"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


def document(authority, **settings) -> dict:
    cert, key = authority.issue("server", "localhost", "127.0.0.1")
    tls = {"cert_file": str(cert), "key_file": str(key), **settings}
    return config({"nop": None}, journal=MEMORY, grpc={"tls": tls})


def credentials(authority, certificate=None) -> grpc.ChannelCredentials:
    cert, key = [path.read_bytes() for path in certificate] if certificate else (None, None)
    return grpc.ssl_channel_credentials(authority.path.read_bytes(), key, cert)


def connect(daemon, authority, certificate=None) -> Client:
    return Client(daemon.grpc, credentials=credentials(authority, certificate))


def accepted(daemon) -> float:
    return daemon.metric("otelcol_receiver_accepted_spans", transport="grpc")


@pytest.fixture(scope="module")
def secured(tmp_path_factory, authority):
    with Daemon(tmp_path_factory.mktemp("secured"), document(authority)) as daemon:
        daemon.start()
        yield daemon
        assert daemon.terminate() == 0, daemon.log


@pytest.fixture(scope="module")
def mutual(tmp_path_factory, authority):
    with Daemon(tmp_path_factory.mktemp("mutual"), document(authority, client_ca_file=str(authority.path))) as daemon:
        daemon.start()
        yield daemon
        assert daemon.terminate() == 0, daemon.log


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_calls_of_every_signal_and_size_are_served(secured, authority, compression):
    with connect(secured, authority) as client:
        for signal in otlp.SIGNALS:
            for count in (1, 100, 5_000):
                answer = client.export(signal, otlp.MAKERS[signal](count), compression=compression)
                assert not answer.HasField("partial_success")


def test_four_channels_with_a_hundred_concurrent_calls_each(secured, authority):
    clients = [connect(secured, authority) for _ in range(4)]
    before = accepted(secured)
    for _ in range(2):
        calls = [each.method("traces").future(otlp.traces(2), timeout=20) for each in clients for _ in range(100)]
        for call in calls:
            call.result()
    assert accepted(secured) - before == 1600
    for each in clients:
        each.close()


def test_cancelled_calls_leave_nothing_behind(secured, authority):
    with connect(secured, authority) as client:
        for _ in range(50):
            client.method("traces").future(otlp.traces(1_000), timeout=20).cancel()
        assert client.export("traces", otlp.traces(1)) is not None
        eventually(lambda: secured.metric("otlpd_memory_in_flight_bytes") == 0)


def test_clients_without_a_good_certificate_are_not_served(mutual, authority, tmp_path):
    stranger = Authority(tmp_path / "other", "stranger").issue("client")
    for certificate in (None, stranger):
        with connect(mutual, authority, certificate) as client:
            assert client.failure("traces", otlp.traces(1), timeout=10).code() == grpc.StatusCode.UNAVAILABLE
    assert accepted(mutual) == 0
    assert mutual.metric("otlpd_tls_handshake_failures", reason="client_certificate") >= 2
    with connect(mutual, authority, authority.issue("client")) as client:
        assert client.export("traces", otlp.traces(1)) is not None
    assert accepted(mutual) == 1


def test_pythons_exporter_with_certificates_from_the_environment(mutual, authority, monkeypatch):
    cert, key = authority.issue("client")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(authority.path))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", str(cert))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CLIENT_KEY", str(key))
    before = accepted(mutual)
    provider = TracerProvider()
    exporter = OTLPSpanExporter(endpoint=f"https://localhost:{mutual.grpc.rsplit(':', 1)[1]}", timeout=10)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("test").start_as_current_span("secured"):
        pass
    provider.shutdown()
    assert accepted(mutual) == before + 1


def test_pythons_exporter_with_a_certificate_in_its_arguments(secured, authority):
    before = accepted(secured)
    exporter = OTLPSpanExporter(endpoint=f"https://{secured.grpc}", credentials=credentials(authority), timeout=10)
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("test").start_as_current_span("secured"):
        pass
    provider.shutdown()
    assert accepted(secured) == before + 1


def test_curl_agrees_on_http2(secured, authority, tmp_path):
    body = tmp_path / "call"
    body.write_bytes(framed(otlp.traces(1).SerializeToString()))
    result = subprocess.run(
        ["curl", "-sSi", "--http2", "--cacert", authority.path, f"https://{secured.grpc}{METHODS['traces']}",
         "-H", "content-type: application/grpc", "-H", "te: trailers", "--data-binary", f"@{body}"],
        capture_output=True, timeout=20,
    )  # fmt: skip
    assert result.stdout.startswith(b"HTTP/2 200") and b"grpc-status: 0" in result.stdout, result.stderr


@pytest.mark.parametrize(("offered", "found"), [("h2", "ALPN protocol: h2"), ("http/1.1", "no application protocol")])
def test_only_http2_is_agreed_on(secured, offered, found):
    result = subprocess.run(
        ["openssl", "s_client", "-connect", secured.grpc, "-alpn", offered], input=b"", capture_output=True, timeout=20
    )
    assert found in (result.stdout + result.stderr).decode(errors="replace")


def test_a_client_without_tls_is_told_what_to_change(secured):
    before = secured.metric("otlpd_misdirected_requests", kind="plain_on_tls")
    with Client(secured.grpc) as client:
        assert client.failure("traces", otlp.traces(1), timeout=10).code() == grpc.StatusCode.UNAVAILABLE
    eventually(lambda: secured.metric("otlpd_misdirected_requests", kind="plain_on_tls") > before)
    assert "use https:// in its endpoint" in secured.log


def test_a_new_certificate_is_used_without_a_restart_and_open_channels_go_on(otlpd, authority, tmp_path):
    files = {}
    for name in ("cert_file", "key_file"):
        files[name] = str(tmp_path / name)
    others = Authority(tmp_path / "others", "others")

    def install(issuer):
        for source, target in zip(issuer.issue("server", "127.0.0.1"), files.values()):
            shutil.copy(source, f"{target}.new")
            shutil.move(f"{target}.new", target)

    install(authority)
    daemon = otlpd(config({"nop": None}, journal=MEMORY, grpc={"tls": {**files, "reload_interval": "50ms"}}))
    with connect(daemon, authority) as old:
        assert old.export("traces", otlp.traces(1)) is not None
        install(others)

        def is_new():
            with connect(daemon, others) as client:
                try:
                    return client.export("traces", otlp.traces(1), timeout=5) is not None
                except grpc.RpcError:
                    return False

        eventually(is_new)
        assert old.export("traces", otlp.traces(1)) is not None
