"""The journal's limits and warnings: a sink's own queue size, sinks that were removed, a journal that fills, a stop."""

import subprocess
import threading
import time

import pytest
from harness import otlp, store
from harness.capture import Answer
from harness.daemon import config
from harness.waiting import eventually

DOWN = Answer(503)
RETRY = {"retry_on_failure": {"initial_interval": "100ms", "max_interval": "200ms", "max_elapsed_time": "0s"}}
MIB = 1 << 20


def forward(server, when_full="refuse", **queue) -> dict:
    return {"endpoint": server.url, "when_full": when_full, "sending_queue": queue, **RETRY}


def post(daemon, name="x", size=0) -> int:
    return daemon.post("/v1/logs", otlp.logs(1, body=name + " " * size).SerializeToString())[0]


def test_a_sinks_queue_size_refuses_at_the_door_until_it_has_delivered(otlpd, capture):
    server = capture(otherwise=DOWN)
    daemon = otlpd(config({"otlp_http": forward(server, queue_size=3)}))
    started = time.monotonic()
    assert [post(daemon) for _ in range(5)] == [200, 200, 200, 503, 503]
    assert time.monotonic() - started < 10, "nobody waits for a sink that is away"
    assert daemon.metric("otlpd_journal_refused_groups", reason="queue_full") == 2
    assert "sending_queue is full" in daemon.log
    server.otherwise = Answer()
    eventually(lambda: post(daemon) == 200)


def test_a_sinks_queue_size_drops_its_oldest_and_nobody_elses(otlpd, capture):
    server = capture(otherwise=DOWN)
    sink = forward(server, when_full="drop_oldest", queue_size=5, sizer="items")
    daemon = otlpd(config({"otlp_http": sink, "sqlite": None}))
    assert [post(daemon) for _ in range(20)] == [200] * 20
    eventually(lambda: store.count(daemon.data, "logs") == 20)
    assert daemon.metric("otlpd_dropped_items", exporter="otlp_http", reason="queue_full") == 15
    assert daemon.metric("otlpd_exporter_pending_items", exporter="otlp_http") == 5


def test_what_waits_for_a_removed_sink_is_counted_once_and_named(otlpd, capture):
    server = capture(otherwise=DOWN)
    daemon = otlpd(config({"otlp_http/old": forward(server), "sqlite": None}))
    assert [post(daemon) for _ in range(3)] == [200] * 3
    assert daemon.terminate() == 0
    renamed = config({"otlp_http/new": forward(server), "sqlite": None})
    daemon = otlpd(renamed)
    labels = {"exporter": "otlp_http/old", "signal": "logs"}
    assert daemon.metric("otlpd_dropped_items", reason="sink_removed", **labels) == 3
    assert daemon.metric("otlpd_exporter_recovered_items", **labels) == 3
    assert "not in the configuration any more" in daemon.log and "sink=otlp_http/old" in daemon.log
    assert daemon.terminate() == 0
    daemon = otlpd(renamed)
    assert daemon.metric("otlpd_dropped_items", reason="sink_removed") == 0
    assert "not in the configuration any more" not in daemon.log


def test_readiness_warns_before_the_journal_is_full(otlpd, capture):
    server = capture(otherwise=DOWN)
    journal = {"durability": "memory", "max_bytes": MIB}
    daemon = otlpd(config({"otlp_http": forward(server)}, journal=journal))
    assert daemon.get("/readyz")[:2] == (200, "ready\n")
    while daemon.metric("otlpd_journal_bytes") < 0.85 * MIB:
        assert post(daemon, size=50_000) == 200
    status, text, _ = daemon.get("/readyz")
    assert status == 200 and "warning: the journal is more than 80 % full" in text
    assert daemon.metric("otlpd_journal_warning", kind="nearly_full") == 1
    assert daemon.log.count("the journal is more than 80 % full") == 1 and "slowest_sink=otlp_http" in daemon.log
    server.otherwise = Answer()
    eventually(lambda: daemon.get("/readyz")[1] == "ready\n")
    assert "the journal has room again" in daemon.log


HANGING_SYNC = r"""
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Syncs of segment files take HANG_SECONDS from the second on, and then fail when FAIL is set.
int fdatasync(int descriptor) {
  static int calls;
  char link[64], path[4096] = "";
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t count = readlink(link, path, sizeof path - 1);
  if (count > 0 && strstr(path, ".segment") && ++calls > 1) {
    sleep(atoi(getenv("HANG_SECONDS")));
    if (getenv("FAIL")) {
      errno = EIO;
      return -1;
    }
  }
  return fsync(descriptor);
}
"""


@pytest.fixture(scope="module")
def hanging_sync(tmp_path_factory):
    directory = tmp_path_factory.mktemp("preload")
    (directory / "sync.c").write_text(HANGING_SYNC)
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", directory / "sync.so", directory / "sync.c"], check=True)
    return directory / "sync.so"


@pytest.mark.parametrize("environment", [{"HANG_SECONDS": "60"}, {"HANG_SECONDS": "3", "FAIL": "1"}], ids=["hangs", "fails"])
def test_a_disk_in_trouble_while_stopping_ends_with_74_in_time(otlpd, hanging_sync, environment):
    daemon = otlpd(config({"nop": None, "sqlite": None}), environment={"LD_PRELOAD": str(hanging_sync), **environment})
    assert post(daemon) == 200
    statuses = []

    def client():
        try:
            statuses.append(post(daemon))
        except OSError:
            pass

    thread = threading.Thread(target=client)
    thread.start()
    eventually(lambda: len(list((daemon.data / "journal").glob("*.segment"))) > 0)
    time.sleep(0.5)  # The request is in the kernel's hands; nothing outside shows when.
    assert daemon.terminate(timeout=15) == 74
    thread.join(10)
    assert 200 not in statuses
    assert "disk" in daemon.log
