"""Every recipe of docs/backends.md, run as it stands there but for the host."""

import base64
import gzip
import re

import pytest

from harness import otlp
from harness.daemon import TOP
from harness.grpc_capture import SERVICES
from harness.h2 import H2Server
from harness.token_server import TokenServer
from harness.waiting import eventually

ENVIRONMENT = {
    "GRAFANA_INSTANCE_ID": "4711",
    "GRAFANA_TOKEN": "glc_token",
    "SCOUT_CLIENT_ID": "scout",
    "SCOUT_CLIENT_SECRET": "scout secret",
    "DD_API_KEY": "dd key",
    "DD_OTLP_SOURCE": "org",
    "NEW_RELIC_LICENSE_KEY": "nr key",
    "HONEYCOMB_API_KEY": "hc key",
    "SIGNOZ_INGESTION_KEY": "sz key",
    "VENDOR_API_KEY": "vendor key",
}
EVERYTHING = {signal: f"/v1/{signal}" for signal in otlp.SIGNALS}
BASIC = "Basic " + base64.b64encode(b"4711:glc_token").decode()

# By exporter: the path of each signal it gets, the headers besides those of every request, and the compression.
EXPECTED = {
    "otlp_http/backup": ({"traces": "/v1/traces"}, {}, "gzip"),
    "otlp_http/gateway": ({"traces": "/v1/traces"}, {"authorization": "Bearer from-the-file"}, "gzip"),
    "otlp_http": (EVERYTHING, {}, "zstd"),
    "otlp_grpc": (EVERYTHING, {}, "gzip"),
    "otlp_http/jaeger": ({"traces": "/v1/traces"}, {}, "gzip"),
    "otlp_http/tempo": ({"traces": "/v1/traces"}, {"x-scope-orgid": "my-tenant"}, "gzip"),
    "otlp_http/grafana": ({s: f"/otlp/v1/{s}" for s in otlp.SIGNALS}, {"authorization": BASIC}, "gzip"),
    "otlp_http/prometheus": ({"metrics": "/api/v1/otlp/v1/metrics"}, {}, "gzip"),
    "otlp_http/victoria": (
        {
            "metrics": "/opentelemetry/v1/metrics",
            "logs": "/insert/opentelemetry/v1/logs",
            "traces": "/insert/opentelemetry/v1/traces",
        },
        {},
        "gzip",
    ),
    "otlp_http/scout": (
        {s: f"/my-tenant/otlp/v1/{s}" for s in otlp.SIGNALS},
        {"authorization": "Bearer token-1"},
        "gzip",
    ),
    "otlp_http/datadog-agent": (EVERYTHING, {}, "gzip"),
    "otlp_http/datadog": (EVERYTHING, {"dd-api-key": "dd key", "dd-protocol": "otlp", "dd-otlp-source": "org"}, "gzip"),
    "otlp_http/newrelic": (EVERYTHING, {"api-key": "nr key"}, "gzip"),
    "otlp_http/honeycomb": (EVERYTHING, {"x-honeycomb-team": "hc key", "x-honeycomb-dataset": "metrics"}, "zstd"),
    "otlp_http/signoz": (EVERYTHING, {"signoz-ingestion-key": "sz key"}, "gzip"),
    "otlp_http/vendor": ({s: f"/in/v1/{s}" for s in otlp.SIGNALS}, {"x-api-key": "vendor key"}, "gzip"),
}
OWN_HEADERS = {"accept", "content-encoding", "content-length", "content-type", "host", "user-agent"}


