"""curl posts OTLP JSON files, as people do who try a collector."""

import json
import subprocess
from pathlib import Path

import pytest

from harness import store
from harness.daemon import config
from harness.waiting import eventually

DATA = Path(__file__).parent / "data"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


def curl(url: str, *arguments: str) -> str:
    """What curl prints: the body, and the status on a line of its own."""
    command = ["curl", "-sS", "--max-time", "20", "-w", "\n%{http_code}", *arguments, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout


def post(daemon, signal: str, file: str, *arguments: str) -> str:
    headers = ["-H", "Content-Type: application/json"]
    return curl(f"{daemon.url}/v1/{signal}", *headers, *arguments, "--data-binary", f"@{DATA / file}")


@pytest.mark.parametrize(
    ("signal", "file", "table", "rows"),
    [("traces", "traces.json", "spans", 2), ("logs", "logs.json", "logs", 2),
     ("logs", "events.json", "logs", 1), ("metrics", "metrics.json", "points", 5)],
)  # fmt: skip
def test_a_json_file_is_taken_and_stored(otlpd, signal, file, table, rows):
    daemon = otlpd()
    assert post(daemon, signal, file) == "{}\n200"
    eventually(lambda: store.count(daemon.data, table) == rows)


def test_a_span_keeps_its_fields(otlpd):
    daemon = otlpd()
    post(daemon, "traces", "traces.json")
    server, client = eventually(lambda: store.rows(daemon.data, "SELECT * FROM spans ORDER BY start_time_unix_nano")[:2])
    assert (server["trace_id"], server["name"], server["kind_name"]) == (TRACE_ID, "GET /books/{id}", "server")
    assert client["parent_span_id"] == server["span_id"]
    assert server["duration_ms"] == 12.5
    assert server["http_route"] == "/books/{id}" and server["http_status_code"] == 500
    assert (server["status"], server["status_message"]) == ("error", "no such shelf")
    attributes = json.loads(server["attributes"])
    assert attributes["http.request.header.accept"] == ["text/html", "*/*"]
    assert attributes["cache.hit"] is False and attributes["load"] == 0.25
    [event] = json.loads(server["events"])
    assert event["name"] == "exception"
    [link] = json.loads(client["links"])
    assert "3f" * 16 in json.dumps(link)


def test_all_five_kinds_of_metric_are_stored(otlpd):
    daemon = otlpd()
    post(daemon, "metrics", "metrics.json")
    eventually(lambda: store.count(daemon.data, "points") == 5)
    kinds = {row["type"] for row in store.rows(daemon.data, "SELECT type FROM metrics")}
    assert len(kinds) == 5
    [histogram] = store.rows(daemon.data, "SELECT * FROM metric_points WHERE name = 'books.lent.days'")
    assert (histogram["count"], histogram["sum"], histogram["min"], histogram["max"]) == (3, 21.5, 1.5, 14.0)
    assert json.loads(histogram["bucket_counts"]) == [1, 1, 1]


def test_an_event_is_a_log_with_a_name(otlpd):
    daemon = otlpd()
    post(daemon, "logs", "events.json")
    [event] = eventually(lambda: store.rows(daemon.data, "SELECT * FROM logs"))
    assert event["event_name"] == "book.returned"
    assert json.loads(event["body"])["shelf"] == 12


def test_a_file_of_another_signal_is_harmless(otlpd):
    daemon = otlpd(config({"nop": None}))
    assert post(daemon, "traces", "logs.json") == "{}\n200"
    assert daemon.metric("otelcol_receiver_accepted_spans") == 0


def test_a_typing_error_is_explained_to_the_person_at_the_terminal(daemon):
    answer = curl(f"{daemon.url}/v1/traces", "-H", "Content-Type: application/json", "-d", '{"resourceSpans": [}')
    body, status = answer.rsplit("\n", 1)
    assert status == "400"
    message = json.loads(body)["message"]
    assert "resourceSpans[0]" in message and "19" in message


def test_a_missing_content_type_is_explained(daemon):
    answer = curl(f"{daemon.url}/v1/traces", "-d", "{}")
    assert answer.endswith("\n415") and "application/json" in answer


def test_curl_may_wait_for_100_continue(otlpd, tmp_path):
    daemon = otlpd(config({"nop": None}))
    big = tmp_path / "big.json"
    big.write_text(json.dumps({"padding": "x" * 3_000_000}))
    headers = ["-H", "Content-Type: application/json", "-H", "Expect: 100-continue"]
    assert curl(f"{daemon.url}/v1/traces", *headers, "--data-binary", f"@{big}").endswith("\n200")
