"""Credentials from extensions: what the other side is shown, what is renewed, and what waits without them."""

import base64

import grpc
import pytest

from harness import otlp
from harness.capture import Answer
from harness.daemon import config
from harness.grpc_capture import Failure
from harness.token_server import TokenServer
from harness.waiting import eventually

QUICK_RETRY = {"initial_interval": "50ms", "max_interval": "200ms"}


def forward(url: str, authenticator: str, settings: dict, sink: str = "otlp_http", **rest) -> dict:
    exporter = {"endpoint": url, "retry_on_failure": QUICK_RETRY, "auth": {"authenticator": authenticator}, **rest}
    if sink == "otlp_grpc":
        exporter["tls"] = {"insecure": True}
    document = config({sink: exporter}, journal={"durability": "memory"})
    document["extensions"][authenticator] = settings
    document["service"]["extensions"].append(authenticator)
    return document


def post(daemon) -> None:
    assert daemon.post("/v1/traces", otlp.traces(3).SerializeToString())[0] == 200


def is_sent(daemon, sink: str = "otlp_http") -> bool:
    return daemon.metric("otelcol_exporter_sent_spans", exporter=sink) > 0


@pytest.fixture
def tokens():
    started = []

    def start(*arguments, **settings) -> TokenServer:
        started.append(TokenServer(*arguments, **settings))
        return started[-1]

    yield start
    for server in started:
        server.close()


def oauth(tokens: TokenServer, **settings) -> dict:
    return {"client_id": "shop", "client_secret": "s3cr:et", "token_url": tokens.url, **settings}


def test_a_user_and_a_password(otlpd, capture):
    downstream = capture()
    settings = {"client_auth": {"username": "Aladdin", "password": "open sesame"}}
    daemon = otlpd(forward(downstream.url, "basicauth/x", settings))
    post(daemon)
    [request] = eventually(lambda: downstream.received)
    assert request.header("authorization") == "Basic " + base64.b64encode(b"Aladdin:open sesame").decode()


def test_a_token_wins_over_a_configured_header(otlpd, capture):
    downstream = capture()
    settings = {"token": "secret", "scheme": "Token"}
    daemon = otlpd(forward(downstream.url, "bearertokenauth", settings, headers={"authorization": "mine"}))
    post(daemon)
    [request] = eventually(lambda: downstream.received)
    assert request.header("authorization") == "Token secret"


def test_a_token_file_that_changes_needs_no_restart(otlpd, capture, tmp_path):
    downstream = capture()
    file = tmp_path / "token"
    daemon = otlpd(forward(downstream.url, "bearertokenauth", {"filename": str(file)}))
    post(daemon)
    eventually(lambda: str(file) in daemon.log)
    assert downstream.received == []
    for index, token in enumerate(["one", "two"]):
        file.write_text(token + "\n")
        if index:
            post(daemon)
        eventually(lambda: len(downstream.received) == index + 1)
    assert [request.header("authorization") for request in downstream.received] == ["Bearer one", "Bearer two"]


def test_a_token_of_client_credentials_is_fetched_once_and_kept(otlpd, capture, tokens, tmp_path):
    downstream, server = capture(), tokens()
    (tmp_path / "secret").write_text("from a file\n")
    settings = oauth(server, scopes=["a", "b"], endpoint_params={"audience": "collector"})
    settings["client_secret_file"] = str(tmp_path / "secret")
    daemon = otlpd(forward(downstream.url, "oauth2client/x", settings))
    for index in range(3):
        post(daemon)
        eventually(lambda: len(downstream.received) == index + 1)
    assert {request.header("authorization") for request in downstream.received} == {"Bearer token-1"}
    form = {"grant_type": "client_credentials", "scope": "a b", "audience": "collector"}
    assert server.asked == [("shop:from+a+file", form)]


@pytest.mark.parametrize("sink", ["otlp_http", "otlp_grpc"])
def test_a_token_that_is_refused_is_renewed_once_and_the_batch_sent_again(otlpd, capture, grpc_capture, tokens, sink):
    server = tokens()
    if sink == "otlp_http":
        downstream = capture([Answer(401)])
        seen = downstream.received
        daemon = otlpd(forward(downstream.url, "oauth2client", oauth(server)))
    else:
        downstream = grpc_capture([Failure(grpc.StatusCode.UNAUTHENTICATED, "expired")])
        seen = downstream.calls
        daemon = otlpd(forward(downstream.address, "oauth2client", oauth(server), sink))
    post(daemon)
    eventually(lambda: is_sent(daemon, sink))
    assert [request.header("authorization") for request in seen] == ["Bearer token-1", "Bearer token-2"]
    assert daemon.metric("otlpd_exporter_retries") == 0


def test_a_token_that_is_always_refused_stops_the_signal_and_loses_nothing(otlpd, capture, tokens):
    downstream, server = capture(otherwise=Answer(401)), tokens()
    daemon = otlpd(forward(downstream.url, "oauth2client", oauth(server)))
    post(daemon)
    eventually(lambda: "answered 401" in daemon.log)
    assert (len(downstream.received), len(server.asked)) == (2, 2)
    assert daemon.metric("otlpd_exporter_pending_items", exporter="otlp_http") == 3
    assert daemon.metric("otlpd_dropped_items") == 0


def test_a_token_server_that_is_down_is_waited_for(otlpd, capture, tokens):
    downstream, server = capture(), tokens([503])
    daemon = otlpd(forward(downstream.url, "oauth2client", oauth(server)))
    post(daemon)
    eventually(lambda: is_sent(daemon))
    assert "the token_url answered 503" in daemon.log
    assert len(downstream.received) == 1


def test_what_the_token_server_refuses_is_told_without_the_secret(otlpd, capture, tokens):
    downstream, server = capture(), tokens([400, 400])
    daemon = otlpd(forward(downstream.url, "oauth2client", oauth(server)))
    post(daemon)
    eventually(lambda: "invalid_client" in daemon.log)
    assert "s3cr" not in daemon.log
    assert downstream.received == []
    # HTTP Basic was tried first, the body second: servers take one or the other.
    assert [who for who, _ in server.asked] == ["shop:s3cr%3Aet", ""]
    assert server.asked[1][1]["client_secret"] == "s3cr:et"


def test_without_a_token_url_the_daemon_starts_and_keeps_what_it_takes(otlpd, capture):
    downstream = capture()
    settings = {"client_id": "${env:CLIENT}", "client_secret": "${env:SECRET}", "token_url": "${env:TOKEN_URL}"}
    daemon = otlpd(forward(downstream.url, "oauth2client", settings))
    post(daemon)
    eventually(lambda: "token_url is empty. Set it" in daemon.log)
    assert daemon.metric("otlpd_exporter_pending_items", exporter="otlp_http") == 3
    assert daemon.metric("otlpd_dropped_items") == 0
    assert downstream.received == []
