"""Who may send: tokens and passwords of receivers, over HTTP and gRPC, with the clients that people use."""

import base64
import gzip
import os
import subprocess
import sys
import time

import grpc
import pytest

from harness import otlp
from harness.daemon import config
from harness.grpc_client import Client
from harness.otlp import PROTOBUF
from harness.waiting import eventually
from harness.wire import Connection, request

BODY = otlp.traces(1).SerializeToString()
# htpasswd -nbB -C 4: the password is "s3cret", and takes 1 ms.
ALICE = "alice:$2y$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG"


def guarded(authenticator: str, settings: dict, **http) -> dict:
    """A configuration whose receiver asks for credentials at both ports."""
    auth = {"auth": {"authenticator": authenticator}}
    document = config({"nop": None}, journal={"durability": "memory"}, http={**auth, **http}, grpc=auth)
    document["extensions"][authenticator] = settings
    document["service"]["extensions"].append(authenticator)
    return document


def post(daemon, authorization: str | None = None, header: str = "Authorization"):
    headers = {} if authorization is None else {header: authorization}
    return daemon.post("/v1/traces", BODY, headers=headers)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def metrics(daemon, authorization: str) -> str:
    status, _, text = fetch(daemon, "/metrics", authorization)
    assert status == 200
    return text


def fetch(daemon, path: str, authorization: str | None = None):
    lines = () if authorization is None else (f"Authorization: {authorization}",)
    with Connection(daemon.address) as connection:
        answer = connection.send(request(method="GET", path=path, headers=lines)).answer()
    return answer.status, answer, answer.body.decode()


@pytest.fixture
def bearer(otlpd):
    tokens = ["t0ken-one", {"name": "shop", "token": "t0ken-two"}]
    return otlpd(guarded("bearertokenauth/in", {"tokens": tokens}))


def test_http_asks_for_a_token(bearer):
    for wrong in (None, "", "Bearer", "Bearer t0ken-on", "Bearer t0ken-one1", "Basic t0ken-one", "t0ken-one"):
        status, headers, body = post(bearer, wrong)
        assert status == 401, wrong
        assert headers["WWW-Authenticate"].startswith('Bearer realm="otlpd"')
        code, message = otlp.status_of(body, PROTOBUF)
        assert code == 16 and "t0ken" not in message
    for right in ("Bearer t0ken-one", "bearer t0ken-one", "Bearer t0ken-two"):
        assert post(bearer, right)[0] == 200
    text = metrics(bearer, "Bearer t0ken-one")
    labels = 'otlpd_authenticated_requests{receiver="otlp",transport="http",name='
    # The last one of "1" is the scrape itself.
    assert f'{labels}"1"}} 3' in text and f'{labels}"shop"}} 1' in text
    refused = 'otlpd_unauthenticated_requests{receiver="otlp",transport="http",reason='
    assert f'{refused}"missing"}} 2' in text and f'{refused}"wrong"}} 5' in text
    assert "t0ken" not in text and "t0ken" not in bearer.log
    assert bearer.log.count("refused because of its credentials") == 1, "once a minute"


def test_grpc_asks_for_a_token(bearer):
    with Client(bearer.grpc) as client:
        for wrong in (None, "Bearer nonsense"):
            metadata = [] if wrong is None else [("authorization", wrong)]
            error = client.failure("traces", otlp.traces(1), metadata=metadata)
            assert error.code() == grpc.StatusCode.UNAUTHENTICATED
            assert "authorization" in error.details().lower()
        client.export("traces", otlp.traces(1), metadata=[("authorization", "Bearer t0ken-two")])
    labels = 'otlpd_authenticated_requests{receiver="otlp",transport="grpc",name="shop"} 1'
    assert labels in metrics(bearer, "Bearer t0ken-one")


def test_health_needs_no_token_and_metrics_do(bearer):
    assert fetch(bearer, "/healthz")[0] == 200
    assert fetch(bearer, "/readyz")[0] == 200
    for path in ("/metrics", "/v1/traces", "/nonsense"):
        assert fetch(bearer, path)[0] == 401, path
    assert fetch(bearer, "/metrics", "Bearer t0ken-one")[0] == 200


def test_a_stranger_is_refused_before_the_body_is_sent(bearer):
    with Connection(bearer.address) as connection:
        head = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n"
        answer = connection.send(head).answer()
    assert answer.status == 401, "and not 100 Continue"


def test_a_stranger_s_bomb_is_not_unpacked(bearer):
    bomb = gzip.compress(bytes(200 << 20), 9)
    status, _, _ = bearer.post("/v1/traces", bomb, headers={"Content-Encoding": "gzip"})
    assert status == 401


SDK = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.exporter.otlp.proto.{protocol}.trace_exporter import OTLPSpanExporter
provider = TracerProvider()
exporter = OTLPSpanExporter()
provider.add_span_processor(SimpleSpanProcessor(exporter))
with provider.get_tracer("t").start_as_current_span("hello"):
    pass
