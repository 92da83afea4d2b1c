"""The journal on disk: what was answered with 200 outlives the process, a damaged file and a disk that fails."""

import http.client
import json
import os
import random
import signal
import subprocess
import threading
import time

import pytest
from harness import otlp
from harness.capture import Answer
from harness.daemon import BINARY, config
from harness.store import rows
from harness.waiting import eventually

DOWN = Answer(503)
DISK = {"durability": "disk"}
RETRY = {"retry_on_failure": {"initial_interval": "100ms", "max_interval": "200ms", "max_elapsed_time": "0s"}}


def forward(server) -> dict:
    return {"endpoint": server.url, "when_full": "refuse", **RETRY}


def bodies(message) -> list[str]:
    return [
        record.body.string_value
        for group in message.resource_logs
        for scope in group.scope_logs
        for record in scope.log_records
    ]


def delivered(server) -> list[str]:
    """What the server took; what it answered with an error it did not take."""
    return bodies(server.merged("logs"))


class Producer(threading.Thread):
    """Posts one log after the other, each with a name of its own, and remembers which were answered with 200."""

    def __init__(self, daemon, prefix: str, size: int = 0):
        super().__init__(daemon=True)
        self.target, self.prefix, self.size = daemon, prefix, size
        self.acknowledged = []
        self.is_stopped = threading.Event()

    def run(self):
        number = 0
        while not self.is_stopped.is_set():
            number += 1
            name = f"{self.prefix}-{number}"
            body = otlp.logs(1, body=name + " " * self.size).SerializeToString()
            try:
                if self.target.post("/v1/logs", body, timeout=5)[0] == 200:
                    self.acknowledged.append(name)
            except (OSError, http.client.HTTPException):
                return  # The daemon is gone, and so is the answer.

    def stop(self) -> list[str]:
        self.is_stopped.set()
        self.join(10)
        return self.acknowledged


def post(daemon, name: str) -> int:
    return daemon.post("/v1/logs", otlp.logs(1, body=name).SerializeToString())[0]


def kill(daemon):
    daemon.process.send_signal(signal.SIGKILL)
    daemon.wait()


def segments(daemon):
    return sorted((daemon.data / "journal").glob("*.segment"))


def test_nothing_acknowledged_is_lost_when_the_process_is_killed_again_and_again(otlpd, capture):
    server = capture()
    document = config({"sqlite": None, "otlp_http": forward(server)}, journal=DISK)
    chance = random.Random(4)
    acknowledged = []
    for life in range(12):
        daemon = otlpd(document)
        producers = [Producer(daemon, f"{life}-{number}") for number in range(3)]
        for producer in producers:
            producer.start()
        time.sleep(chance.uniform(0.02, 0.3))
        kill(daemon)
        for producer in producers:
            acknowledged += producer.stop()
    daemon = otlpd(document)
    assert post(daemon, "fresh") == 200
    acknowledged.append("fresh")
    assert len(acknowledged) > 100
    eventually(lambda: set(acknowledged) <= set(delivered(server)))
    eventually(lambda: set(acknowledged) <= set(stored(daemon)))
    assert len(stored(daemon)) == len(set(stored(daemon))), "the store has everything once"
    assert daemon.metric("otlpd_dropped_items") == 0


def stored(daemon) -> list[str]:
    return [row[0] for row in rows(daemon.data, "select body from logs")]


def test_what_waits_for_a_sink_that_is_down_waits_through_a_kill(otlpd, capture):
    server = capture(otherwise=DOWN)
    document = config({"otlp_http": forward(server)}, journal=DISK)
    daemon = otlpd(document)
    names = [f"log-{number}" for number in range(50)]
    assert {post(daemon, name) for name in names} == {200}
    kill(daemon)
    server.received.clear()
    server.otherwise = Answer()
    daemon = otlpd(document)
    eventually(lambda: set(names) <= set(delivered(server)))
    assert daemon.metric("otlpd_journal_recovered_records") == 50


def test_an_orderly_stop_keeps_what_is_pending(otlpd, capture):
    server = capture(otherwise=DOWN)
    document = config({"otlp_http": forward(server)}, journal=DISK)
    daemon = otlpd(document)
    names = [f"log-{number}" for number in range(20)]
    assert {post(daemon, name) for name in names} == {200}
    assert daemon.terminate() == 0
    assert "dropping" not in daemon.log
    server.received.clear()
    server.otherwise = Answer()
    otlpd(document)
    eventually(lambda: set(names) <= set(delivered(server)))


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


def test_no_acknowledged_log_is_lost_under_a_stop_with_load(otlpd, capture):
    server = capture()
    document = config({"otlp_http": forward(server)}, journal=DISK)
    daemon = otlpd(document)
    producers = [Producer(daemon, str(number)) for number in range(4)]
    for producer in producers:
        producer.start()
    time.sleep(0.5)
    assert daemon.terminate() == 0
    names = [name for producer in producers for name in producer.stop()]
    assert len(names) > 20
    otlpd(document)
    eventually(lambda: set(names) <= set(delivered(server)))


def test_a_second_daemon_is_told_which_process_has_the_journal(otlpd):
    document = config({"nop": None}, journal=DISK)
    first = otlpd(document)
    second = otlpd.make(document).launch()
    assert second.wait() == 75
    assert f"in use by process {first.process.pid}" in second.log
    kill(first)
    otlpd(document)


