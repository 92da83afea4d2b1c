"""OTLP/HTTP over TLS and through proxies: certificates made here, and what is refused."""

import http.server
import socket
import ssl
import threading

import pytest

from harness import otlp
from harness.daemon import config
from harness.waiting import eventually

QUICK_RETRY = {"initial_interval": "50ms", "max_interval": "200ms"}


def forward(url: str, **settings) -> dict:
    exporter = {"endpoint": url, "retry_on_failure": QUICK_RETRY, **settings}
    return config({"otlp_http": exporter}, journal={"durability": "memory"})


def post(daemon, message=None) -> None:
    assert daemon.post("/v1/traces", (message or otlp.traces(3)).SerializeToString())[0] == 200


def context(authority, *names, client_ca=False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("server", *names))
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority.path)
    return context


def test_a_server_is_checked_against_the_named_authority(otlpd, capture, authority):
    downstream = capture(tls=context(authority, "127.0.0.1"))
    daemon = otlpd(forward(downstream.url, tls={"ca_file": str(authority.path)}))
    message = otlp.traces(5)
    post(daemon, message)
    eventually(lambda: otlp.items(downstream.merged("traces")) == otlp.items(message))


def test_a_server_of_another_authority_gets_nothing_unless_the_check_is_off(otlpd, capture, authority):
    downstream = capture(tls=context(authority, "127.0.0.1"))
    strict = otlpd(forward(downstream.url))
    post(strict)
    eventually(lambda: "tls.ca_file" in strict.log)
    assert downstream.received == []
    careless = otlpd(forward(downstream.url, tls={"insecure_skip_verify": True}), data=otlpd.directory / "other")
    post(careless)
    eventually(lambda: downstream.received)


def test_a_certificate_of_another_name_needs_the_override_which_changes_nothing_else(otlpd, capture, authority):
    downstream = capture(tls=context(authority, "collector.example"))
    tls = {"ca_file": str(authority.path)}
    strict = otlpd(forward(downstream.url, tls=tls))
    post(strict)
    eventually(lambda: "certificate" in strict.log)
    assert downstream.received == []
    tls["server_name_override"] = "collector.example"
    daemon = otlpd(forward(downstream.url + "/base", tls=tls), data=otlpd.directory / "other")
    post(daemon)
    [request] = eventually(lambda: downstream.received)
    assert request.header("host") == f"127.0.0.1:{downstream.port}"
    assert request.path == "/base/v1/traces"


@pytest.mark.parametrize("form", ["files", "pem"])
def test_mtls_shows_the_clients_certificate(otlpd, capture, authority, form):
    certificate, key = authority.issue("agent")
    downstream = capture(tls=context(authority, "127.0.0.1", client_ca=True))
    if form == "files":
        tls = {"ca_file": str(authority.path), "cert_file": str(certificate), "key_file": str(key)}
    else:
        tls = {"ca_pem": authority.path.read_text(), "cert_pem": certificate.read_text(), "key_pem": key.read_text()}
    daemon = otlpd(forward(downstream.url, tls=tls))
    post(daemon)
    [request] = eventually(lambda: downstream.received)
    assert request.certificate["subject"] == ((("commonName", "agent"),),)


def test_mtls_without_a_certificate_waits(otlpd, capture, authority):
    downstream = capture(tls=context(authority, "127.0.0.1", client_ca=True))
    daemon = otlpd(forward(downstream.url, tls={"ca_file": str(authority.path)}))
    post(daemon)
    eventually(lambda: daemon.metric("otlpd_exporter_retries") > 0)
    assert downstream.received == []
    assert daemon.metric("otlpd_dropped_items") == 0


