"""The log: for a person, for a program, for journald; and no peer writes into it what it likes."""

import json
import os
import re
import shutil
import socket
import subprocess
import urllib.error

import pytest

from harness import otlp
from harness.capture import Answer
from harness.daemon import config
from harness.net import free_port
from harness.waiting import eventually
from harness.wire import Connection, request

HOSTILE = "a\x1b[2Jb\x7fc\nlevel=error msg=forged\r\x9b5md\u202ee\u2028f"
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def logging(exporters=None, http=None, **logs) -> dict:
    document = config(exporters or {"nop": None}, journal={"durability": "memory"}, http=http)
    document["service"]["telemetry"]["logs"] = logs
    return document


def provoke(daemon, destination=None):
    """Makes otlpd log what peers wrote: a client's path and content type, and a destination's answer."""
    host, port = daemon.address
    with Connection((host, port)) as connection:
        connection.send(request("/v1/\x1b[2J", b"x", content_type="text/\x1b[2J"))
        connection.answer()
    daemon.post("/", b"x", content_type="text/plain")
    if destination is not None:
        daemon.post("/v1/traces", otlp.traces(1).SerializeToString())
        eventually(lambda: daemon.metric("otlpd_dropped_items") >= 1)


def serving(daemon):
    """Waits until the daemon answers, for those whose log does not say so."""

    def is_ready():
        try:
            return daemon.get("/readyz")[0] == 200
        except urllib.error.URLError:
            return False

    eventually(is_ready)


@pytest.fixture
def rude(capture):
    """A destination that refuses with a text made to harm."""
    return capture(otherwise=Answer(400, headers={"Content-Type": "text/plain"}, body=HOSTILE.encode()))


def forward(destination) -> dict:
    return {"otlp_http": {"endpoint": destination.url, "compression": "none"}}


def test_json_lines_are_json_with_the_collectors_names(otlpd, rude):
    port = free_port()
    document = logging(forward(rude), http={"endpoint": f"127.0.0.1:{port}"}, encoding="json", initial_fields={"site": "a\tb"})
    daemon = otlpd.make(document).launch()
    daemon.addresses["otlp"] = f"127.0.0.1:{port}"
    eventually(lambda: '"msg":"ready"' in daemon.log)
    provoke(daemon, rude)
    assert daemon.terminate() == 0
    events = [json.loads(line) for line in daemon.log.splitlines()]
    assert len(events) > 4
    for event in events:
        assert {"ts", "level", "msg"} <= set(event) and event["site"] == "a\tb"
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["ts"])
        assert event["level"] in ("debug", "info", "warning", "error")
    assert not CONTROL.search(daemon.log)
    (dropped,) = [event for event in events if event["msg"] == "exporting failed, dropping data"]
    assert dropped["level"] == "error" and dropped["component"] == "otlp_http" and "forged" in dropped["error"]


def test_what_peers_wrote_cannot_steer_a_terminal_nor_forge_a_line(otlpd, rude):
    daemon = otlpd(logging(forward(rude)))
    provoke(daemon, rude)
    assert daemon.terminate() == 0
    assert "forged" in daemon.log
    assert not CONTROL.search(daemon.log)
    for line in daemon.log.splitlines():
        assert re.match(r'^time=20\S+ level=(info|warning|error) msg=("(?:\\.|[^"\\])*"|[^" ]+)( \S+=("(?:\\.|[^"\\])*"|[^" ]*))*$', line), line


def test_the_level_decides_what_is_written(otlpd):
    port = free_port()
    daemon = otlpd.make(logging(http={"endpoint": f"127.0.0.1:{port}"}, level="WARN")).launch()
    daemon.addresses["otlp"] = f"127.0.0.1:{port}"
    serving(daemon)
    daemon.post("/v1/v1/traces", b"")
    assert daemon.terminate() == 0
    assert [line.split(" ")[1] for line in daemon.log.splitlines()] == ["level=warning"]


def test_lines_go_to_the_files_and_streams_that_are_named(otlpd, tmp_path):
    path = tmp_path / "otlpd.log"
    daemon = otlpd(logging(output_paths=["stderr", "stdout", f"file://{path}"], initial_fields={"site": "north"}))
    assert daemon.terminate() == 0
    lines = path.read_text().splitlines()
    assert lines == daemon.output.splitlines() == daemon.log.splitlines()
    assert any("msg=ready" in line and line.endswith("site=north") for line in lines)
    assert path.stat().st_mode & 0o007 == 0
    # A second run goes on where the first stopped.
    otlpd(logging(output_paths=["stderr", str(path)])).terminate()
    assert path.read_text().splitlines()[: len(lines)] == lines
    assert sum("msg=stopped" in line for line in path.read_text().splitlines()) == 2


def test_an_output_that_cannot_be_written_is_named_and_left_out(otlpd):
    daemon = otlpd(logging(output_paths=["stderr", "/nowhere/otlpd.log"]))
    assert "/nowhere/otlpd.log: no such file or directory" in daemon.log


