"""TLS at the door: real clients, client certificates, new certificates while connections are open, the wrong scheme."""

import os
import shutil
import signal
import socket
import ssl
import subprocess

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from harness import otlp
from harness.certificates import Authority
from harness.daemon import config
from harness.waiting import eventually
from harness.wire import Answer, Connection, request

NAMES = ("localhost", "127.0.0.1")
BODY = otlp.traces().SerializeToString()


class SecureConnection(Connection):
    """A raw connection inside TLS."""

    def __init__(self, address, authority, certificate=None, versions=(None, None), protocols=(), timeout=10):
        super().__init__(address, timeout)
        context = ssl.create_default_context(cafile=authority.path)
        if certificate:
            context.load_cert_chain(*certificate)
        if versions[0]:
            context.minimum_version, context.maximum_version = versions
        if protocols:
            context.set_alpn_protocols(list(protocols))
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")

    @property
    def serial(self) -> str:
        return self.socket.getpeercert()["serialNumber"]

    def ask(self, data: bytes) -> Answer | None:
        return self.send(data).answer()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


class Secured:
    """A daemon with TLS; `files` are the certificate and key that it reads."""

    def __init__(self, otlpd, directory, authority, **tls):
        self.authority = authority
        self.files = (directory / "tls.crt", directory / "tls.key")
        self.install("server")
        self.daemon = otlpd.make(self.document(**tls))
        self.daemon.launch()
        eventually(lambda: "otlp" in self.daemon.addresses)

    def document(self, **tls) -> dict:
        return config(
            {"nop": None},
            journal={"durability": "memory"},
            http={"tls": {"cert_file": str(self.files[0]), "key_file": str(self.files[1]), **tls}},
        )

    def install(self, name: str):
        """Replaces the certificate and key, as tools do: each by a new file of the same name."""
        for source, target in zip(self.authority.issue(name, *NAMES), self.files):
            shutil.copy(source, f"{target}.new")
            os.rename(f"{target}.new", target)

    def connect(self, **settings) -> SecureConnection:
        return SecureConnection(self.daemon.address, self.authority, **settings)

    def metrics(self, **settings) -> str:
        with self.connect(**settings) as connection:
            return connection.ask(request("/metrics", method="GET", content_type=None)).body.decode()


@pytest.fixture
def secured(otlpd, tmp_path, authority):
    return lambda **tls: Secured(otlpd, tmp_path, authority, **tls)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_requests_are_served_over_tls_one_after_the_other(secured, version):
    with secured().connect(versions=(version, version)) as connection:
        for _ in range(3):
            assert connection.ask(request(body=BODY)).status == 200


def test_bodies_of_any_size_arrive_whole_and_pipelined_requests_in_order(secured):
    server = secured()
    with server.connect() as connection:
        for count in (1, 100, 1_000, 20_000):
            body = otlp.traces(count).SerializeToString()
            assert connection.ask(request(body=body)).status == 200, count
        small = request(body=BODY)
        # Python's TLS sockets take one thread at a time, so what is sent at once must fit into the buffers.
        for _ in range(40):
            connection.send(small * 50)
            for _ in range(50):
                assert connection.answer().status == 200
    assert "otelcol_receiver_accepted_spans" in server.metrics()


def test_a_request_cut_into_single_records_is_served(secured):
    with secured().connect() as connection:
        for byte in request(body=BODY):
            connection.send(bytes([byte]))
        assert connection.answer().status == 200


def test_a_large_answer_reaches_a_slow_reader(secured):
    server = secured()
    with server.connect() as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        ask = request("/metrics", method="GET", content_type=None)
        connection.send(ask * 20)
        for _ in range(20):
            answer = connection.answer(of="GET")
            assert answer.status == 200 and answer.body.endswith(b"\n")


def test_closing_says_goodbye(secured):
    with secured().connect() as connection:
        answer = connection.ask(request(body=BODY, headers=("Connection: close",)))
        assert answer.status == 200
        # Without close_notify this raises SSLEOFError.
        assert connection.socket.recv(1) == b""


