"""The pages for operators: metrics, health and readiness, on both ports."""

import re

import pytest

from harness import otlp
from harness.daemon import config
from harness.net import free_port
from harness.wire import ask, request

LINE = re.compile(r'^[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*="(\\.|[^"\\])*",?)*\})? (NaN|[+-]Inf|-?[0-9.e+-]+)$')


@pytest.fixture
def both(otlpd):
    """A daemon that serves its metrics on a telemetry port too."""
    port = free_port()
    document = config({"nop": None, "sqlite": None}, journal={"durability": "memory"})
    reader = {"pull": {"exporter": {"prometheus": {"host": "127.0.0.1", "port": port}}}}
    document["service"]["telemetry"]["metrics"] = {"readers": [reader]}
    return otlpd(document)


@pytest.mark.parametrize("component", ["otlp", "telemetry"])
def test_health_readiness_and_metrics_are_served_on_both_ports(both, component):
    assert both.get("/healthz", component)[0] == 200
    assert both.get("/readyz", component)[0] == 200
    status, body, content_type = both.get("/metrics", component)
    assert status == 200 and content_type.startswith("text/plain")
    assert "otelcol_receiver_accepted_spans" in body


def test_the_telemetry_port_takes_no_telemetry(both):
    host, port = both.addresses["telemetry"].rsplit(":", 1)
    assert ask((host, int(port)), request()).status in (404, 405)


def test_level_none_switches_off_the_telemetry_port_only(daemon):
    assert "telemetry" not in daemon.addresses
    assert daemon.get("/metrics")[0] == 200


def test_every_metric_has_help_and_a_type_and_is_well_formed(both):
    both.post("/v1/traces", otlp.traces(2).SerializeToString())
    both.post("/v1/traces", b"\xff")
    helped, typed = set(), {}
    for line in both.get("/metrics")[1].splitlines():
        if line.startswith("# HELP "):
            name, text = line[7:].split(" ", 1)
            assert text.endswith("."), line
            helped.add(name)
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert kind in ("counter", "gauge", "histogram", "summary", "untyped")
            assert name not in typed, "one family, one place"
            typed[name] = kind
        else:
            assert LINE.match(line), line
            name = re.split(r"[{ ]", line)[0]
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            assert name in typed or base in typed, line
    assert helped == set(typed)


@pytest.mark.parametrize(
    "name",
    ["otelcol_receiver_accepted_spans", "otelcol_receiver_refused_spans", "otelcol_exporter_sent_spans",
     "otelcol_exporter_send_failed_spans", "otelcol_exporter_queue_size", "otelcol_exporter_queue_capacity",
     "otelcol_receiver_accepted_metric_points", "otelcol_receiver_accepted_log_records", "otelcol_process_uptime",
     "otelcol_process_cpu_seconds", "otelcol_process_memory_rss", "otlpd_journal_bytes", "otlpd_connections"],
)  # fmt: skip
def test_the_metrics_that_dashboards_ask_for_are_there_before_any_traffic(otlpd, name):
    daemon = otlpd(config({"nop": None, "sqlite": None}))
    assert any(series.split("{")[0] == name for series in daemon.metrics())


@pytest.mark.parametrize(("signal", "name"), [("traces", "spans"), ("metrics", "metric_points"), ("logs", "log_records")])
def test_items_are_counted_by_signal(daemon, signal, name):
    metric = f"otelcol_receiver_accepted_{name}"
    before = daemon.metric(metric, receiver="otlp", transport="http")
    daemon.post(otlp.PATHS[signal], otlp.MAKERS[signal](7).SerializeToString())
    assert daemon.metric(metric, receiver="otlp", transport="http") == before + 7


def test_malformed_requests_are_counted(daemon):
    before = daemon.metric("otlpd_malformed_requests")
    daemon.post("/v1/traces", b"\xff")
    assert daemon.metric("otlpd_malformed_requests") == before + 1


def test_head_is_answered_like_get_without_a_body(daemon):
    from harness.wire import Connection

    with Connection(daemon.address) as connection:
        connection.send(request("/healthz", method="HEAD", content_type=None, length=False))
        assert connection.answer(of="HEAD").status == 200
        connection.send(request("/healthz", method="GET", content_type=None, length=False))
        assert connection.answer().status == 200


def test_post_to_a_page_is_405(daemon):
    assert ask(daemon.address, request("/metrics")).status == 405