def test_a_destination_that_stays_away_costs_few_lines(otlpd, capture):
    away = capture([Answer(503)] * 180)
    retry = {"initial_interval": "1ms", "max_interval": "1ms"}
    exporters = {"otlp_http": {"endpoint": away.url, "compression": "none", "retry_on_failure": retry}}
    daemon = otlpd(logging(exporters))
    daemon.post("/v1/traces", otlp.traces(1).SerializeToString())
    eventually(lambda: daemon.metric("otelcol_exporter_sent_spans") == 1)
    tries = [line for line in daemon.log.splitlines() if "will retry" in line]
    assert 10 <= len(tries) < 30
    assert any("held_back=" in line for line in tries[10:])
    assert daemon.metric("otlpd_log_lines_held_back") > 100


def test_lines_are_counted_by_level(otlpd):
    daemon = otlpd(logging())
    before = daemon.metric("otlpd_log_lines", level="warning")
    daemon.post("/v1/v1/traces", b"")
    assert daemon.metric("otlpd_log_lines", level="warning") == before + 1
    assert daemon.metric("otlpd_log_lines", level="info") == daemon.log.count("level=info")


# journald


class Journald:
    """The end of journald: a socket in a directory, which a mount name space has as /run/systemd/journal."""

    def __init__(self, directory):
        directory.mkdir()
        self.directory = directory
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(directory / "socket"))
        self.socket.settimeout(10)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)

    def event(self) -> dict[str, str]:
        lines = self.socket.recv(1 << 20).decode().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def until(self, message: str) -> list[dict[str, str]]:
        events = [self.event()]
        while not events[-1]["MESSAGE"].startswith(message):
            events.append(self.event())
        return events


# $0 is the directory with the socket, or nothing.
NAMESPACE = """
mount -t tmpfs none /run
if [ -n "$0" ]; then mkdir -p /run/systemd/journal && mount --bind "$0" /run/systemd/journal; fi
exec "$@"
"""


@pytest.fixture
def under_journald(otlpd, tmp_path):
    """Starts otlpd as systemd does: standard error leads to the journal, and $JOURNAL_STREAM says so."""
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    usable = shutil.which("unshare") and subprocess.run([*unshare, "mount", "-t", "tmpfs", "none", "/run"]).returncode == 0
    if not usable:
        pytest.skip("a mount name space of one's own is not allowed here")
    started = []

    def start(document, directory=None):
        port = free_port()
        document["receivers"]["otlp"]["protocols"]["http"]["endpoint"] = f"127.0.0.1:{port}"
        prefix = [*unshare, "sh", "-c", NAMESPACE, str(directory or "")]
        daemon = otlpd.make(document, prefix=prefix)
        daemon.directory.mkdir(exist_ok=True)
        reading, writing = os.pipe()
        stream = os.fstat(writing)
        environment = {**daemon.environment, "JOURNAL_STREAM": f"{stream.st_dev}:{stream.st_ino}"}
        daemon.process = subprocess.Popen(
            daemon.command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writing
        )
        os.close(writing)
        daemon.addresses["otlp"] = f"127.0.0.1:{port}"
        started.append((daemon, reading))
        return daemon, reading

    yield start
    for daemon, reading in started:
        if daemon.process.poll() is None:
            daemon.process.kill()
            daemon.process.wait(10)
        os.close(reading)


def test_under_systemd_events_are_fields_of_the_journal(under_journald, tmp_path, rude):
    journald = Journald(tmp_path / "journald")
    daemon, stderr = under_journald(logging(forward(rude)), journald.directory)
    events = journald.until("ready")
    for event in events:
        assert event["SYSLOG_IDENTIFIER"] == "otlpd" and event["SYSLOG_FACILITY"] == "3"
        assert event["PRIORITY"] in ("4", "6")
        assert "time=" not in event["MESSAGE"]
    (listening,) = [event for event in events if event["MESSAGE"].startswith("listening")]
    assert listening["PRIORITY"] == "6"
    assert listening["OTLPD_COMPONENT"] == "otlp" and listening["OTLPD_ADDRESS"] == daemon.addresses["otlp"]
    assert "component=otlp" in listening["MESSAGE"]
    provoke(daemon, rude)
    dropped = journald.until("exporting failed, dropping data")[-1]
    assert dropped["PRIORITY"] == "3" and dropped["OTLPD_COMPONENT"] == "otlp_http"
    assert "forged" in dropped["OTLPD_ERROR"] and not CONTROL.search("".join(dropped.values()))
    assert set(dropped) >= {"MESSAGE", "PRIORITY", "OTLPD_DROPPED_ITEMS", "OTLPD_SIGNAL"}
    daemon.process.terminate()
    assert journald.until("stopped")[-1]["PRIORITY"] == "6"
    assert daemon.process.wait(20) == 0
    # Nothing is said twice.
    assert os.read(stderr, 4096) == b""


def test_without_journalds_socket_lines_carry_their_priority(under_journald):
    daemon, stderr = under_journald(logging())
    text = b""
    while b"ready" not in text:
        text += os.read(stderr, 65536)
    assert all(re.match(rb"^<[2-7]>", line) for line in text.splitlines())
    assert b"time=" not in text


def test_json_is_what_was_asked_for_under_systemd_too(under_journald):
    daemon, stderr = under_journald(logging(encoding="json"))
    text = b""
    while b'"ready"' not in text or not text.endswith(b"\n"):
        text += os.read(stderr, 65536)
    assert all(json.loads(line)["level"] for line in text.splitlines())


def test_a_variable_that_was_inherited_is_no_journal(otlpd):
    daemon = otlpd(logging(), environment={"JOURNAL_STREAM": "8:12345"})
    assert daemon.log.startswith("time=")
