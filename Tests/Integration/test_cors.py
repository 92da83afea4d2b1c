"""Browsers: preflights, answers to pages of other origins, and pages that pretend to be of this machine."""

import pytest

from harness import otlp
from harness.daemon import config
from harness.net import free_port
from harness.wire import Connection, request

BODY = otlp.traces(1).SerializeToString()
PAGE = "https://shop.example"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A daemon that asks for a token and lets the pages of some origins send theirs."""
    from harness.daemon import Daemon

    cors = {"allowed_origins": [PAGE, "https://*.lab.example"], "allowed_headers": ["authorization"], "max_age": 7200}
    http = {"cors": cors, "auth": {"authenticator": "bearertokenauth"}}
    document = config({"nop": None}, journal={"durability": "memory"}, http=http)
    document["extensions"]["bearertokenauth"] = {"token": "t"}
    document["service"]["extensions"].append("bearertokenauth")
    with Daemon(tmp_path_factory.mktemp("browser"), document) as daemon:
        yield daemon.start()


def exchange(daemon, *lines, method="POST", body=BODY, path="/v1/traces"):
    with Connection(daemon.address) as connection:
        return connection.send(request(method=method, path=path, body=body, headers=lines)).answer()


def preflight(daemon, origin=PAGE, method="POST", headers="authorization,content-type"):
    lines = (f"Origin: {origin}", f"Access-Control-Request-Method: {method}")
    if headers:
        lines += (f"Access-Control-Request-Headers: {headers}",)
    return exchange(daemon, *lines, method="OPTIONS", body=b"")


@pytest.mark.parametrize("origin", [PAGE, "https://a.lab.example"])
def test_a_preflight_is_answered_without_a_token(browser, origin):
    answer = preflight(browser, origin)
    assert answer.status == 204 and answer.body == b""
    assert answer.header("access-control-allow-origin") == origin
    assert answer.header("access-control-allow-methods") == "POST"
    assert answer.header("access-control-allow-headers") == "authorization,content-type"
    assert answer.header("access-control-allow-credentials") == "true"
    assert answer.header("access-control-max-age") == "7200"
    assert "Origin" in answer.header("vary")


@pytest.mark.parametrize(
    "settings", [{"origin": "https://evil.example"}, {"method": "DELETE"}, {"headers": "x-other"}], ids=str
)
def test_what_is_not_allowed_gets_no_welcome(browser, settings):
    answer = preflight(browser, **settings)
    assert answer.status == 204
    assert answer.header("access-control-allow-origin") is None


def test_a_page_sends_with_its_token_and_reads_refusals(browser):
    line = f"Origin: {PAGE}"
    answer = exchange(browser, line, "Authorization: Bearer t")
    assert answer.status == 200 and answer.header("access-control-allow-origin") == PAGE
    answer = exchange(browser, line)
    assert answer.status == 401 and answer.header("access-control-allow-origin") == PAGE
    answer = exchange(browser, "Origin: https://evil.example", "Authorization: Bearer t")
    assert answer.status == 200 and answer.header("access-control-allow-origin") is None


def test_options_without_a_question_is_a_request_like_others(browser):
    assert exchange(browser, f"Origin: {PAGE}", method="OPTIONS", body=b"").status == 401


def test_without_cors_nothing_is_said_of_it(daemon):
    answer = preflight(daemon)
    assert answer.status == 405 and answer.header("access-control-allow-origin") is None


def test_headers_without_origins_are_ignored_with_a_warning(otlpd):
    document = config({"nop": None}, journal={"durability": "memory"}, http={"cors": {"allowed_headers": ["x"]}})
    daemon = otlpd(document)
    assert "allowed_origins" in daemon.log
    assert preflight(daemon).status == 405


def test_admin_pages_of_this_machine_are_for_this_machine(otlpd):
    document = config({"nop": None}, journal={"durability": "memory"})
    reader = {"pull": {"exporter": {"prometheus": {"host": "127.0.0.1", "port": free_port()}}}}
    document["service"]["telemetry"]["metrics"] = {"readers": [reader]}
    daemon = otlpd(document)
    for component in ("otlp", "telemetry"):
        host, port = daemon.addresses[component].rsplit(":", 1)
        for name, expected in (
            ("rebound.example", 421), (f"rebound.example:{port}", 421), ("localhost.evil.example", 421),
            ("localhost", 200), (f"LOCALHOST:{port}", 200), (f"127.0.0.1:{port}", 200), ("[::1]:8888", 200),
        ):  # fmt: skip
            with Connection((host, int(port))) as connection:
                text = f"GET /metrics HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()
                assert connection.send(text).answer().status == expected, name
        with Connection((host, int(port))) as connection:
            text = b"GET /healthz HTTP/1.1\r\nHost: rebound.example\r\n\r\n"
            assert connection.send(text).answer().status == 200
    # Telemetry is taken under any name: in a container it is otlpd's own.
    with Connection(daemon.address) as connection:
        head = f"POST /v1/traces HTTP/1.1\r\nHost: otlpd:4318\r\nContent-Type: application/x-protobuf\r\nContent-Length: {len(BODY)}\r\n\r\n"
        assert connection.send(head.encode() + BODY).answer().status == 200