@pytest.mark.parametrize("damage", ["garbage", "cut", "zeros", "flipped bit"])
def test_a_damaged_journal_starts_and_counts_what_is_lost(otlpd, capture, damage):
    server = capture(otherwise=DOWN)
    document = config({"otlp_http": forward(server)}, journal=DISK)
    daemon = otlpd(document)
    names = [f"log-{number}" for number in range(30)]
    assert {post(daemon, name) for name in names} == {200}
    kill(daemon)
    file = segments(daemon)[-1]
    content = bytearray(file.read_bytes())
    if damage == "garbage":
        content += random.Random(1).randbytes(777)
    elif damage == "cut":
        del content[-20:]
    elif damage == "zeros":
        content += bytes(4096)
    else:
        content[len(content) // 2] ^= 16
    file.write_bytes(content)
    server.received.clear()
    server.otherwise = Answer()
    daemon = otlpd(document)
    assert post(daemon, "fresh") == 200
    eventually(lambda: "fresh" in delivered(server))
    lost = set(names) - set(delivered(server))
    assert len(lost) == (1 if damage in ("cut", "flipped bit") else 0)
    if damage == "flipped bit":
        assert daemon.metric("otlpd_journal_missing_records") == 1
        assert daemon.metric("otlpd_journal_quarantined_bytes") > 0
    else:
        assert daemon.metric("otlpd_journal_truncated_bytes") > 0


FAILING_SYNC = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Fails the n-th fdatasync of a segment file.
int fdatasync(int descriptor) {
  static atomic_int calls;
  char link[64], path[4096] = "";
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t count = readlink(link, path, sizeof path - 1);
  if (count > 0 && strstr(path, ".segment") && ++calls == atoi(getenv("FAIL_SYNC_AT"))) {
    errno = EIO;
    return -1;
  }
  return fsync(descriptor);
}
"""


@pytest.fixture(scope="module")
def failing_sync(tmp_path_factory):
    directory = tmp_path_factory.mktemp("preload")
    (directory / "sync.c").write_text(FAILING_SYNC)
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O1", "-o", directory / "sync.so", directory / "sync.c", "-ldl"], check=True
    )
    return directory / "sync.so"


@pytest.mark.parametrize("call", [1, 2, 9])
def test_a_failed_sync_ends_the_process_with_74_and_acknowledges_nothing(otlpd, capture, failing_sync, call):
    server = capture(otherwise=DOWN)
    document = config({"otlp_http": forward(server)}, journal=DISK)
    daemon = otlpd(document, environment={"LD_PRELOAD": str(failing_sync), "FAIL_SYNC_AT": str(call)})
    names = [f"log-{number}" for number in range(call)]
    statuses = [post(daemon, name) for name in names]
    assert statuses == [200] * (call - 1) + [503]
    assert daemon.wait() == 74
    assert "the journal's disk failed" in daemon.log
    server.received.clear()
    server.otherwise = Answer()
    daemon = otlpd(document)
    assert post(daemon, "fresh") == 200
    eventually(lambda: {*names[:-1], "fresh"} <= set(delivered(server)))


def test_a_file_size_limit_refuses_in_time_and_heals(otlpd, capture):
    server = capture(otherwise=DOWN)
    document = config({"otlp_http": forward(server)}, journal=DISK)
    # bash counts in KiB.
    limited = ["bash", "-c", 'ulimit -f 2048; exec "$@"', "--"]
    daemon = otlpd(document, prefix=limited)
    acknowledged = []
    for number in range(60):
        name = f"log-{number}"
        start = time.monotonic()
        status = daemon.post("/v1/logs", otlp.logs(1, body=name + " " * 100_000).SerializeToString())[0]
        assert time.monotonic() - start < 4
        if status == 503:
            break
        acknowledged.append(name)
    assert status == 503 and 10 < len(acknowledged) < 25
    assert daemon.metric("otlpd_journal_refused_groups", reason="no_space") == 1
    server.otherwise = Answer()
    eventually(lambda: post(daemon, "fresh") == 200, seconds=20)
    eventually(lambda: {*acknowledged, "fresh"} <= {name.strip() for name in delivered(server)})


def test_little_free_space_refuses_and_says_so(otlpd):
    free = os.statvfs("/tmp").f_bavail * os.statvfs("/tmp").f_frsize
    daemon = otlpd(config({"sqlite": None}, journal={**DISK, "min_free_bytes": 2 * free}))
    start = time.monotonic()
    assert post(daemon, "one") == 503
    assert 1.5 < time.monotonic() - start < 4
    assert "the disk is full" in daemon.log
    assert daemon.metric("otlpd_journal_refused_groups", reason="no_space") == 1


def test_what_only_best_effort_sinks_want_is_not_written(otlpd):
    daemon = otlpd(config({"nop": None}, journal=DISK))
    assert {post(daemon, str(number)) for number in range(20)} == {200}
    assert segments(daemon) == []


def test_a_journal_can_be_looked_into_offline(otlpd, capture):
    daemon = otlpd(config({"otlp_http": forward(capture(otherwise=DOWN))}, journal=DISK))
    assert {post(daemon, f"log-{number}") for number in range(3)} == {200}
    kill(daemon)

    def look(action: str) -> subprocess.CompletedProcess:
        command = [BINARY, "journal", action, daemon.data / "journal"]
        return subprocess.run(command, capture_output=True, text=True, timeout=20)

    shown = look("inspect")
    assert shown.returncode == 0 and "3 requests, 3 items" in shown.stdout
    assert "otlp_http logs: at 1, pending 3 requests" in shown.stdout
    lines = [json.loads(line) for line in look("export").stdout.splitlines()]
    records = [line["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0] for line in lines]
    assert [record["body"]["stringValue"] for record in records] == ["log-0", "log-1", "log-2"]
    assert look("verify").returncode == 0
    file = segments(daemon)[0]
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    assert look("verify").returncode == 1 and "MISSING 1 requests" in look("verify").stdout
