"""The query API: what was sent comes back as answers, on the administrator's port only."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from harness import otlp
from harness.daemon import config
from harness.net import free_port
from harness.waiting import eventually


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A daemon with a store that holds 30 requests, some logs and a metric, all of now."""
    from harness.daemon import Daemon

    document = config({"sqlite": None})
    reader = {"pull": {"exporter": {"prometheus": {"host": "127.0.0.1", "port": free_port()}}}}
    document["service"]["telemetry"]["metrics"] = {"readers": [reader]}
    with Daemon(tmp_path_factory.mktemp("otlpd"), document) as daemon:
        daemon.start()
        requests = otlp.traces(30)
        now = time.time_ns()
        for number, span in enumerate(requests.resource_spans[0].scope_spans[0].spans):
            span.trace_id = (number + 1).to_bytes(16, "big")
            span.start_time_unix_nano = now - (30 - number) * 10**9
            span.end_time_unix_nano = span.start_time_unix_nano + (number + 1) * 10**6
            otlp.attribute(span, "http.request.method", "GET")
        logs = otlp.logs(5, body="payment declined")
        for record in logs.resource_logs[0].scope_logs[0].log_records:
            record.time_unix_nano = now
        for signal, message in (("traces", requests), ("logs", logs)):
            assert daemon.post(otlp.PATHS[signal], message.SerializeToString())[0] == 200
        eventually(lambda: daemon.metric("otlpd_store_rows") >= 35)
        yield daemon


def ask(daemon, path, **parameters):
    query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
    status, body, content_type = daemon.get(path + query, "telemetry")
    assert content_type == "application/json"
    return status, json.loads(body)


def test_the_route_table_has_percentiles_of_what_was_sent(shop):
    status, answer = ask(shop, "/api/v1/routes", since="15m")
    (route,) = answer["routes"]
    assert status == 200 and answer["skipped_files"] == []
    assert (route["service"], route["name"], route["requests"]) == ("shop", "GET /orders", 30)
    assert route["max_ms"] == 30 and abs(route["p50_ms"] - 15) < 0.2 and route["time_share"] == 1


def test_traces_are_found_page_by_page_and_opened(shop):
    seen, before = [], {}
    while True:
        status, page = ask(shop, "/api/v1/traces", service="shop", route="/orders", min="5ms", limit=7, **before)
        assert status == 200
        seen += [trace["duration_ms"] for trace in page["traces"]]
        if page["next"] is None:
            break
        before = {"before": page["next"]}
    assert seen == list(range(30, 4, -1))
    status, trace = ask(shop, f"/api/v1/traces/{page['traces'][0]['trace_id']}")
    assert status == 200 and trace["spans"][0]["attributes"]["http.route"] == "/orders"


def test_logs_are_found_by_their_words(shop):
    assert len(ask(shop, "/api/v1/logs", q="declined", service="shop")[1]["logs"]) == 5
    assert ask(shop, "/api/v1/logs", q="accepted")[1]["logs"] == []


def test_clients_of_jaeger_find_services_and_traces(shop):
    assert ask(shop, "/api/services")[1]["data"] == ["shop"]
    assert ask(shop, "/api/services/shop/operations")[1]["data"] == ["GET /orders"]
    traces = ask(shop, "/api/traces", service="shop", operation="GET /orders", limit=3, lookback="1h")[1]["data"]
    assert [trace["spans"][0]["duration"] for trace in traces] == [30_000, 29_000, 28_000]
    status, trace = ask(shop, f"/api/traces/{traces[0]['traceID']}")
    assert status == 200 and trace["data"] == traces[:1]
    assert ask(shop, "/api/traces/123456")[0] == 404


def test_an_answer_that_did_not_change_is_not_sent_again(shop):
    url = f"http://{shop.addresses['telemetry']}/api/services"
    with urllib.request.urlopen(url, timeout=10) as answer:
        tag = answer.headers["etag"]
    request = urllib.request.Request(url, headers={"If-None-Match": tag})
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=10)
    assert refusal.value.code == 304


def test_the_otlp_port_has_no_query_api(shop):
    assert shop.get("/api/v1/services")[0] == 404
    assert shop.get("/api/services")[0] == 404


def test_a_wrong_question_is_refused_with_a_sentence(shop):
    status, answer = ask(shop, "/api/v1/routes", since="soon")
    assert status == 400 and "expected a duration" in answer["error"]


def test_without_a_store_the_api_says_so(otlpd):
    document = config({"nop": None}, journal={"durability": "memory"})
    reader = {"pull": {"exporter": {"prometheus": {"host": "127.0.0.1", "port": free_port()}}}}
    document["service"]["telemetry"]["metrics"] = {"readers": [reader]}
    status, answer = ask(otlpd(document), "/api/v1/services")
    assert status == 404 and "sqlite" in answer["error"]


def test_the_api_is_where_the_file_says(otlpd):
    """An `admin` address instead of the metrics' own, and one more for clients of Jaeger."""
    extensions = {name: {"endpoint": f"127.0.0.1:{free_port()}"} for name in ("admin", "jaeger_query")}
    document = config({"sqlite": None}, extensions=extensions)
    document["service"]["extensions"] = list(extensions)
    reader = {"pull": {"exporter": {"prometheus": {"host": "127.0.0.1", "port": free_port()}}}}
    document["service"]["telemetry"]["metrics"] = {"readers": [reader]}
    daemon = otlpd(document)
    assert daemon.post(otlp.PATHS["traces"], otlp.traces(3).SerializeToString())[0] == 200
    eventually(lambda: daemon.metric("otlpd_store_rows") >= 3)
    for component in ("admin", "jaeger_query"):
        assert daemon.get("/api/services", component)[:2] == (
            200, '{"data":["shop"],"total":1,"limit":0,"offset":0,"errors":null}'
        )  # fmt: skip
        assert daemon.get("/api/v3/services", component)[:2] == (200, '{"services":["shop"]}')
        assert daemon.get("/healthz", component)[0] == 200
    assert daemon.get("/metrics", "telemetry")[0] == 200
    assert daemon.get("/api/services", "telemetry")[0] == 404
    assert daemon.get("/api/services")[0] == 404
