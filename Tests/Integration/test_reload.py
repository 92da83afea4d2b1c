"""Another configuration while requests come in: SIGHUP, and `--watch-config`."""

import json
import signal
import socket
import threading

import pytest

from harness import otlp, store
from harness.daemon import config
from harness.grpc_client import Client
from harness.net import free_port
from harness.waiting import eventually
from harness.wire import Connection, request


def forwards(*captures, **settings) -> dict:
    return {
        f"otlp_http/{index}": {"endpoint": capture.url, "compression": "none", **settings}
        for index, capture in enumerate(captures)
    }


def log_bodies(requests) -> list[str]:
    return [
        record.body.string_value
        for message in requests
        for group in message.resource_logs
        for scope in group.scope_logs
        for record in scope.log_records
    ]


def one_log(text: str):
    message = otlp.REQUESTS["logs"]()
    message.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=otlp.NOW).body.string_value = text
    return message


class Load:
    """Clients on kept connections that each note what was acknowledged, until they are told to stop."""

    def __init__(self, daemon, http=3, grpc=2):
        self.acknowledged = [[] for _ in range(http + grpc)]
        self.failures = []
        self._is_over = threading.Event()
        kinds = [self._http] * http + [self._grpc] * grpc
        self._threads = [
            threading.Thread(target=self._run, args=(kind, daemon, index)) for index, kind in enumerate(kinds)
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, kind, daemon, index):
        try:
            kind(daemon, index)
        except Exception as error:
            self.failures.append(f"client {index}: {error!r}")

    def _names(self, index):
        number = 0
        while not self._is_over.is_set():
            yield f"{index}-{number}"
            number += 1

    def _http(self, daemon, index):
        with Connection(daemon.address, timeout=20) as connection:
            for name in self._names(index):
                answer = connection.send(request("/v1/logs", one_log(name).SerializeToString())).answer()
                assert answer.status == 200 and answer.header("connection") != "close", f"{answer}"
                self.acknowledged[index].append(name)

    def _grpc(self, daemon, index):
        with Client(daemon.grpc) as client:
            for name in self._names(index):
                client.export("logs", one_log(name))
                self.acknowledged[index].append(name)

    def stop(self) -> set[str]:
        self._is_over.set()
        for thread in self._threads:
            thread.join(30)
        assert not self.failures
        return {name for names in self.acknowledged for name in names}


def test_under_load_20_changes_fail_no_request_and_lose_nothing(otlpd, capture):
    kept, changing = capture(), capture()

    def variant(number: int) -> dict:
        """Changes an exporter's settings, the limits, a pipeline, the log level and the telemetry address."""
        exporters = {
            "sqlite": None,
            **forwards(kept),
            "otlp_http/changing": {
                "endpoint": changing.url,
                "compression": "none",
                "headers": {"x-number": str(number)},
            },
        }
        document = config(exporters, grpc={}, http={"max_request_body_size": 1_000_000 + number})
        document["extensions"] = {"limits": {"idle_timeout": f"{60 + number}s"}}
        document["service"]["extensions"] = ["limits"]
        document["service"]["telemetry"]["logs"] = {"level": "info" if number % 2 else "debug"}
        if number % 3 == 0:
            document["exporters"]["nop"] = None
            document["service"]["pipelines"]["logs/more"] = {"receivers": ["otlp"], "exporters": ["nop"]}
        return document

    daemon = otlpd(variant(0))
    load = Load(daemon)
    for number in range(1, 21):
        before = {index: len(names) for index, names in enumerate(load.acknowledged)}
        daemon.reload(variant(number))
        # Every client has got an answer since.
        eventually(lambda: load.failures or all(len(load.acknowledged[i]) > n for i, n in before.items()))
    names = load.stop()
    assert daemon.reloads("failure") == 0
    eventually(lambda: names <= set(log_bodies(kept.messages("logs"))))
    eventually(lambda: names <= set(log_bodies(changing.messages("logs"))))
    assert changing.received[-1].header("x-number") == "20", "the changed exporter has its new settings"
    arrived = log_bodies(kept.messages("logs"))
    assert len(arrived) == len(set(arrived)), "a sink that is the same was not disturbed"
    balanced(daemon, "otlp_http/0", "otlp_http/changing", "sqlite")
    assert daemon.terminate() == 0
    stored = {row["body"] for row in store.rows(daemon.data, "select body from logs")}
    assert names <= stored