provider.shutdown()
"""


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_an_sdk_with_the_token_in_its_environment(bearer, protocol):
    endpoint = bearer.url if protocol == "http" else f"http://{bearer.grpc}"
    environment = {
        **os.environ,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        # As the specification has it: percent-encoded.
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20t0ken-two",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "10",
    }
    script = SDK.format(protocol=protocol)
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=60)
    line = f'otelcol_receiver_accepted_spans{{receiver="otlp",transport="{protocol}"}} 1'
    assert line in metrics(bearer, "Bearer t0ken-one")


def test_tokens_of_a_file_are_rotated_without_a_restart(otlpd, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("# the shop's\nold shop\nother\n")
    daemon = otlpd(guarded("bearertokenauth", {"filename": str(tokens)}))
    assert post(daemon, "Bearer old")[0] == 200 and post(daemon, "Bearer other")[0] == 200
    assert post(daemon, "Bearer shop")[0] == 401
    fresh = tmp_path / "fresh"
    fresh.write_text("new shop\n")
    fresh.rename(tokens)
    eventually(lambda: post(daemon, "Bearer new")[0] == 200, seconds=10)
    assert post(daemon, "Bearer old")[0] == 401
    tokens.unlink()
    eventually(lambda: post(daemon, "Bearer new")[0] == 200 and "still counts" in daemon.log, seconds=10)
    assert post(daemon, "Bearer new")[0] == 200


def test_a_relative_name_is_one_of_the_service_s_credentials(otlpd, tmp_path):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "tokens").write_text("s3cret\n")
    environment = {"CREDENTIALS_DIRECTORY": str(credentials)}
    daemon = otlpd(guarded("bearertokenauth", {"filename": "tokens"}), environment=environment)
    assert post(daemon, "Bearer s3cret")[0] == 200


def test_a_missing_file_keeps_otlpd_from_starting(otlpd, tmp_path):
    daemon = otlpd.make(guarded("bearertokenauth", {"filename": str(tmp_path / "none")}))
    daemon.launch()
    assert daemon.wait(20) == 78
    assert "none" in daemon.log and "bearertokenauth" in daemon.log


def test_a_token_in_a_header_of_its_own(otlpd):
    settings = {"header": "X-API-Key", "scheme": "", "token": "s3cret"}
    daemon = otlpd(guarded("bearertokenauth", settings))
    assert post(daemon, "s3cret", "x-api-key")[0] == 200
    assert post(daemon, "Bearer s3cret")[0] == 401


def test_users_and_passwords(otlpd, tmp_path):
    users = tmp_path / "users"
    users.write_text(ALICE + "\n")
    daemon = otlpd(guarded("basicauth/in", {"htpasswd": {"file": str(users), "inline": "bob:pl:ain\n"}}))
    for _ in range(3):
        assert post(daemon, basic("alice", "s3cret"))[0] == 200
        assert post(daemon, basic("bob", "pl:ain"))[0] == 200
        for user, password in (("alice", "wrong"), ("alice", ""), ("bob", "wrong"), ("nobody", "s3cret")):
            status, headers, _ = post(daemon, basic(user, password))
            assert status == 401 and headers["WWW-Authenticate"] == 'Basic realm="otlpd", charset="UTF-8"'
    with Client(daemon.grpc) as client:
        metadata = [("authorization", basic("alice", "s3cret"))]
        client.export("traces", otlp.traces(1), metadata=metadata)
        error = client.failure("traces", otlp.traces(1), metadata=[("authorization", basic("alice", "x"))])
        assert error.code() == grpc.StatusCode.UNAUTHENTICATED
    text = metrics(daemon, basic("alice", "s3cret"))
    assert 'name="alice"} 4' in text, "with the scrape itself"
    assert 'name="bob"} 3' in text
    assert "s3cret" not in text + daemon.log and "pl:ain" not in text + daemon.log
    # A changed file counts, whatever was remembered.
    users.write_text("carol:plain\n")
    eventually(lambda: post(daemon, basic("carol", "plain"))[0] == 200, seconds=10)
    assert post(daemon, basic("alice", "s3cret"))[0] == 401


def test_curl_with_a_user(otlpd):
    daemon = otlpd(guarded("basicauth", {"htpasswd": {"inline": ALICE.replace("$", "$$")}}))
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "10", "-u"]
    arguments = ["-H", "content-type: application/json", "-d", "{}", f"{daemon.url}/v1/traces"]
    for password, expected in (("s3cret", "200"), ("wrong", "401")):
        answer = subprocess.run([*command, f"alice:{password}", *arguments], capture_output=True, text=True)
        assert answer.stdout == expected


def test_slow_passwords_hold_nobody_up(otlpd):
    """bcrypt of cost 12 takes a third of a second: known clients are answered meanwhile."""
    slow = "slow:$2y$12$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG"
    daemon = otlpd(guarded("basicauth", {"htpasswd": {"inline": f"{slow}\nbob:plain".replace("$", "$$")}}))
    connections = [Connection(daemon.address) for _ in range(5)]
    try:
        line = f"Authorization: {basic('slow', 'guess')}"
        for connection in connections:
            connection.send(request(body=BODY, headers=(line,)))
        start = time.monotonic()
        assert post(daemon, basic("bob", "plain"))[0] == 200
        passed = time.monotonic() - start
        answers = [connection.answer() for connection in connections]
        assert [answer.status for answer in answers] == [401] * 5
        assert passed < time.monotonic() - start, "bob is answered before the last guess"
    finally:
        for connection in connections:
            connection.close()
