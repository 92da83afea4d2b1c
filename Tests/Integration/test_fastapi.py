"""Two real FastAPI services whose telemetry lands in SQLite, on the console and in another collector."""

import json

import pytest

from harness import otlp, store
from harness.capture import Capture
from harness.daemon import Daemon, config
from harness.shop import Service
from harness.waiting import eventually

SERVER, CLIENT = 2, 3


class Shop:
    """What the module's tests look at: one run of both services, two good orders and one that fails."""

    def __init__(self, directory):
        self.capture = Capture()
        exporters = {"sqlite": None, "debug": {"verbosity": "normal"}, "otlp_http": {"endpoint": self.capture.url}}
        self.daemon = Daemon(directory, config(exporters)).start()
        self.services = []
        stock = self.add(Service("stock:app", "stock", self.daemon.url, directory))
        shop = self.add(Service("shop:app", "shop", self.daemon.url, directory, STOCK_URL=stock.url))
        assert [shop.get(f"/orders/{item}") for item in ("pen", "pen", "ink")] == [200, 200, 404]
        eventually(lambda: self.rows("SELECT 1 FROM spans WHERE http_route = '/orders/{item}'")[2:], seconds=30)
        eventually(lambda: self.rows("SELECT 1 FROM points"), seconds=30)
        for service in self.services:
            service.close()  # Flushes what the services still hold.
        eventually(lambda: len(self.rows("SELECT 1 FROM logs WHERE body LIKE 'ordered%'")) == 2, seconds=30)
        # Every signal travels by itself: what came with the last flush is everywhere.
        eventually(lambda: self.daemon.metric("otlpd_exporter_pending_items") == 0, seconds=30)

    def add(self, service: Service) -> Service:
        self.services.append(service)
        return service

    def rows(self, query: str, *arguments):
        return store.rows(self.daemon.data, query, *arguments)

    def close(self):
        for service in getattr(self, "services", []):
            service.close()
        self.daemon.close()
        self.capture.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    shop = Shop.__new__(Shop)
    try:
        shop.__init__(tmp_path_factory.mktemp("shop"))
        yield shop
    finally:
        shop.close()


def test_the_server_span_of_one_service_is_the_child_of_the_others_client_span(shop):
    pairs = shop.rows(
        """
        SELECT outer_span.name AS outer_name, client.name AS client_name, inner_span.name AS inner_name,
               outer_span.http_route AS route, inner_span.http_route AS inner_route
        FROM spans AS inner_span
        JOIN spans AS client ON client.span_id = inner_span.parent_span_id AND client.trace_id = inner_span.trace_id
        JOIN spans AS outer_span ON outer_span.span_id = client.parent_span_id
        WHERE inner_span.service_name = 'stock' AND inner_span.kind = 2
          AND client.service_name = 'shop' AND client.kind = 3
          AND outer_span.service_name = 'shop' AND outer_span.kind = 2
        """
    )
    assert len(pairs) == 3
    assert {pair["route"] for pair in pairs} == {"/orders/{item}"}
    assert {pair["inner_route"] for pair in pairs} == {"/stock/{item}"}
    assert {pair["outer_name"] for pair in pairs} == {"GET /orders/{item}"}


def test_a_trace_has_one_root_and_no_orphans(shop):
    for (trace_id,) in shop.rows("SELECT DISTINCT trace_id FROM spans WHERE http_route = '/orders/{item}'"):
        spans = shop.rows("SELECT span_id, parent_span_id FROM spans WHERE trace_id = ?", trace_id)
        known = {span["span_id"] for span in spans}
        roots = [span for span in spans if not span["parent_span_id"]]
        assert len(roots) == 1
        assert all(span["parent_span_id"] in known for span in spans if span["parent_span_id"])


def test_the_columns_answer_what_people_ask(shop):
    rows = shop.rows("SELECT name, duration_ms, http_status_code FROM spans WHERE http_route = '/orders/{item}' AND kind = 2")
    assert sorted(row["http_status_code"] for row in rows) == [200, 200, 404]
    assert all(0 < row["duration_ms"] < 60_000 for row in rows)


def test_a_dotted_attribute_is_found_by_its_quoted_path(shop):
    rows = shop.rows("""SELECT attributes->>'$."http.route"' AS route FROM spans WHERE http_route IS NOT NULL AND kind = 2""")
    assert rows and {row["route"] for row in rows} <= {"/orders/{item}", "/stock/{item}", "/health"}


def test_a_database_query_is_a_client_span_of_the_stock_service(shop):
    rows = shop.rows("SELECT name, attributes FROM spans WHERE service_name = 'stock' AND kind = ?", CLIENT)
    assert any("SELECT" in row["name"] and "FROM stock" in row["attributes"] for row in rows)


def test_logs_carry_the_trace_they_were_written_in(shop):
    logs = shop.rows("SELECT body, trace_id, span_id, severity_text, service_name FROM logs WHERE body LIKE 'ordered%'")
    assert len(logs) == 2
    for log in logs:
        assert log["body"] == "ordered pen" and log["service_name"] == "shop"
        assert shop.rows("SELECT 1 FROM spans WHERE trace_id = ? AND span_id = ?", log["trace_id"], log["span_id"])
    warnings = shop.rows("SELECT severity_number FROM logs WHERE body = 'no stock of ink'")
    assert [row[0] for row in warnings] == [13]


def test_metric_points_are_stored_with_their_series(shop):
    rows = shop.rows("SELECT * FROM metric_points WHERE name = 'http.server.request.duration' AND service_name = 'shop'")
    assert rows
    assert any(json.loads(row["attributes"]).get("http.route") == "/orders/{item}" for row in rows)
    assert sum(row["count"] for row in rows) >= 3


def test_everything_is_stored_once(shop):
    spans = shop.rows("SELECT trace_id, span_id FROM spans")
    assert len({(span["trace_id"], span["span_id"]) for span in spans}) == len(spans)
    resources = shop.rows("SELECT service_name, attributes FROM resources")
    assert len({tuple(row) for row in resources}) == len(resources)


def test_the_console_shows_a_line_for_every_span(shop):
    text = shop.daemon.output + shop.daemon.log
    for row in shop.rows("SELECT span_id, name FROM spans"):
        assert row["span_id"] in text
    assert "ordered pen" in text and "http.server.request.duration" in text


def test_another_collector_gets_the_same_spans_logs_and_points(shop):
    def spans():
        merged = shop.capture.merged("traces")
        return sorted(
            span.span_id.hex()
            for group in merged.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        )

    stored = sorted(row[0] for row in shop.rows("SELECT span_id FROM spans"))
    eventually(lambda: spans() == stored)
    eventually(lambda: len(otlp.items(shop.capture.merged("logs"))) == store.count(shop.daemon.data, "logs"))
    eventually(lambda: len(otlp.items(shop.capture.merged("metrics"))) == store.count(shop.daemon.data, "points"))


def test_the_metrics_page_counts_what_the_store_has(shop):
    assert shop.daemon.metric("otelcol_receiver_accepted_spans") == store.count(shop.daemon.data, "spans")
    assert shop.daemon.metric("otelcol_exporter_sent_log_records", exporter="sqlite") == store.count(shop.daemon.data, "logs")
    assert shop.daemon.metric("otlpd_dropped_items") == 0