def test_a_client_that_has_said_goodbye_still_gets_its_answer(secured):
    server = secured()
    raw = Connection(server.daemon.address)
    context = ssl.create_default_context(cafile=server.authority.path)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")

    def pump(step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                raw.socket.sendall(outgoing.read())
                incoming.write(raw.socket.recv(65536))

    pump(tls.do_handshake)
    tls.write(request(body=BODY))
    with pytest.raises(ssl.SSLWantReadError):
        tls.unwrap()
    raw.socket.sendall(outgoing.read())
    # The first record behind the tickets is the answer; it is encrypted, so its size and the end have to do.
    received = b""
    while data := raw.socket.recv(65536):
        received += data
    assert len(received) > 60


def test_the_sdk_exports_over_tls_with_a_client_certificate_and_headers(secured, authority, monkeypatch):
    # It would go before what the exporter is given.
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    server = secured(client_ca_file=str(authority.path))
    cert, key = authority.issue("client")
    host, port = server.daemon.address
    exporter = OTLPSpanExporter(
        endpoint=f"https://localhost:{port}/v1/traces", certificate_file=str(authority.path),
        client_certificate_file=str(cert), client_key_file=str(key), headers={"x-tenant": "shop"}, timeout=5,
    )  # fmt: skip
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("test").start_as_current_span("secured"):
        pass
    provider.shutdown()
    text = server.metrics(certificate=(cert, key))
    assert 'otelcol_receiver_accepted_spans{receiver="otlp",transport="http"} 1' in text


@pytest.mark.parametrize("options", [["--tlsv1.2", "--tls-max", "1.2"], ["--tlsv1.3"], ["--http1.1"], []])
def test_curl_is_served(secured, options):
    server = secured()
    host, port = server.daemon.address
    result = subprocess.run(
        ["curl", "-sS", *options, "--cacert", server.authority.path, f"https://localhost:{port}/v1/traces",
         "-H", "content-type: application/json", "-d", "{}", "-w", " %{http_code}"],
        capture_output=True, text=True, timeout=20,
    )  # fmt: skip
    assert result.stdout == "{} 200", result.stderr


def test_s_client_sees_the_protocol_and_no_old_version(secured):
    server = secured()
    host, port = server.daemon.address

    def s_client(*options) -> str:
        result = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", server.authority.path, *options],
            input=b"", capture_output=True, timeout=20,
        )  # fmt: skip
        return (result.stdout + result.stderr).decode(errors="replace")

    text = s_client("-alpn", "h2,http/1.1")
    assert "ALPN protocol: http/1.1" in text and "Verify return code: 0 (ok)" in text
    assert "Cipher is (NONE)" in s_client("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
    assert "no application protocol" in s_client("-alpn", "h2")


def test_versions_and_ciphers_are_those_of_the_file(secured):
    server = secured(
        max_version="1.2", cipher_suites=["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"], curve_preferences=["P384"]
    )
    with server.connect() as connection:
        assert connection.socket.version() == "TLSv1.2"
        assert connection.socket.cipher()[0] == "ECDHE-ECDSA-CHACHA20-POLY1305"


def test_only_clients_with_a_certificate_of_the_authority_are_served(secured, authority, tmp_path):
    server = secured(client_ca_file=str(authority.path))
    stranger = Authority(tmp_path / "other", "stranger").issue("client")
    for certificate in (None, stranger):
        with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
            # With TLS 1.3 the client hears of it with its first read.
            with server.connect(certificate=certificate) as connection:
                assert connection.ask(request(body=BODY)) is not None
    own = authority.issue("client")
    with server.connect(certificate=own) as connection:
        assert connection.ask(request(body=BODY)).status == 200
    text = server.metrics(certificate=own)
    assert 'otlpd_tls_handshake_failures{reason="client_certificate"} 2' in text
    assert "client's certificate was not accepted" in server.daemon.log


def test_a_resumed_session_is_served_also_with_client_certificates(secured, authority):
    server = secured(client_ca_file=str(authority.path))
    context = ssl.create_default_context(cafile=authority.path)
    context.load_cert_chain(*authority.issue("client"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    session = None
    for is_resumed in (False, True):
        with Connection(server.daemon.address) as connection:
            connection.socket = context.wrap_socket(connection.socket, server_hostname="localhost", session=session)
            assert connection.send(request(body=BODY)).answer().status == 200
            assert connection.socket.session_reused == is_resumed
            session = connection.socket.session


def test_a_new_certificate_is_used_without_a_restart_and_open_connections_go_on(secured):
    server = secured(reload_interval="50ms")
    with server.connect() as old:
        before = old.serial
        server.install("renewed")

        def serial():
            with server.connect() as connection:
                return connection.serial

        eventually(lambda: serial() != before)
        assert old.ask(request(body=BODY)).status == 200
    eventually(lambda: "read the changed certificate" in server.daemon.log)


def test_a_bad_certificate_leaves_the_one_before_it_in_use(secured):
    server = secured(reload_interval="50ms")
    with server.connect() as connection:
        before = connection.serial
    server.files[0].write_text("nonsense")

    def is_told():
        with server.connect() as connection:
            assert connection.serial == before
        return "the changed certificate cannot be used" in server.daemon.log

    eventually(is_told)
    server.install("mended")
    eventually(lambda: server.connect().serial != before)


def test_sighup_reads_the_certificates_at_once(secured):
    server = secured(reload_interval="1h")
    before = server.connect().serial
    server.install("renewed")
    assert server.connect().serial == before
    server.daemon.process.send_signal(signal.SIGHUP)
    eventually(lambda: server.connect().serial != before)


def test_other_settings_count_after_a_reload_for_everybody(secured, authority):
    server = secured()
    with server.connect() as old:
        assert old.ask(request(body=BODY)).status == 200
        server.daemon.write(server.document(client_ca_file=str(authority.path)))
        server.daemon.process.send_signal(signal.SIGHUP)
        eventually(lambda: "configuration reloaded" in server.daemon.log)
        assert old.ended(), "a connection without a certificate does not stay"
    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
        with server.connect() as connection:
            assert connection.ask(request(body=BODY)) is not None
    with server.connect(certificate=authority.issue("client")) as connection:
        assert connection.ask(request(body=BODY)).status == 200


def test_plain_http_on_the_tls_port_is_told_what_to_change(secured):
    server = secured()
    with Connection(server.daemon.address) as connection:
        answer = connection.send(request(body=BODY)).answer()
        assert answer.status == 400
        assert b"https://" in answer.body
        assert connection.ended()
    assert 'otlpd_misdirected_requests{kind="plain_on_tls"} 1' in server.metrics()
    assert "use https:// in its endpoint" in server.daemon.log


def test_tls_on_the_plain_port_is_told_in_the_log(otlpd):
    daemon = otlpd(config({"nop": None}, journal={"durability": "memory"}))
    for _ in range(3):
        with pytest.raises(ssl.SSLError):
            ssl.create_default_context().wrap_socket(
                socket.create_connection(daemon.address, timeout=10), server_hostname="localhost"
            )
    assert daemon.metric("otlpd_misdirected_requests", kind="tls_on_plain") == 3
    assert daemon.log.count("speaks TLS to a port without TLS") == 1


def test_clients_that_never_shake_hands_are_given_up_and_hurt_nobody(otlpd, tmp_path, authority):
    cert, key = authority.issue("server", *NAMES)
    document = config({"nop": None}, journal={"durability": "memory"}, http={"tls": {"cert_file": str(cert), "key_file": str(key)}})
    document["extensions"]["limits"] = {"tls_handshake_timeout": "300ms"}
    daemon = otlpd.make(document)
    daemon.launch()
    eventually(lambda: "otlp" in daemon.addresses)
    silent = [Connection(daemon.address) for _ in range(50)]
    half = Connection(daemon.address).send(b"\x16\x03\x01\x02\x00\x01")
    garbage = Connection(daemon.address).send(os.urandom(2000))
    with SecureConnection(daemon.address, authority) as connection:
        assert connection.ask(request(body=BODY)).status == 200
        for client in [*silent, half, garbage]:
            client.ended()
            client.close()

        def metrics() -> str:
            return connection.ask(request("/metrics", method="GET", content_type=None)).body.decode()

        eventually(lambda: "otlpd_connections 1\n" in metrics())
        assert 'otlpd_tls_handshake_failures{reason="timeout"} 51' in metrics()


def test_a_certificate_that_cannot_be_used_stops_the_start_with_its_name(otlpd, tmp_path):
    document = config({"nop": None}, http={"tls": {"cert_file": "/nowhere/tls.crt", "key_file": "/nowhere/tls.key"}})
    daemon = otlpd.make(document)
    daemon.launch()
    assert daemon.wait() == 78
    assert "cannot use the certificate /nowhere/tls.crt: no such file or directory" in daemon.log
