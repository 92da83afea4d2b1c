"""What `otlpd journal inspect`, `verify` and `export` print, word for word."""

import re
import signal
import subprocess

import pytest

from harness import otlp
from harness.capture import Answer
from harness.daemon import BINARY, config
from harness.faults import DISK, DOWN, forward, segments
from harness.otlp import JSON
from harness.waiting import eventually

# One request per signal, as it is posted and as it is exported.
LINES = {
    "traces": '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"000102030405060708090a0b0c0d0e0f",'
    '"spanId":"0001020304050607","name":"GET /","startTimeUnixNano":"1760000000000000000",'
    '"attributes":[{"key":"n","value":{"intValue":"5"}}]},{"name":"é \\"quoted\\""}]}]}]}',
    "metrics": '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","histogram":{"dataPoints":'
    '[{"count":"3","sum":0.0,"bucketCounts":["1","2"],"explicitBounds":[0.5]}]}}]}]}]}',
    "logs": '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":9,"body":{"doubleValue":1.5}}]}]}]}',
}

WHOLE = """\
journal DIRECTORY, id ID
0000000000000001.segment: 424 bytes, 3 requests, 4 items, sequence 1 to 3, accepted TIME to TIME
otlp_http traces: at 1, pending 1 requests, 2 items, 74 bytes
otlp_http metrics: at 2, pending 1 requests, 1 items, 59 bytes
otlp_http logs: at 3, pending 1 requests, 1 items, 19 bytes
otlp_http/up traces: at 4, pending 0 requests, 0 items, 0 bytes
otlp_http/up metrics: at 4, pending 0 requests, 0 items, 0 bytes
otlp_http/up logs: at 4, pending 0 requests, 0 items, 0 bytes
"""
DAMAGED = """\
journal DIRECTORY, id ID
0000000000000001.segment: 431 bytes, 2 requests, 2 items, sequence 2 to 3, accepted TIME to TIME, \
DAMAGED 144 bytes, MISSING 1 requests, 7 bytes behind the last request
cursors: damaged; every sink would get again what is there
0000000000000001.4.quarantine: damaged bytes that a start put aside
"""


class Looked:
    """What the tool says of one directory, with names in the place of what differs from run to run."""

    def __init__(self, daemon):
        self.directory = daemon.data / "journal"

    def __call__(self, action: str) -> tuple[int, str]:
        command = [BINARY, "journal", action, self.directory]
        result = subprocess.run(command, capture_output=True, text=True, timeout=20)
        assert result.stderr == ""
        text = result.stdout.replace(str(self.directory), "DIRECTORY")
        text = re.sub(r"\bid [0-9a-f]+$", "id ID", text, flags=re.M)
        return result.returncode, re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME", text)


@pytest.fixture
def journal(otlpd, capture):
    """The journal of a killed daemon with one sink that took everything and one that took nothing."""
    exporters = {"otlp_http": forward(capture(otherwise=DOWN)), "otlp_http/up": forward(capture(otherwise=Answer()))}
    daemon = otlpd(config(exporters, journal=DISK))
    for name, line in LINES.items():
        assert daemon.post(otlp.PATHS[name], line.encode(), JSON)[0] == 200
    looked = Looked(daemon)
    # The cursors are stored every second.
    eventually(lambda: looked("inspect")[1].count("at 4, pending 0") == 3)
    daemon.terminate(with_signal=signal.SIGKILL)
    return daemon, looked


def test_an_undamaged_journal(journal):
    _, looked = journal
    assert looked("inspect") == (0, WHOLE)
    assert looked("verify") == (0, "DIRECTORY: 3 requests, no damage\n")
    assert looked("export") == (0, "".join(line + "\n" for line in LINES.values()))


def test_a_damaged_journal(journal):
    daemon, looked = journal
    file = segments(daemon)[0]
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content + b"leaving")
    (file.parent / "cursors").write_bytes(b"no cursors")
    (file.parent / "0000000000000001.4.quarantine").write_bytes(b"something")
    assert looked("inspect") == (0, DAMAGED)
    last = "DIRECTORY: damaged. otlpd starts all the same, and counts what is lost.\n"
    assert looked("verify") == (1, DAMAGED + last)
    assert looked("export") == (0, LINES["metrics"] + "\n" + LINES["logs"] + "\n")


def test_no_journal_at_all(tmp_path):
    command = [BINARY, "journal", "inspect", tmp_path / "nowhere"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20)
    problem = f"cannot open the directory {tmp_path}/nowhere: no such file or directory"
    assert (result.returncode, result.stdout) == (74, "")
    assert result.stderr == f"otlpd journal: {problem}. Name the journal's directory.\n"