def balanced(daemon, *exporters):
    """accepted = sent + pending + dropped, for the logs of each exporter."""

    def is_balanced():
        for exporter in exporters:
            labels = {"exporter": exporter, "signal": "logs"}
            accepted = daemon.metric("otlpd_exporter_accepted_items", **labels)
            pending = daemon.metric("otlpd_exporter_pending_items", **labels)
            dropped = daemon.metric("otlpd_dropped_items", **labels)
            sent = daemon.metric("otelcol_exporter_sent_log_records", exporter=exporter)
            assert accepted == sent + pending + dropped, (exporter, accepted, sent, pending, dropped)
        return True

    eventually(is_balanced)


def test_a_sink_that_is_the_same_keeps_its_connection_and_its_backlog(otlpd, capture):
    server = capture()
    absent = f"http://127.0.0.1:{free_port()}"
    document = config({**forwards(server), "otlp_http/away": {"endpoint": absent}})
    daemon = otlpd(document)
    daemon.post("/v1/logs", one_log("before").SerializeToString())
    eventually(lambda: server.messages("logs"))
    document["service"]["telemetry"]["logs"] = {"level": "debug"}
    daemon.reload(document)
    assert daemon.metric("otlpd_exporter_pending_items", exporter="otlp_http/away", signal="logs") == 1
    assert daemon.metric("otelcol_exporter_sent_log_records", exporter="otlp_http/0") == 1
    assert "added= changed= removed=" in daemon.log.replace('""', "")


def test_a_changed_sink_goes_on_where_it_stood(otlpd, capture):
    away = f"http://127.0.0.1:{free_port()}"
    exporters = {"otlp_http": {"endpoint": away, "compression": "none"}}
    daemon = otlpd(config(exporters))
    for index in range(5):
        daemon.post("/v1/logs", one_log(f"{index}").SerializeToString())
    server = capture()
    exporters["otlp_http"]["endpoint"] = server.url
    daemon.reload(config(exporters))
    eventually(lambda: sorted(log_bodies(server.messages("logs"))) == list("01234"))
    balanced(daemon, "otlp_http")
    assert daemon.metric("otlpd_exporter_accepted_items", exporter="otlp_http", signal="logs") == 5


@pytest.mark.parametrize("durability", ["disk", "memory"])
def test_a_removed_sink_is_counted_and_comes_back_with_what_is_new(otlpd, capture, durability):
    server = capture()
    journal = {"durability": durability}
    away = {"otlp_http/away": {"endpoint": f"http://127.0.0.1:{free_port()}"}}
    daemon = otlpd(config({**forwards(server), **away}, journal=journal))
    for index in range(3):
        daemon.post("/v1/logs", one_log(f"{index}").SerializeToString())
    labels = {"exporter": "otlp_http/away", "signal": "logs"}
    eventually(lambda: daemon.metric("otlpd_exporter_pending_items", **labels) == 3)
    daemon.reload(config(forwards(server), journal=journal))
    assert daemon.metric("otlpd_dropped_items", reason="sink_removed", **labels) == 3
    assert "otlp_http/away" in daemon.log and "is dropped" in daemon.log
    balanced(daemon, "otlp_http/away")
    daemon.post("/v1/logs", one_log("meanwhile").SerializeToString())
    late = capture()
    daemon.reload(
        config({**forwards(server), "otlp_http/away": {"endpoint": late.url, "compression": "none"}}, journal=journal)
    )
    daemon.post("/v1/logs", one_log("new").SerializeToString())
    eventually(lambda: log_bodies(late.messages("logs")) == ["new"])
    balanced(daemon, "otlp_http/away", "otlp_http/0")
    assert daemon.metric("otlpd_exporter_accepted_items", **labels) == 4


def test_an_added_sink_has_its_place_before_anything_is_acknowledged_for_it(otlpd, capture):
    """Killed right after the acknowledgement, the next life delivers it."""
    away = f"http://127.0.0.1:{free_port()}"
    daemon = otlpd(config({"nop": None}))
    daemon.post("/v1/logs", one_log("for nop").SerializeToString())
    document = config({"nop": None, "otlp_http": {"endpoint": away, "compression": "none"}})
    daemon.reload(document)
    assert daemon.post("/v1/logs", one_log("for both").SerializeToString())[0] == 200
    daemon.process.kill()
    daemon.wait()
    server = capture()
    document["exporters"]["otlp_http"]["endpoint"] = server.url
    otlpd(document)
    eventually(lambda: log_bodies(server.messages("logs")) == ["for both"])


