"""The commands that ask the store: golden outputs over fixed telemetry, without a daemon and beside a running one."""

import json
import os
import re
import shutil
import sqlite3
import subprocess

import pytest

from harness import cli, otlp
from harness.daemon import BINARY, ENVIRONMENT, TOP, Daemon, config
from harness.waiting import eventually

START = 1_748_779_200 * 10**9  # 2025-06-01 12:00:00 UTC
MS = 10**6
WINDOW = ("--since", "2025-06-01T11:30", "--until", "2025-06-01T13:00")
ORDERS = "0af7651916cd43dd8448eb211c80319c"
CHECKOUT = "5b8efff798038103d269b633813fc60c"
# What would clear a screen, ring a bell, turn the writing direction, and forge a line.
NASTY = "card \x1b[2J\x07\x9b31m\u202edeclined\nERROR forged"


def traces():
    """A request with six database calls one after the other, and one that fails."""
    request = otlp.REQUESTS["traces"]()
    group = request.resource_spans.add()
    otlp.attribute(group.resource, "service.name", "shop")
    otlp.attribute(group.resource, "service.version", "1.4.0")
    scope = group.scope_spans.add()

    def span(trace, number, parent, name, kind, start, length, **attributes):
        span = scope.spans.add(
            trace_id=bytes.fromhex(trace), span_id=number.to_bytes(8, "big"), name=name, kind=kind,
            parent_span_id=parent.to_bytes(8, "big") if parent else b"",
            start_time_unix_nano=START + start * MS, end_time_unix_nano=START + (start + length) * MS,
        )  # fmt: skip
        for key, value in attributes.items():
            otlp.attribute(span, key.replace("__", "."), value)
        return span

    http = {"http__request__method": "GET", "http__route": "/orders", "http__response__status_code": 200}
    span(ORDERS, 1, 0, "GET /orders", 2, 0, 120, **http)
    for index in range(6):
        query = {"db__system__name": "postgresql", "db__query__text": f"SELECT * FROM items WHERE order_id = {index}"}
        span(ORDERS, 2 + index, 1, "SELECT items", 3, 5 + 15 * index, 12, **query)
    http = {"http__request__method": "POST", "http__route": "/checkout", "http__response__status_code": 500}
    failed = span(CHECKOUT, 20, 0, "POST /checkout", 2, 60_000, 42, customer=NASTY, **http)
    failed.status.code, failed.status.message = 2, NASTY
    return request


def logs():
    request = otlp.REQUESTS["logs"]()
    group = request.resource_logs.add()
    otlp.attribute(group.resource, "service.name", "shop")
    scope = group.scope_logs.add()
    for offset, severity, body in ((0, 9, "order 1 placed"), (30, 13, "stock is low"), (60, 17, NASTY)):
        record = scope.log_records.add(time_unix_nano=START + offset * 1000 * MS, severity_number=severity)
        record.body.string_value = body
        if severity == 17:
            record.trace_id = bytes.fromhex(CHECKOUT)
    return request