@pytest.mark.parametrize(("minimum", "maximum", "server", "spoken"), [
    ("1.2", "1.2", None, "TLSv1.2"), ("1.3", "", None, "TLSv1.3"), ("1.2", "", ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
    ("1.3", "", ssl.TLSVersion.TLSv1_2, None),
])  # fmt: skip
def test_versions_are_kept_to(otlpd, capture, authority, minimum, maximum, server, spoken):
    tls = context(authority, "127.0.0.1")
    if server:
        tls.maximum_version = server
    downstream = capture(tls=tls)
    settings = {"ca_file": str(authority.path), "min_version": minimum, "max_version": maximum}
    daemon = otlpd(forward(downstream.url, tls=settings))
    post(daemon)
    if spoken:
        assert eventually(lambda: downstream.received)[0].tls_version == spoken
    else:
        eventually(lambda: daemon.metric("otlpd_exporter_retries") > 0)
        assert downstream.received == []


def test_a_client_certificate_that_is_renewed_is_used_for_the_next_connection(otlpd, capture, authority):
    certificate, key = authority.issue("agent")
    downstream = capture(tls=context(authority, "127.0.0.1", client_ca=True))
    tls = {"ca_file": str(authority.path), "cert_file": str(certificate), "key_file": str(key)}
    daemon = otlpd(forward(downstream.url, tls=tls, disable_keep_alives=True))
    post(daemon)
    eventually(lambda: len(downstream.received) == 1)
    for old, new in zip((certificate, key), authority.issue("renewed")):
        old.write_bytes(new.read_bytes())
    post(daemon)
    eventually(lambda: len(downstream.received) == 2)
    assert downstream.received[1].certificate["subject"] == ((("commonName", "renewed"),),)


class Proxy:
    """An HTTP proxy: forwards plain requests and opens tunnels, and remembers what it was asked for."""

    def __init__(self):
        self.asked: list[str] = []
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_CONNECT(self):
                proxy.asked.append(f"CONNECT {self.path}")
                port = int(self.path.rsplit(":", 1)[1])
                with socket.create_connection(("127.0.0.1", port), 10) as upstream:
                    self.send_response(200)
                    self.end_headers()
                    back = threading.Thread(target=pump, args=(upstream, self.connection), daemon=True)
                    back.start()
                    pump(self.connection, upstream)
                    back.join(10)
                self.close_connection = True

            def do_POST(self):
                proxy.asked.append(f"POST {self.path}")
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def pump(source: socket.socket, target: socket.socket):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@pytest.fixture
def proxy():
    proxy = Proxy()
    yield proxy
    proxy.close()


@pytest.mark.parametrize("way", ["proxy_url", "HTTP_PROXY", "http_proxy"])
def test_a_proxy_takes_what_goes_to_other_hosts(otlpd, proxy, way):
    settings = {"proxy_url": proxy.url} if way == "proxy_url" else {}
    environment = {} if way == "proxy_url" else {way: proxy.url}
    daemon = otlpd(forward("http://collector.example:4318", **settings), environment=environment)
    post(daemon)
    eventually(lambda: proxy.asked == ["POST http://collector.example:4318/v1/traces"])
    eventually(lambda: daemon.metric("otelcol_exporter_sent_spans", exporter="otlp_http") == 3)


def test_no_proxy_is_used_where_the_environment_says_so(otlpd, capture, proxy):
    downstream = capture()
    daemon = otlpd(
        forward(f"http://localhost:{downstream.port}"), environment={"HTTP_PROXY": proxy.url, "NO_PROXY": "localhost"}
    )
    post(daemon)
    eventually(lambda: downstream.received)
    assert proxy.asked == []


def test_tls_goes_through_a_proxy_in_a_tunnel(otlpd, capture, proxy, authority):
    downstream = capture(tls=context(authority, "collector.example"))
    daemon = otlpd(
        forward(
            f"https://collector.example:{downstream.port}", tls={"ca_file": str(authority.path)}, proxy_url=proxy.url
        )
    )
    post(daemon)
    eventually(lambda: downstream.received)
    assert proxy.asked == [f"CONNECT collector.example:{downstream.port}"]


def test_grpc_goes_through_a_proxy_of_the_environment_in_a_tunnel(otlpd, grpc_capture, proxy):
    downstream = grpc_capture()
    exporter = {"endpoint": f"collector.example:{downstream.port}", "tls": {"insecure": True}}
    document = config({"otlp_grpc": exporter}, journal={"durability": "memory"})
    daemon = otlpd(document, environment={"HTTP_PROXY": proxy.url})
    for index in range(2):
        post(daemon)
        eventually(lambda: len(downstream.calls) == index + 1)
    assert proxy.asked == [f"CONNECT collector.example:{downstream.port}"]
