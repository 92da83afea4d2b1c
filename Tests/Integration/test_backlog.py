"""A sink that cannot keep up: who waits, who is refused, who loses what, and where it is counted."""

import time

from harness import otlp, store
from harness.capture import Answer
from harness.daemon import config
from harness.waiting import eventually
from harness.wire import Connection, request

MIB = 1 << 20
FULL = {"durability": "memory", "max_bytes": 2 * MIB}
# Never delivered: the downstream answers 503 as long as the test lasts.
DOWN = Answer(503)


def stuck(url: str, when_full: str | None = None) -> dict:
    exporter = {"endpoint": url, "retry_on_failure": {"initial_interval": "1s", "max_elapsed_time": "0s"}}
    if when_full:
        exporter["when_full"] = when_full
    return exporter


def fill(daemon, count: int, size: int = 100_000):
    """Posts up to `count` logs, one per request, until one is refused; the answers."""
    body = otlp.logs(1, size=size).SerializeToString()
    answers = []
    with Connection(daemon.address, timeout=20) as connection:
        while len(answers) < count and (not answers or answers[-1].status == 200):
            answers.append(connection.send(request("/v1/logs", body)).answer())
    return answers


def insist(daemon, count: int):
    """Posts `count` large logs as a patient client does: what is refused for a moment is sent again."""
    taken = 0
    deadline = time.monotonic() + 30
    while taken < count and time.monotonic() < deadline:
        taken += sum(answer.status == 200 for answer in fill(daemon, count - taken))
        time.sleep(0.02)
    assert taken == count


def test_a_full_journal_answers_503_with_retry_after_1(otlpd, capture):
    daemon = otlpd(config({"otlp_http": stuck(capture(otherwise=DOWN).url, "refuse")}, journal=FULL))
    answers = fill(daemon, 100)
    refusal = answers[-1]
    assert refusal.status == 503 and 10 < len(answers) < 30
    assert refusal.header("retry-after") == "1"
    _, message = otlp.status_of(refusal.body, otlp.PROTOBUF)
    assert "otlp_http" in message or "journal" in message
    assert daemon.metric("otelcol_receiver_refused_log_records") == 1
    assert daemon.metric("otelcol_receiver_accepted_log_records") == len(answers) - 1
    assert daemon.metric("otlpd_dropped_items") == 0, "refused is not dropped: the client still has it"


def test_a_refusal_in_json_is_a_json_status(otlpd, capture):
    daemon = otlpd(config({"otlp_http": stuck(capture(otherwise=DOWN).url, "refuse")}, journal=FULL))
    fill(daemon, 100)
    body = otlp.as_json(otlp.logs(1, size=100_000))
    status, headers, answer = daemon.post("/v1/logs", body, otlp.JSON)
    assert (status, headers["retry-after"]) == (503, "1")
    assert otlp.status_of(answer, otlp.JSON)[1]


def test_a_full_journal_takes_again_once_the_sink_delivers(otlpd, capture):
    downstream = capture(otherwise=DOWN)
    daemon = otlpd(config({"otlp_http": stuck(downstream.url, "refuse")}, journal=FULL))
    accepted = len(fill(daemon, 100)) - 1
    downstream.otherwise = Answer()
    eventually(lambda: daemon.metric("otelcol_exporter_sent_log_records") == accepted)
    assert fill(daemon, 1)[0].status == 200
    assert daemon.metric("otlpd_dropped_items") == 0


def test_drop_oldest_loses_its_own_items_only_and_says_how_many(otlpd, capture):
    exporters = {"otlp_http": stuck(capture(otherwise=DOWN).url, "drop_oldest"), "sqlite": None}
    daemon = otlpd(config(exporters, journal=FULL))
    insist(daemon, 100)
    eventually(lambda: store.count(daemon.data, "logs") == 100)
    dropped = daemon.metric("otlpd_dropped_items", exporter="otlp_http")
    assert 70 <= dropped <= 95
    assert daemon.metric("otlpd_dropped_items", exporter="sqlite") == 0
    pending = daemon.metric("otlpd_exporter_pending_items", exporter="otlp_http")
    assert dropped + pending == 100, "every item is either pending or counted"
    assert any("reason=" in series for series in daemon.metrics() if series.startswith("otlpd_dropped_items"))


def test_a_network_sink_beside_a_durable_one_drops_its_oldest_by_default(otlpd, capture):
    exporters = {"otlp_http": stuck(capture(otherwise=DOWN).url), "sqlite": None}
    daemon = otlpd(config(exporters, journal=FULL))
    insist(daemon, 60)
    eventually(lambda: store.count(daemon.data, "logs") == 60)
    assert daemon.metric("otlpd_dropped_items", exporter="otlp_http") > 0


def test_a_network_sink_alone_refuses_by_default(otlpd, capture):
    daemon = otlpd(config({"otlp_http": stuck(capture(otherwise=DOWN).url)}, journal=FULL))
    assert fill(daemon, 100)[-1].status == 503


def test_a_best_effort_sink_never_holds_anything_back(otlpd):
    daemon = otlpd(config({"debug": {"verbosity": "normal"}, "nop": None}, journal=FULL))
    assert {answer.status for answer in fill(daemon, 100)} == {200}


def test_a_failing_sink_does_not_slow_the_others(otlpd, capture):
    hanging = capture(otherwise=Answer(503, seconds=30))
    daemon = otlpd(config({"otlp_http": {"endpoint": hanging.url}, "sqlite": None}))
    started = time.monotonic()
    fill(daemon, 50, size=100)
    eventually(lambda: store.count(daemon.data, "logs") == 50)
    assert time.monotonic() - started < 10


def test_every_accepted_item_is_delivered_pending_or_counted(otlpd, capture):
    exporters = {"otlp_http": stuck(capture([Answer(400)], otherwise=DOWN).url, "drop_oldest"), "sqlite": None, "nop": None}
    daemon = otlpd(config(exporters, journal=FULL))
    insist(daemon, 60)
    eventually(lambda: daemon.metric("otlpd_exporter_pending_items", exporter="sqlite") == 0)
    for exporter in exporters:
        accepted = daemon.metric("otlpd_exporter_accepted_items", exporter=exporter)
        sent = daemon.metric("otelcol_exporter_sent_log_records", exporter=exporter)
        pending = daemon.metric("otlpd_exporter_pending_items", exporter=exporter)
        dropped = daemon.metric("otlpd_dropped_items", exporter=exporter)
        assert accepted == 60, exporter
        assert accepted == sent + pending + dropped, exporter
    assert daemon.metric("otlpd_dropped_items", exporter="otlp_http") > 0


def test_a_request_larger_than_the_journal_is_refused_for_good(otlpd):
    daemon = otlpd(config({"sqlite": None}, journal={"durability": "memory", "max_bytes": MIB}))
    status, _, _ = daemon.post("/v1/logs", otlp.logs(1, size=3 * MIB).SerializeToString())
    assert status in (413, 503)
    assert daemon.post("/v1/logs", otlp.logs(1).SerializeToString())[0] == 200