def metrics():
    request = otlp.REQUESTS["metrics"]()
    group = request.resource_metrics.add()
    otlp.attribute(group.resource, "service.name", "shop")
    scope = group.scope_metrics.add()
    counter = scope.metrics.add(name="orders.placed", unit="{order}", description="Orders that were paid.")
    counter.sum.aggregation_temporality, counter.sum.is_monotonic = 2, True
    for minute in range(6):
        point = counter.sum.data_points.add(as_int=60 * minute * (minute + 1), start_time_unix_nano=START)
        point.time_unix_nano = START + minute * 60_000 * MS
        otlp.attribute(point, "country", "de")
    gauge = scope.metrics.add(name="queue.length", unit="1")
    gauge.gauge.data_points.add(as_double=2.5, time_unix_nano=START)
    return request


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data directory that a daemon has filled and left."""
    directory = tmp_path_factory.mktemp("shop")
    with Daemon(directory, config({"sqlite": None}, journal={"durability": "memory"})) as daemon:
        daemon.start()
        for signal, request in (("traces", traces()), ("logs", logs()), ("metrics", metrics())):
            assert daemon.post(otlp.PATHS[signal], request.SerializeToString())[0] == 200
        eventually(lambda: daemon.metric("otlpd_store_rows") == 18)
        assert daemon.terminate() == 0
    return directory / "data"


QUESTIONS = {
    "services": ("services", *WINDOW),
    "routes": ("routes", *WINDOW),
    "routes-statements": ("routes", "shop", "--category", "statement", *WINDOW),
    "traces": ("traces", *WINDOW),
    "traces-filtered": ("traces", "--service", "shop", "--route", "/orders", "--status", "2xx", "--min", "100ms",
                        "--max", "1s", "--attr", "http.request.method=GET", "--text", "orders", *WINDOW),
    "traces-errors": ("traces", "--errors", "--limit", "1", *WINDOW),
    "trace": ("trace", ORDERS),
    "trace-attributes": ("trace", CHECKOUT, "--attributes"),
    "logs": ("logs", *WINDOW),
    "logs-filtered": ("logs", "stock", "low", "--severity", "warn", "--service", "shop", *WINDOW),
    "logs-of-trace": ("logs", "--trace", CHECKOUT, *WINDOW),
    "metrics": ("metrics", *WINDOW),
    "metrics-range": ("metrics", "orders.placed", "--by", "country", *WINDOW),
    "findings": ("findings", *WINDOW),
    "sql": ("sql", "select name, status, duration_ms, status_message from spans order by start_time, id"),
}  # fmt: skip


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_is_answered_as_a_table(data, name):
    result = cli.run(*QUESTIONS[name], "--data-dir", data)
    assert (result.returncode, result.stderr) == (0, "")
    cli.expect(name, result.stdout)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_is_answered_in_json_and_line_by_line(data, name):
    document = cli.run(*QUESTIONS[name], "--data-dir", data, "--output", "json")
    lines = cli.run(*QUESTIONS[name], "--data-dir", data, "-o", "ndjson")
    assert (document.returncode, lines.returncode) == (0, 0)
    answer = json.loads(document.stdout)
    elements = answer if name == "sql" else next(value for value in answer.values() if isinstance(value, list))
    assert [json.loads(line) for line in lines.stdout.splitlines()] == elements != []


def test_what_a_client_sent_comes_back_whole_in_json(data):
    (log,) = json.loads(cli.run(*QUESTIONS["logs-of-trace"], "--data-dir", data, "-o", "json").stdout)["logs"]
    assert log["body"] == NASTY


@pytest.mark.parametrize("name", ["traces", "trace-attributes", "logs", "sql"])
@pytest.mark.parametrize("output", ["table", "json", "ndjson"])
def test_nothing_that_a_terminal_obeys_is_printed(data, name, output):
    text = cli.run(*QUESTIONS[name], "--data-dir", data, "-o", output).stdout
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]", text)
    assert "\nERROR forged" not in text


def on_a_terminal(*arguments, **environment) -> str:
    """What a command writes to a pseudo-terminal."""
    mine, theirs = os.openpty()
    process = subprocess.Popen(
        [BINARY, *map(str, arguments)], env={**ENVIRONMENT, "TERM": "xterm", **environment}, stdout=theirs,
        stderr=theirs, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs)
    text = b""
    try:
        while piece := os.read(mine, 65536):
            text += piece
    except OSError:
        pass  # Linux: the other side is closed.
    finally:
        os.close(mine)
    assert process.wait(20) == 0
    return text.decode()


def test_a_terminal_gets_colours_unless_it_does_not_want_them(data):
    command = (*QUESTIONS["routes"], "--data-dir", data)
    assert "\x1b[31m" in on_a_terminal(*command)
    assert "\x1b" not in on_a_terminal(*command, NO_COLOR="1")
    assert "\x1b" not in on_a_terminal(*command, TERM="dumb")


def test_pages_follow_one_another(data):
    first = cli.run("traces", "--limit", "1", *WINDOW, "--data-dir", data)
    (before,) = re.findall(r"--before (\S+)", first.stderr)
    second = cli.run("traces", "--limit", "1", "--before", before, *WINDOW, "--data-dir", data)
    assert CHECKOUT in first.stdout and ORDERS in second.stdout and CHECKOUT not in second.stdout


@pytest.mark.parametrize(
    "statement, reason",
    [
        ("delete from span_rows", "only statements that read"),
        ("drop table span_rows", "only statements that read"),
        ("pragma journal_mode = delete; select 1", "one statement at a time|only statements that read"),
        ("select 1; delete from span_rows", "one statement at a time"),
        ("vacuum into '/tmp/otlpd-never-written.db'", "only statements that read"),
        ("attach 'x' as y", "only statements that read"),
        ("", "there is no statement"),
        ("select x from nowhere", "no such table"),
    ],
)
def test_sql_that_does_not_only_read_is_refused(data, statement, reason):
    result = cli.run("sql", statement, "--data-dir", data)
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr.startswith("error: ") and re.search(reason, result.stderr)
    assert cli.run("sql", "select count(*) from spans -- all\n", "--data-dir", data).stdout == "count(*)\n       8\n"


def test_sql_reads_several_days_as_one(data, tmp_path):
    (today,) = data.glob("telemetry-*.db")
    shutil.copy(today, tmp_path / "telemetry-2025-06-01.db")
    shutil.copy(today, tmp_path / "telemetry-2025-06-02.db")
    # A day of an older schema has fewer columns.
    with sqlite3.connect(tmp_path / "telemetry-2025-06-01.db") as old:
        old.execute("drop view logs")
        old.execute("create view logs as select id, body from log_rows")

    def ask(*arguments):
        return cli.run("sql", *arguments, "--data-dir", tmp_path)

    assert ask("select count(*) n, count(distinct trace_id) t from spans").stdout == " n  t\n16  2\n"
    assert ask("select count(body) b, count(service_name) s from logs").stdout == "b  s\n6  3\n"
    refused = ask("select * from resources")
    assert refused.returncode == 1 and "name one file with --day" in refused.stderr
    assert ask("select count(*) n from resources", "--day", "2025-06-02").stdout == "n\n2\n"
    assert "2025-06-09" in ask("select 1", "--day", "2025-06-09").stderr


def test_a_damaged_day_is_left_out_and_named(data, tmp_path):
    (today,) = data.glob("telemetry-*.db")
    shutil.copy(today, tmp_path)
    (tmp_path / "telemetry-2025-06-01.db").write_bytes(b"no database\x1b[2J" * 100)
    result = cli.run("traces", *WINDOW, "--data-dir", tmp_path)
    assert result.returncode == 0 and ORDERS in result.stdout
    assert result.stderr == "left out telemetry-2025-06-01.db: file is not a database\n"


def test_where_nothing_is_stored_it_says_where_to_look(data, tmp_path):
    for command in (("services",), ("logs",), ("sql", "select 1"), ("trace", ORDERS)):
        result = cli.run(*command, "--data-dir", tmp_path)
        assert result.stdout == "" and "--data-dir" in result.stderr and "/var/lib/otlpd" in result.stderr
    missing = cli.run("routes", "--data-dir", tmp_path / "none")
    assert missing.returncode == 1 and "no such file" in missing.stderr and "/var/lib/otlpd" in missing.stderr
    empty = cli.run("traces", "--since", "1m", "--data-dir", data)
    assert (empty.returncode, empty.stdout) == (0, "") and "--since 7d" in empty.stderr
    unknown = cli.run("trace", "1234", "--data-dir", data)
    assert unknown.returncode == 1 and "not found" in unknown.stderr


def test_without_a_flag_the_daemons_directory_is_read(data):
    assert ORDERS in cli.run("traces", *WINDOW, STATE_DIRECTORY=str(data)).stdout


@pytest.mark.parametrize(
    "command, reason",
    [
        (("traces", "--since", "soon"), "--since: expected a duration"),
        (("traces", "--since", "1h", "--until", "2h"), "expected a time before --until"),
        (("logs", "--severity", "loud"), "expected trace, debug, info, warn, error, fatal"),
        (("traces", "--output", "xml"), "xml"),
        (("tail", "--min", "long"), "expected a duration"),
    ],
)
def test_a_wrong_argument_is_explained(data, command, reason):
    result = cli.run(*command, "--data-dir", data)
    assert result.returncode == 64 and reason in result.stderr


@pytest.mark.parametrize("command", [("traces", "--min", "long"), ("traces", "--limit", "0"), ("trace", "xyz")])
def test_what_the_store_refuses_is_explained(data, command):
    result = cli.run(*command, "--data-dir", data)
    assert result.returncode == 1 and "expected" in result.stderr or "hex digits" in result.stderr


# While a daemon runs


@pytest.fixture
def tailing():
    started = []

    def start(*arguments) -> subprocess.Popen:
        started.append(
            subprocess.Popen(
                [BINARY, "tail", *map(str, arguments)], env=ENVIRONMENT, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
            )
        )  # fmt: skip
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_tail_shows_what_comes_in_and_passes_its_filters(otlpd, tailing):
    daemon = otlpd(config({"sqlite": None}, journal={"durability": "memory"}))
    both = tailing("--limit", "5", "--all", "--data-dir", daemon.data)
    errors = tailing("--errors", "--all", "--service", "shop", "--limit", "2", "--data-dir", daemon.data)
    slow = tailing("spans", "--min", "100ms", "--all", "--limit", "1", "-o", "ndjson", "--data-dir", daemon.data)
    words = tailing("logs", "--text", "STOCK", "--severity", "warn", "--all", "--limit", "1", "--data-dir", daemon.data)
    assert daemon.post(otlp.PATHS["logs"], logs().SerializeToString())[0] == 200
    eventually(lambda: daemon.metric("otlpd_store_rows") == 3)
    assert daemon.post(otlp.PATHS["traces"], traces().SerializeToString())[0] == 200
    output, complaints = errors.communicate(timeout=20)
    assert complaints == "" and errors.returncode == 0
    cli.expect("tail-errors", "".join(sorted(output.splitlines(keepends=True))))
    assert json.loads(slow.communicate(timeout=20)[0])["trace_id"] == ORDERS
    assert words.communicate(timeout=20)[0] == "2025-06-01 12:00:30.000 WARN  shop: stock is low\n"
    lines = both.communicate(timeout=20)[0].splitlines()
    assert len(lines) == 5 and lines[0] == "2025-06-01 12:00:00.000 INFO  shop: order 1 placed"
    # The files answer while they are written.
    assert ORDERS in cli.run("traces", *WINDOW, "--data-dir", daemon.data).stdout


def test_tail_says_when_nobody_stores_anything(data, tailing):
    process = tailing("--all", "--limit", "11", "--data-dir", data)
    output, complaints = process.communicate(timeout=20)
    assert len(output.splitlines()) == 11 and "systemctl start otlpd" in complaints


def test_tail_begins_with_what_comes_next(otlpd, tailing):
    daemon = otlpd(config({"sqlite": None}, journal={"durability": "memory"}))
    assert daemon.post(otlp.PATHS["logs"], logs().SerializeToString())[0] == 200
    eventually(lambda: daemon.metric("otlpd_store_rows") == 3)
    process = tailing("logs", "--limit", "1", "--data-dir", daemon.data)

    def sent():
        # Until the command has begun, what is sent is not new to it.
        daemon.post(otlp.PATHS["logs"], otlp.logs(1, body="news").SerializeToString())
        return process.poll() is not None

    eventually(sent, every=0.2)
    assert "shop: news" in process.communicate(timeout=20)[0]


def test_tail_goes_on_with_the_next_day(data, tmp_path, tailing):
    (today,) = data.glob("telemetry-*.db")
    shutil.copy(today, tmp_path / "telemetry-2025-06-01.db")
    both = tailing("--all", "--limit", "22", "-o", "ndjson", "--data-dir", tmp_path)
    new = tailing("--limit", "11", "--data-dir", tmp_path)
    # It has looked at the first day before it says that it waits.
    assert "Waiting" in new.stderr.readline()
    read = [both.stdout.readline() for _ in range(11)]
    shutil.copy(today, tmp_path / "next")
    (tmp_path / "next").rename(tmp_path / "telemetry-2025-06-02.db")
    assert sorted(both.communicate(timeout=20)[0].splitlines(True)) == sorted(read)
    assert len(new.communicate(timeout=20)[0].splitlines()) == 11


def test_every_command_is_documented_and_has_help():
    listed = cli.run("--help").stdout.split("STORED TELEMETRY SUBCOMMANDS:")[1]
    names = re.findall(r"^  ([a-z]+) ", listed, re.MULTILINE) + ["doctor", "send"]
    assert len(names) == 11
    text = (TOP / "docs" / "cli.md").read_text()
    for name in names:
        assert f"otlpd {name}" in text
        result = cli.run(name, "--help")
        assert result.returncode == 0 and f"USAGE: otlpd {name}" in result.stdout