def test_a_store_that_is_renamed_or_moved_goes_on(otlpd, tmp_path):
    daemon = otlpd(config({"sqlite": None}))
    daemon.post("/v1/logs", one_log("one").SerializeToString())
    daemon.reload(config({"sqlite/main": None}))
    daemon.post("/v1/logs", one_log("two").SerializeToString())
    eventually(lambda: daemon.metric("otlpd_store_rows", signal="logs", exporter="sqlite/main") == 1)
    elsewhere = tmp_path / "elsewhere"
    daemon.reload(config({"sqlite/main": {"directory": str(elsewhere)}}))
    daemon.post("/v1/logs", one_log("three").SerializeToString())
    eventually(lambda: daemon.metric("otlpd_store_rows", signal="logs", exporter="sqlite/main") == 2)
    assert daemon.terminate() == 0
    assert store.count(daemon.data, "logs") == 2
    assert store.count(elsewhere, "logs") == 1


def test_receivers_come_move_and_go(otlpd):
    port = free_port()
    daemon = otlpd(config({"nop": None}))
    document = config({"nop": None}, http={"logs_url_path": "/other/logs"})
    document["receivers"]["otlp/more"] = {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}
    document["service"]["pipelines"]["logs/more"] = {"receivers": ["otlp/more"], "exporters": ["nop"]}
    body = one_log("a").SerializeToString()
    with Connection(daemon.address) as connection:
        assert connection.send(request("/v1/logs", body)).answer().status == 200
        daemon.reload(document)
        assert connection.send(request("/v1/logs", body)).answer().status == 404
        assert connection.send(request("/other/logs", body)).answer().status == 200
        with Connection(("127.0.0.1", port)) as other:
            assert other.send(request("/v1/logs", body)).answer().status == 200
            daemon.reload(config({"nop": None}))
            assert other.ended()
        assert connection.send(request("/v1/logs", body)).answer().status == 200
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_credentials_follow_on_open_connections(otlpd):
    def with_token(*tokens):
        document = config({"nop": None}, http={"auth": {"authenticator": "bearertokenauth"}} if tokens else {})
        document["extensions"] = {"bearertokenauth": {"tokens": list(tokens) or ["unused"]}}
        document["service"]["extensions"] = ["bearertokenauth"]
        # The counters are read elsewhere, where nobody asks for a token.
        document["receivers"]["otlp/open"] = {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}
        document["service"]["pipelines"]["logs/open"] = {"receivers": ["otlp/open"], "exporters": ["nop"]}
        return document

    def status(connection, token):
        headers = [f"Authorization: Bearer {token}"]
        return connection.send(request("/v1/logs", one_log("a").SerializeToString(), headers=headers)).answer().status

    daemon = otlpd(with_token())
    protected = daemon.address
    daemon.addresses["otlp"] = daemon.addresses["otlp/open"]
    with Connection(protected) as connection:
        assert status(connection, "none") == 200
        daemon.reload(with_token("old"))
        assert status(connection, "none") == 401
    with Connection(protected) as connection:
        assert status(connection, "old") == 200
        daemon.reload(with_token("new", "newer"))
        assert status(connection, "old") == 401
    with Connection(protected) as connection:
        assert status(connection, "newer") == 200


