"""Telemetry in files: whole records, each one that was accepted, whatever happens to the disk and the process."""

import json
import struct

import pytest
import zstandard

from harness import otlp
from harness.daemon import config
from harness.goldens import CORPUS
from harness.otlp import REQUESTS, SIGNALS
from harness.waiting import eventually

QUICK = {"flush_interval": "20ms"}
RETRY = {"retry_on_failure": {"initial_interval": "20ms", "max_interval": "100ms"}}


def to_file(path, journal=None, **settings) -> dict:
    return config({"file": {"path": str(path), **QUICK, **RETRY, **settings}}, journal=journal or {"durability": "os"})


def frames(path) -> list[bytes]:
    """The records behind their lengths; fails when the last one is cut off."""
    data, found = path.read_bytes(), []
    while data:
        (count,) = struct.unpack(">I", data[:4])
        assert len(data) >= 4 + count
        found.append(data[4 : 4 + count])
        data = data[4 + count :]
    return found


def lines(path) -> list[dict]:
    """The objects of all lines; fails when one is no whole object."""
    text = path.read_bytes()
    assert not text or text.endswith(b"\n")
    return [json.loads(line) for line in text.splitlines()]


def names(path) -> list[str]:
    """The bodies of the log records in a file of JSON lines."""
    return [
        record["body"]["stringValue"]
        for line in lines(path)
        for group in line["resourceLogs"]
        for scope in group["scopeLogs"]
        for record in scope["logRecords"]
    ]


def post_logs(daemon, *bodies: str, size: int = 0):
    for body in bodies:
        assert daemon.post("/v1/logs", otlp.logs(1, body=body, size=size).SerializeToString())[0] == 200


@pytest.mark.parametrize("signal", SIGNALS)
def test_lines_of_json_can_be_posted_again_and_are_the_same_bytes(otlpd, tmp_path, signal):
    text, binary = tmp_path / "out.jsonl", tmp_path / "out.pb"
    exporters = {"file": {"path": str(text), **QUICK}, "file/pb": {"path": str(binary), "format": "proto", **QUICK}}
    daemon = otlpd(config(exporters, journal={"durability": "memory"}))
    goldens = [path.read_bytes() for path in sorted(CORPUS.glob(f"*.{signal}.pb"))]
    # A request without items is not kept.
    goldens = [body for body in goldens if otlp.items(REQUESTS[signal].FromString(body))]
    bodies = [*goldens, otlp.MAKERS[signal](20).SerializeToString()]
    assert len(bodies) > 2
    for body in bodies:
        assert daemon.post(otlp.PATHS[signal], body)[0] == 200
    eventually(lambda: len(lines(text)) == len(frames(binary)) == len(bodies))
    assert [REQUESTS[signal].FromString(frame) for frame in frames(binary)[-1:]] == [REQUESTS[signal].FromString(bodies[-1])]
    for line in text.read_bytes().splitlines():
        assert daemon.post(otlp.PATHS[signal], line, otlp.JSON)[0] == 200
    eventually(lambda: len(frames(binary)) == 2 * len(bodies))
    first, second = frames(binary)[: len(bodies)], frames(binary)[len(bodies) :]
    assert first == second


@pytest.mark.parametrize("form", ["json", "proto"])
def test_packed_records_hold_the_same(otlpd, tmp_path, form):
    path = tmp_path / "new" / "out.zst"
    daemon = otlpd(to_file(path, format=form, compression="zstd", create_directory=True))
    message = otlp.traces(50)
    assert daemon.post("/v1/traces", message.SerializeToString())[0] == 200
    eventually(lambda: path.exists() and frames(path))
    plain = zstandard.ZstdDecompressor().decompress(frames(path)[0])
    found = otlp.from_object(json.loads(plain), "traces") if form == "json" else REQUESTS["traces"].FromString(plain)
    assert found == message


