"""The journal on disk as its owner sees it: what waits through stops and kills, and what can be looked at."""

import json
import signal
import subprocess

from harness.capture import Answer
from harness.daemon import BINARY, config
from harness.faults import DISK, DOWN, forward, make, names, segments
from harness.waiting import eventually


def post(daemon, name: str) -> int:
    return daemon.post("/v1/logs", make("logs", name))[0]


def delivered(server) -> list[str]:
    """What the server took; what it answered with an error it did not take."""
    return names(server.merged("logs"))


def test_what_waits_for_a_sink_that_is_down_waits_through_a_kill(otlpd, capture):
    server = capture(otherwise=DOWN)
    document = config({"otlp_http": forward(server)}, journal=DISK)
    daemon = otlpd(document)
    sent = [f"log-{number}" for number in range(50)]
    assert {post(daemon, name) for name in sent} == {200}
    daemon.terminate(with_signal=signal.SIGKILL)
    server.received.clear()
    server.otherwise = Answer()
    daemon = otlpd(document)
    eventually(lambda: set(sent) <= set(delivered(server)))
    assert daemon.metric("otlpd_journal_recovered_records") == 50


def test_an_orderly_stop_keeps_what_is_pending(otlpd, capture):
    server = capture(otherwise=DOWN)
    document = config({"otlp_http": forward(server)}, journal=DISK)
    daemon = otlpd(document)
    sent = [f"log-{number}" for number in range(20)]
    assert {post(daemon, name) for name in sent} == {200}
    assert daemon.terminate() == 0
    assert "dropping" not in daemon.log
    server.received.clear()
    server.otherwise = Answer()
    otlpd(document)
    eventually(lambda: set(sent) <= set(delivered(server)))


def test_what_was_delivered_is_not_delivered_again_after_an_orderly_stop(otlpd, capture):
    server = capture()
    document = config({"otlp_http": forward(server)}, journal=DISK)
    daemon = otlpd(document)
    assert {post(daemon, f"log-{number}") for number in range(20)} == {200}
    eventually(lambda: len(delivered(server)) == 20)
    assert daemon.terminate() == 0
    daemon = otlpd(document)
    assert post(daemon, "fresh") == 200
    eventually(lambda: "fresh" in delivered(server))
    assert len(delivered(server)) == 21


def test_what_only_best_effort_sinks_want_is_not_written(otlpd):
    daemon = otlpd(config({"nop": None}, journal=DISK))
    assert {post(daemon, str(number)) for number in range(20)} == {200}
    assert segments(daemon) == []


def test_a_journal_can_be_looked_into_offline(otlpd, capture):
    daemon = otlpd(config({"otlp_http": forward(capture(otherwise=DOWN))}, journal=DISK))
    assert {post(daemon, f"log-{number}") for number in range(3)} == {200}
    daemon.terminate(with_signal=signal.SIGKILL)

    def look(action: str) -> subprocess.CompletedProcess:
        command = [BINARY, "journal", action, daemon.data / "journal"]
        return subprocess.run(command, capture_output=True, text=True, timeout=20)

    shown = look("inspect")
    assert shown.returncode == 0 and "3 requests, 3 items" in shown.stdout
    assert "otlp_http logs: at 1, pending 3 requests" in shown.stdout
    lines = [json.loads(line) for line in look("export").stdout.splitlines()]
    records = [line["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0] for line in lines]
    assert [record["body"]["stringValue"] for record in records] == ["log-0 ", "log-1 ", "log-2 "]
    assert look("verify").returncode == 0
    file = segments(daemon)[0]
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    assert look("verify").returncode == 1 and "MISSING 1 requests" in look("verify").stdout