def recipes() -> dict[str, str]:
    """The text of each recipe by its exporter's id."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", (TOP / "docs/backends.md").read_text(), re.S | re.M)
    return {re.search(r"^exporters:\n  (\S+):$", block, re.M).group(1): block for block in blocks}


def document(recipe: str, exporter: str) -> str:
    """The recipe as a whole file: with a receiver, a journal, and pipelines if it has none."""
    text = "receivers:\n  otlp:\n    protocols:\n      http: {endpoint: 127.0.0.1:0}\n" + recipe
    if "extensions:\n" not in recipe:
        text += "extensions:\n  journal: {durability: memory}\n"
    else:
        text = text.replace("extensions:\n", "extensions:\n  journal: {durability: memory}\n", 1)
    if "\nservice:" not in recipe:
        pipelines = "".join(f"    {s}: {{receivers: [otlp], exporters: [{exporter}]}}\n" for s in otlp.SIGNALS)
        text += f"service:\n  pipelines:\n{pipelines}"
    text = text.replace("\nservice:\n", "\nservice:\n  telemetry: {metrics: {level: none}}\n")
    return text.replace("[otlp], exporters: [sqlite, ", "[otlp], exporters: [")


def test_there_is_a_test_for_every_recipe():
    assert recipes().keys() == EXPECTED.keys()


@pytest.mark.parametrize("exporter", [name for name in EXPECTED if name.startswith("otlp_http")])
def test_a_recipe_posts_what_its_back_end_expects(otlpd, capture, tmp_path, exporter):
    paths, headers, coding = EXPECTED[exporter]
    downstream, tokens = capture(), TokenServer()
    text = document(recipes()[exporter], exporter)
    (tmp_path / "token").write_text("from-the-file\n")
    text = text.replace("/run/secrets/gateway-token", str(tmp_path / "token"))
    text = re.sub(r"token_url: https://\S+", f"token_url: {tokens.url}", text)
    text = re.sub(r"endpoint: https?://[^/\s]+", f"endpoint: {downstream.url}", text)
    daemon = otlpd(text, environment={**ENVIRONMENT, "VENDOR_ENDPOINT": f"{downstream.url}/in/"})
    for signal in paths:
        assert daemon.post(otlp.PATHS[signal], otlp.MAKERS[signal](20).SerializeToString())[0] == 200
    eventually(lambda: {request.path for request in downstream.received} == set(paths.values()))
    for request in downstream.received:
        assert request.method == "POST"
        assert request.header("content-type") == otlp.PROTOBUF
        assert request.header("content-encoding") == coding
        assert {name: value for name, value in request.headers.items() if name not in OWN_HEADERS} == headers
        assert len(otlp.items(request.message)) == 20
    if exporter == "otlp_http/scout":
        [(who, form)] = tokens.asked
        assert who == "scout:scout+secret"
        assert form == {"grant_type": "client_credentials", "audience": "b14collector"}
    tokens.close()


def test_the_recipe_for_grpc_calls_each_service(otlpd):
    text = document(recipes()["otlp_grpc"], "otlp_grpc")
    with H2Server() as downstream:
        daemon = otlpd(re.sub(r"endpoint: gateway:4317", f"endpoint: {downstream.address}", text))
        for signal in otlp.SIGNALS:
            assert daemon.post(otlp.PATHS[signal], otlp.MAKERS[signal](20).SerializeToString())[0] == 200
        eventually(lambda: len(downstream.requests) == len(otlp.SIGNALS))
    services = {f"/{service}/Export": signal for signal, service in SERVICES.items()}
    assert {headers[":path"] for headers, _ in downstream.requests} == services.keys()
    for headers, body in downstream.requests:
        assert (headers[":method"], headers["content-type"], headers["te"]) == ("POST", "application/grpc", "trailers")
        assert headers["grpc-encoding"] == "gzip" and body[0] == 1
        message = otlp.REQUESTS[services[headers[":path"]]].FromString(gzip.decompress(body[5:]))
        assert len(otlp.items(message)) == 20


def test_new_relics_limit_is_kept_by_what_waits(otlpd, capture):
    downstream = capture()
    text = document(recipes()["otlp_http/newrelic"], "otlp_http/newrelic")
    text = re.sub(r"endpoint: https?://[^/\s]+", f"endpoint: {downstream.url}", text)
    daemon = otlpd(text, environment=ENVIRONMENT)
    for _ in range(20):
        assert daemon.post("/v1/logs", otlp.logs(10, size=20_000).SerializeToString())[0] == 200
    eventually(lambda: len(otlp.items(downstream.merged("logs"))) == 200)
    assert max(request.message.ByteSize() for request in downstream.received) <= 900_000