def test_files_are_put_aside_when_they_are_full_and_the_oldest_go(otlpd, tmp_path):
    path = tmp_path / "out.jsonl"
    daemon = otlpd(to_file(path, rotation={"max_megabytes": 1, "max_backups": 3}))
    bodies = [f"{number:03} " for number in range(80)]
    for body in bodies:
        post_logs(daemon, body, size=100_000)
    eventually(lambda: daemon.metric("otelcol_exporter_sent_log_records") == len(bodies))
    backups = sorted(tmp_path.glob("out-*.jsonl"))
    assert len(backups) == 3
    assert all(file.stat().st_size <= 1 << 20 for file in [*backups, path])
    kept = [name[:4] for file in [*backups, path] for name in names(file)]
    assert kept == bodies[-len(kept) :] and len(kept) >= 30


def test_what_a_kill_interrupts_is_in_the_file_once_it_goes_on(otlpd, tmp_path):
    path, sent = tmp_path / "out.jsonl", []
    document = to_file(path)
    daemon = otlpd(document)
    for life in range(3):
        for number in range(40):
            sent.append(f"{life}-{number} ")
            post_logs(daemon, sent[-1], size=5000)
        daemon.process.kill()
        daemon.wait()
        with open(path, "ab") as file:
            # What a write that the kill cut in two would have left.
            file.write(b'{"resourceLogs":[{"scopeLogs"')
        daemon = otlpd(document, data=daemon.data)
        assert "unfinished record" in daemon.log
    eventually(lambda: {name.rstrip("x") for name in names(path)} == set(sent))


def test_a_full_disk_delays_and_leaves_no_half_record(otlpd, tmp_path, small_disk):
    disk = small_disk(4)
    path = disk.path / "out.jsonl"
    daemon = otlpd(to_file(path), environment=disk.environment)
    post_logs(daemon, "before ")
    eventually(lambda: names(path) == ["before "])
    disk.fill()
    sent = [f"{number} " for number in range(20)]
    for body in sent:
        post_logs(daemon, body, size=10_000)
    eventually(lambda: daemon.metric("otlpd_exporter_retries", exporter="file") > 2)
    assert names(path) == ["before "]
    assert daemon.metric("otlpd_exporter_pending_items", exporter="file") == 20
    assert "file logs: failing" in daemon.get("/readyz")[1]
    disk.free()
    eventually(lambda: [name.rstrip("x") for name in names(path)] == ["before ", *sent])
    assert daemon.metric("otlpd_dropped_items") == 0


def test_a_write_that_takes_half_and_a_sync_that_fails_are_tried_again(otlpd, tmp_path, faulty):
    path = tmp_path / "out.jsonl"
    daemon = otlpd(to_file(path), environment=faulty.environment)
    faulty.write_half("out.jsonl$", first=1)
    faulty.fail("sync", "out.jsonl$", first=2, last=2)
    sent = [f"{number} " for number in range(5)]
    for body in sent:
        post_logs(daemon, body)
        eventually(lambda: daemon.metric("otlpd_exporter_pending_items") == 0)
    assert names(path) == sent
    assert daemon.metric("otlpd_exporter_retries", exporter="file") == 1


def test_a_file_that_logrotate_takes_away_or_empties_is_begun_anew(otlpd, tmp_path):
    path = tmp_path / "out.jsonl"
    daemon = otlpd(to_file(path))
    post_logs(daemon, "a")
    eventually(lambda: names(path) == ["a"])
    path.rename(tmp_path / "taken.jsonl")
    post_logs(daemon, "b")
    eventually(lambda: path.exists() and names(path) == ["b"])
    path.open("w").close()
    post_logs(daemon, "c")
    eventually(lambda: names(path) == ["c"])
    assert names(tmp_path / "taken.jsonl") == ["a"]


def test_two_exporters_of_one_file_do_not_start(otlpd, tmp_path):
    path = str(tmp_path / "out.jsonl")
    daemon = otlpd.make(config({"file/a": {"path": path}, "file/b": {"path": path}}, journal={"durability": "memory"}))
    daemon.launch()
    assert daemon.wait() != 0
    assert "give each a path of its own" in daemon.log