BAD = {
    "syntax": ("receivers: [", "did not find expected"),
    "two mistakes": (
        config({"nop": None}, http={"endpont": "x", "max_request_body_size": "many"}),
        'unknown key \\"endpont\\"; did you mean \\"endpoint\\"?',
    ),
    "missing": (None, "No such file"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_changes_nothing_is_explained_and_counted(otlpd, name):
    bad, message = BAD[name]
    daemon = otlpd(config({"nop": None}))
    with Connection(daemon.address) as connection:
        if bad is None:
            daemon.config.unlink()
        daemon.reload(bad, result="failure")
        assert connection.send(request("/v1/logs", one_log("a").SerializeToString())).answer().status == 200
    assert message.lower() in daemon.log.lower()
    assert "the configuration was not reloaded" in daemon.log
    if name == "two mistakes":
        assert "max_request_body_size" in daemon.log, "all mistakes are named"
        assert f"{daemon.config}:" in daemon.log, "with line and column"
    assert daemon.metric("otlpd_config_last_reload_successful") == 0
    daemon.reload(config({"nop": None}))
    assert daemon.metric("otlpd_config_last_reload_successful") == 1


def test_a_busy_port_fails_the_whole_reload(otlpd, capture):
    server = capture()
    daemon = otlpd(config({"nop": None}))
    with socket.create_server(("127.0.0.1", 0)) as owner:
        document = config({"nop": None, **forwards(server)})
        address = f"127.0.0.1:{owner.getsockname()[1]}"
        document["receivers"]["otlp/more"] = {"protocols": {"http": {"endpoint": address}}}
        document["service"]["pipelines"]["logs/more"] = {"receivers": ["otlp/more"], "exporters": ["nop"]}
        daemon.reload(document, result="failure")
    assert address in daemon.log and "in use" in daemon.log
    daemon.post("/v1/logs", one_log("a").SerializeToString())
    assert not server.received
    assert daemon.metric("otlpd_exporter_accepted_items", exporter="otlp_http/0") == 0


def test_a_sink_that_cannot_start_fails_the_whole_reload_and_the_others_go_on(otlpd, capture, tmp_path):
    server = capture()
    (tmp_path / "file").write_text("in the way")
    exporters = {**forwards(server), "sqlite": None}
    daemon = otlpd(config(exporters))
    broken = {"otlp_http/0": {**exporters["otlp_http/0"], "timeout": "7s"}, "sqlite": {"directory": f"{tmp_path}/file/x"}}
    daemon.reload(config(broken), result="failure")
    daemon.post("/v1/logs", one_log("after").SerializeToString())
    eventually(lambda: log_bodies(server.messages("logs")) == ["after"])
    balanced(daemon, "otlp_http/0", "sqlite")
    assert daemon.terminate() == 0
    assert store.count(daemon.data, "logs") == 1


@pytest.mark.parametrize(
    "journal", [{"durability": "os"}, {"directory": "/tmp/elsewhere"}, {"max_bytes": "32MiB"}, {"durability": "memory"}]
)
def test_another_journal_needs_a_restart(otlpd, journal):
    daemon = otlpd(config({"nop": None}))
    daemon.reload(config({"nop": None}, journal=journal), result="failure")
    assert "restart needed" in daemon.log


def test_the_telemetry_address_follows(otlpd):
    def document(port: int) -> dict:
        document = config({"nop": None}, metrics_level="normal")
        document["service"]["telemetry"]["metrics"]["address"] = f"127.0.0.1:{port}"
        return document

    def is_answered(port: int) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    first, second = free_port(), free_port()
    daemon = otlpd(document(first))
    assert is_answered(first)
    daemon.reload(document(second))
    assert is_answered(second)
    eventually(lambda: not is_answered(first))


def test_other_memory_for_requests_needs_a_restart(otlpd):
    daemon = otlpd(config({"nop": None}))
    document = config({"nop": None}, extensions={"limits": {"memory_in_flight": "8MiB"}})
    document["service"]["extensions"] = ["limits"]
    daemon.reload(document, result="failure")
    assert "restart needed: the memory for requests in flight" in daemon.log
    assert "to 8388608 bytes" in daemon.log


def test_the_log_level_and_form_follow(otlpd):
    document = config({"nop": None})
    daemon = otlpd(document)
    document["service"]["telemetry"]["logs"] = {"encoding": "json"}
    daemon.reload(document)
    assert json.loads(daemon.log.splitlines()[-1])["msg"] == "configuration reloaded"
    document["service"]["telemetry"]["logs"] = {"level": "error"}
    daemon.reload(document)
    lines = len(daemon.log.splitlines())
    daemon.reload(document)
    assert len(daemon.log.splitlines()) == lines


def test_the_service_manager_is_told(otlpd, tmp_path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(10)
        daemon = otlpd(config({"nop": None}), environment={"NOTIFY_SOCKET": str(path)})

        def told(wanted: str) -> str:
            while True:
                text = manager.recv(4096).decode()
                if wanted in text:
                    return text

        told("READY=1")
        daemon.process.send_signal(signal.SIGHUP)
        begin = told("RELOADING=1")
        assert any(line.startswith("MONOTONIC_USEC=") for line in begin.splitlines())
        assert "STATUS=listening on" in told("READY=1")
        daemon.write("receivers: [")
        daemon.process.send_signal(signal.SIGHUP)
        told("RELOADING=1")
        told("READY=1")
