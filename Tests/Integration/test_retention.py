"""Old day files go, today's stays, and what they counted is still answered."""

import datetime
import json
import sqlite3
import time

from harness import otlp
from harness.daemon import config
from harness.net import free_port
from harness.waiting import eventually

DAY = 86_400


def day_file(data, days_ago: int):
    date = datetime.datetime.fromtimestamp(time.time() - days_ago * DAY, datetime.UTC).date()
    return data / f"telemetry-{date}.db"


def document(**retention):
    extensions = {"admin": {"endpoint": f"127.0.0.1:{free_port()}"}}
    document = config({"sqlite": {"retention": retention}}, extensions=extensions)
    document["service"]["extensions"] = ["admin"]
    return document


def requests(daemon, since: str) -> int:
    status, body, _ = daemon.get(f"/api/v1/routes?since={since}", "admin")
    assert status == 200
    return sum(route["requests"] for route in json.loads(body)["routes"])


def fill(otlpd, days_ago: int, count: int):
    """Makes a day file of some days ago, with spans of that day."""
    daemon = otlpd(document())
    message = otlp.traces(count)
    for number, span in enumerate(message.resource_spans[0].scope_spans[0].spans):
        span.start_time_unix_nano = time.time_ns() - days_ago * DAY * 10**9
        span.end_time_unix_nano = span.start_time_unix_nano + 10**6
    assert daemon.post(otlp.PATHS["traces"], message.SerializeToString())[0] == 200
    eventually(lambda: daemon.metric("otlpd_store_rows") >= count)
    assert daemon.terminate() == 0
    connection = sqlite3.connect(day_file(daemon.data, 0))
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    day_file(daemon.data, 0).rename(day_file(daemon.data, days_ago))
    return daemon.data


def test_a_week_is_kept_and_older_days_stay_as_numbers(otlpd):
    data = fill(otlpd, 9, 30)
    # otlpd ran yesterday, too: after a longer time it would first see whether the clock is right.
    fill(otlpd, 1, 10)
    daemon = otlpd(document())
    eventually(lambda: not day_file(data, 9).exists())
    eventually(lambda: daemon.metric("otlpd_store_deleted_files", exporter="sqlite", reason="age") == 1)
    assert day_file(data, 0).exists() and "deleted a past day" in daemon.log
    assert requests(daemon, "20d") == 40 and requests(daemon, "1h") == 0
    assert daemon.post(otlp.PATHS["traces"], otlp.traces(2).SerializeToString())[0] == 200
    eventually(lambda: requests(daemon, "20d") == 42)


def test_the_oldest_files_go_until_the_bytes_fit(otlpd):
    data = fill(otlpd, 3, 20)
    fill(otlpd, 2, 10)
    # SQLite takes what stands behind the end of its pages for nothing.
    with open(day_file(data, 3), "ab") as file:
        file.truncate(3 << 20)
    daemon = otlpd(document(max_bytes="3MiB"))
    eventually(lambda: daemon.metric("otlpd_store_deleted_files", reason="size") == 1)
    assert not day_file(data, 3).exists() and day_file(data, 2).exists()
    assert requests(daemon, "10d") == 30


def test_without_bounds_everything_stays(otlpd):
    data = fill(otlpd, 100, 5)
    daemon = otlpd(document(max_age="0s", max_bytes=0))
    assert requests(daemon, "200d") == 5
    assert day_file(data, 100).exists()
    assert daemon.metric("otlpd_store_deleted_files") == 0
