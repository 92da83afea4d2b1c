"""otlpd under the eyes of its operator: every metric is documented, bounded, and adds up to what was done."""

import contextlib
import itertools
import random
import re
import socket

import grpc
import pytest

from harness import otlp
from harness.capture import Answer
from harness.daemon import TOP, config
from harness.documents import documented_metrics
from harness.grpc_client import Client
from harness.net import free_port
from harness.waiting import eventually
from harness.wire import Connection, request

BODY = {signal: otlp.MAKERS[signal](1).SerializeToString() for signal in otlp.MAKERS}
SERIES = re.compile(r'^([a-z0-9_]+)(?:\{(.*)\})?$')


@pytest.fixture
def everything(otlpd, capture):
    """A daemon with every kind of part: both protocols, credentials, a store, a console and a destination."""
    # It fails once, so that what is counted of failures is there, too.
    destination = capture([Answer(503)])
    retry = {"initial_interval": "10ms", "max_interval": "10ms"}
    exporters = {
        "sqlite": None,
        "debug": {"use_internal_logger": False},
        "nop": None,
        "otlp_http": {"endpoint": destination.url, "sending_queue": {"queue_size": 1000}, "retry_on_failure": retry},
    }
    document = config(exporters, grpc={}, metrics_level="detailed")
    document["service"]["telemetry"]["metrics"]["readers"] = [reader(0)]
    document["receivers"]["otlp/guarded"] = {
        "protocols": {"http": {"endpoint": "127.0.0.1:0", "auth": {"authenticator": "bearertokenauth"}}}
    }
    document["extensions"] = {"bearertokenauth": {"tokens": [{"name": "shop", "token": "t0ken"}]}}
    document["service"]["extensions"] = ["bearertokenauth"]
    for pipeline in document["service"]["pipelines"].values():
        pipeline["receivers"].append("otlp/guarded")
    daemon = otlpd(document)
    daemon.destination = destination
    return daemon


def ask_guarded(daemon, token=None, body=BODY["traces"]) -> int:
    host, port = daemon.addresses["otlp/guarded"].rsplit(":", 1)
    headers = (f"Authorization: Bearer {token}",) if token else ()
    with Connection((host, int(port))) as connection:
        return connection.send(request(body=body, headers=headers)).answer().status


def use(daemon):
    """Something of everything, done once."""
    for signal, path in otlp.PATHS.items():
        assert daemon.post(path, BODY[signal])[0] == 200
    assert daemon.post("/v1/traces", b"\xff")[0] == 400
    assert daemon.post("/v1/trace", b"")[0] == 404
    with Client(daemon.grpc) as client:
        for signal in otlp.MAKERS:
            client.export(signal, otlp.MAKERS[signal](1))
        assert client.failure("traces", b"\xff").code() == grpc.StatusCode.INVALID_ARGUMENT
    assert ask_guarded(daemon) == 401
    assert ask_guarded(daemon, "wrong") == 401
    assert ask_guarded(daemon, "t0ken") == 200
    eventually(lambda: daemon.metric("otlpd_exporter_pending_items") == 0)


def label_names(labels: str | None) -> frozenset:
    return frozenset(re.findall(r'(?:^|,)([a-z_]+)="', labels or "")) - {"le"}


def test_every_metric_is_documented_with_its_type_and_labels_and_every_documented_metric_exists(everything):
    use(everything)
    page = everything.get("/metrics")[1]
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.M))
    documented = documented_metrics()
    assert set(kinds) - set(documented) == set(), "on the page and not in docs/metrics.md"
    assert set(documented) - set(kinds) == set(), "in docs/metrics.md and not on the page"
    assert kinds == {name: family.kind for name, family in documented.items()}
    for series in everything.metrics():
        name, labels = SERIES.match(series).groups()
        family = documented.get(name) or documented[re.sub(r"_(bucket|sum|count)$", "", name)]
        if name != "target_info":
            assert label_names(labels) == family.labels, series


def storm(daemon, chance: random.Random):
    """Everything a client can choose, chosen at random."""

    def word() -> str:
        return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=8))

    for _ in range(25):
        with Connection(daemon.address) as connection:
            for _ in range(3):
                lines = (f"User-Agent: {word()}", f"X-{word()}: {word()}", f"Content-Encoding: {word()}")
                connection.send(request(f"/{word()}", b"x", f"application/{word()}", headers=lines))
                connection.answer()
        with Connection(daemon.address) as connection:
            connection.send(f"{word().upper()} /{word()} HTTP/1.1\r\nHost: {word()}\r\n\r\n".encode())
            connection.answer()
        daemon.post("/v1/traces", otlp.traces(1, service=word(), name=word()).SerializeToString())
        daemon.post("/v1/metrics", otlp.metrics(1, service=word(), name=word()).SerializeToString())
        daemon.post("/v1/logs", word().encode(), content_type="application/json")
        ask_guarded(daemon, word())
        ask_guarded(daemon, None, word().encode())
    with Client(daemon.grpc) as client:
        for _ in range(10):
            client.failure("traces", word().encode(), path=f"/{word()}/{word()}")
            client.export("logs", otlp.logs(1, service=word(), body=word()))


def test_no_client_can_add_a_series(everything, chance):
    use(everything)
    storm(everything, chance)
    before = set(everything.metrics())
    storm(everything, chance)
    assert set(everything.metrics()) == before
    assert len(before) < 1200


def test_no_destination_can_add_series_without_end(otlpd, capture):
    # Not those that mean that the same or a smaller batch may be taken later.
    statuses = itertools.cycle(set(range(405, 499)) - {408, 413, 429})
    refuses = capture(otherwise=lambda _: Answer(next(statuses)))
    batch = {"min_size": 1, "max_size": 1, "flush_timeout": "1ms"}
    exporters = {"otlp_http": {"endpoint": refuses.url, "sending_queue": {"batch": batch}}}
    daemon = otlpd(config(exporters, journal={"durability": "memory"}))
    daemon.post("/v1/traces", otlp.traces(200).SerializeToString())
    eventually(lambda: daemon.metric("otlpd_dropped_items") == 200)
    series = [name for name in daemon.metrics() if name.startswith("otlpd_dropped_items")]
    assert len(series) < 3 * 5 + 40
    assert daemon.metric("otlpd_dropped_items", reason="other") > 50


def test_no_client_can_fill_the_log(everything, chance):
    for _ in range(4):
        storm(everything, chance)
    lines = everything.log.splitlines()
    # Twelve hundred requests that are refused for one reason or another.
    assert len([line for line in lines if "level=info" not in line]) < 40, everything.log
    assert len(lines) < 80
    assert sum(len(line) for line in lines) < 40_000


def test_no_stranger_at_a_wrong_door_can_fill_the_log(otlpd, authority, tmp_path):
    certificate, key = authority.issue("server", "localhost", "127.0.0.1")
    document = config({"nop": None}, journal={"durability": "memory"}, grpc={})
    secure = {"endpoint": "127.0.0.1:0", "tls": {"cert_file": str(certificate), "key_file": str(key)}}
    document["receivers"]["otlp/secure"] = {"protocols": {"http": secure}}
    for pipeline in document["service"]["pipelines"].values():
        pipeline["receivers"].append("otlp/secure")
    daemon = otlpd(document)
    hello = bytes.fromhex("160301020001000100") + b"\x1b[2J" * 50
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100
    for name in ("otlp", "otlp/secure", "otlp/grpc"):
        host, port = daemon.addresses[name].rsplit(":", 1)
        for data in (hello, preface, request(body=b"x"), b"\x1b[2J\r\n\r\n"):
            for _ in range(30):
                with Connection((host, int(port))) as connection, contextlib.suppress(OSError):
                    connection.send(data).socket.shutdown(socket.SHUT_WR)
                    while connection.socket.recv(65536):
                        pass
    complaints = [line for line in daemon.log.splitlines() if "level=info" not in line]
    # 360 connections; each kind of mistake is told once a minute.
    assert 3 <= len(complaints) < 12, daemon.log
    assert "\x1b" not in daemon.log
    assert daemon.metric("otlpd_misdirected_requests") + daemon.metric("otlpd_tls_handshake_failures") > 150


def test_the_counters_are_what_was_done(everything):
    use(everything)
    before = everything.metrics()
    for _ in range(5):
        everything.post("/v1/traces", otlp.traces(3).SerializeToString())
    for _ in range(4):
        everything.post("/v1/logs", b"{", content_type="application/json")
    for _ in range(2):
        everything.post("/v1/metrics", BODY["metrics"], content_type="text/plain")
    everything.post("/v1/v1/traces", BODY["traces"])
    with Client(everything.grpc) as client:
        for _ in range(6):
            client.export("metrics", otlp.metrics(2))
    for token in (None, "wrong", "wrong"):
        ask_guarded(everything, token)
    ask_guarded(everything, "t0ken")
    eventually(lambda: everything.metric("otlpd_exporter_pending_items") == 0)
    after = everything.metrics()

    def grown(name: str, /, **labels) -> float:
        return sum(
            value - before.get(series, 0)
            for series, value in after.items()
            if series.split("{")[0] == name and all(f'{key}="{value}"' in series for key, value in labels.items())
        )

    assert grown("otelcol_receiver_accepted_spans", receiver="otlp", transport="http") == 15
    assert grown("otelcol_receiver_accepted_spans", receiver="otlp/guarded", transport="http") == 1
    assert grown("otelcol_receiver_accepted_metric_points", receiver="otlp", transport="grpc") == 12
    assert grown("otelcol_receiver_accepted_log_records") == 0
    for items in ("spans", "metric_points", "log_records"):
        assert grown(f"otelcol_receiver_refused_{items}") == 0
    assert grown("otlpd_malformed_requests", receiver="otlp", transport="http", signal="logs") == 4
    assert grown("otlpd_malformed_requests") == 4
    assert grown("otlpd_http_requests", code="400") == 4
    assert grown("otlpd_http_requests", code="415") == 2
    assert grown("otlpd_http_requests", code="404") == 1
    assert grown("otlpd_http_requests", code="401") == 3
    assert grown("otlpd_misdirected_requests", kind="doubled_path") == 1
    assert grown("otlpd_grpc_calls", code="OK") == 6 == grown("otlpd_grpc_calls")
    assert grown("otlpd_unauthenticated_requests", reason="missing") == 1
    assert grown("otlpd_unauthenticated_requests", reason="wrong") == 2
    assert grown("otlpd_authenticated_requests", name="shop") == 1
    for sink in ("sqlite", "debug", "nop", "otlp_http"):
        assert grown("otlpd_exporter_accepted_items", exporter=sink, signal="traces") == 16
        assert grown("otelcol_exporter_sent_spans", exporter=sink) == 16
        assert grown("otelcol_exporter_sent_metric_points", exporter=sink) == 12
        assert grown("otelcol_exporter_sent_log_records", exporter=sink) == 0
        assert grown("otlpd_dropped_items", exporter=sink) == 0
    assert grown("otlpd_store_rows", signal="traces") + grown("otlpd_store_duplicate_spans") == 16


def test_the_process_is_measured(everything):
    first = everything.metrics()
    assert first["otelcol_process_memory_rss"] > 1e6
    assert 0 < first["otelcol_process_runtime_heap_alloc_bytes"] < first["otelcol_process_memory_rss"]
    assert first["otelcol_process_runtime_total_sys_memory_bytes"] > 0
    assert 3 < first["otlpd_process_threads"] < 64
    assert 8 < first["otlpd_process_open_files"] < 200 <= first["otlpd_process_open_files_limit"]
    with contextlib.ExitStack() as connections:
        for _ in range(20):
            connections.enter_context(Connection(everything.address))
        # Some that asked before may have been open still.
        eventually(lambda: everything.metric("otlpd_process_open_files") >= first["otlpd_process_open_files"] + 10)
    eventually(lambda: everything.metric("otelcol_process_uptime") > first["otelcol_process_uptime"])
    everything.post("/v1/traces", otlp.traces(5000).SerializeToString())
    assert everything.metric("otelcol_process_cpu_seconds") > first["otelcol_process_cpu_seconds"]


# `service: telemetry: metrics` and `resource`


def with_telemetry(**telemetry) -> dict:
    document = config({"nop": None}, journal={"durability": "memory"})
    document["service"]["telemetry"].update(telemetry)
    return document


def reader(port: int, **settings) -> dict:
    return {"pull": {"exporter": {"prometheus": {"host": "127.0.0.1", "port": port, **settings}}}}


def test_each_reader_has_its_address_and_its_spelling(otlpd):
    ports = [free_port(), free_port()]
    readers = [reader(ports[0]), reader(ports[1], without_type_suffix=False, without_units=False)]
    daemon = otlpd(with_telemetry(metrics={"readers": readers}))
    pages = []
    for port in ports:
        daemon.addresses["page"] = f"127.0.0.1:{port}"
        pages.append(set(daemon.metrics("page")))
    plain, suffixed = pages
    assert "otelcol_process_uptime" in plain and "otelcol_process_uptime_seconds_total" in suffixed
    assert any(name.startswith("otelcol_receiver_accepted_spans{") for name in plain)
    assert any(name.startswith("otelcol_receiver_accepted_spans_total{") for name in suffixed)
    assert "otelcol_process_memory_rss_bytes" in suffixed and "otlpd_connections" in suffixed
    assert len(plain) == len(suffixed)


def test_the_old_key_for_the_address_works(otlpd):
    port = free_port()
    daemon = otlpd(with_telemetry(metrics={"address": f"127.0.0.1:{port}"}))
    assert daemon.addresses["telemetry"] == f"127.0.0.1:{port}"
    assert "otelcol_process_uptime" in daemon.metrics("telemetry")


def test_readers_that_push_are_named_as_being_without_effect(otlpd):
    port = free_port()
    push = {"periodic": {"exporter": {"otlp": {"protocol": "grpc", "endpoint": "localhost:1"}}}}
    daemon = otlpd(with_telemetry(metrics={"readers": [push, reader(port)]}))
    assert daemon.addresses["telemetry"] == f"127.0.0.1:{port}"
    assert "service::telemetry::metrics::readers[0]::periodic" in daemon.log


def test_latencies_are_measured_where_the_level_is_detailed(everything, otlpd):
    use(everything)
    series = everything.metrics()
    assert series['otlpd_operation_seconds_count{operation="receiver/otlp http traces"}'] == 2
    assert series['otlpd_operation_seconds_count{operation="receiver/otlp grpc logs"}'] == 1
    assert series['otlpd_operation_seconds_bucket{operation="exporter/nop logs",le="+Inf"}'] >= 1
    assert 0 < series['otlpd_operation_seconds_sum{operation="exporter/sqlite traces"}'] < 60
    everything.close()
    plain = otlpd(with_telemetry(metrics={"level": "basic", "readers": [reader(0)]}))
    assert not any(name.startswith("otlpd_operation_seconds") for name in plain.metrics())


def test_the_resource_is_who_otlpd_says_it_is(otlpd):
    resource = {"service.name": "edge \"1\"", "service.instance.id": None, "deployment.environment.name": "test"}
    daemon = otlpd(with_telemetry(resource=resource))
    (target,) = [name for name in daemon.metrics() if name.startswith("target_info")]
    labels = dict(re.findall(r'([a-z_]+)="((?:\\.|[^"\\])*)"', target))
    assert labels.pop("service_version")
    assert labels == {"service_name": 'edge \\"1\\"', "deployment_environment_name": "test"}


# What the documents advise


def alert_rules() -> list[dict]:
    """The rules of docs/operations.md, as far as a line each goes."""
    text = (TOP / "docs/operations.md").read_text()
    (block,) = [block for block in re.findall(r"^```yaml\n(.*?)^```$", text, re.S | re.M) if "- alert:" in block]
    assert block.startswith("groups:\n")
    rules = []
    for line in block.splitlines():
        match = re.match(r"^\s+(?:- )?(alert|expr|for|summary): (.+)$", line)
        if match and match[1] == "alert":
            rules.append({})
        if match:
            rules[-1][match[1]] = match[2]
    return rules


def test_the_alerts_that_the_documents_advise_ask_for_metrics_that_exist():
    rules = alert_rules()
    assert len(rules) >= 5
    documented = documented_metrics()
    for rule in rules:
        assert set(rule) == {"alert", "expr", "for", "summary"}, rule
        assert re.fullmatch(r"[A-Z][A-Za-z]+", rule["alert"])
        assert re.fullmatch(r"\d+[smh]", rule["for"])
        names = re.findall(r"\b(?:otlpd|otelcol)_[a-z_]+\b", rule["expr"])
        assert names, rule
        for name in names:
            assert name in documented, f"{name} of {rule['alert']}"
        for labels in re.findall(r"\{(.*?)\}", rule["expr"]):
            assert label_names(labels) <= frozenset().union(*(documented[name].labels for name in names))
        for opened, closed in ("()", "[]", "{}"):
            assert rule["expr"].count(opened) == rule["expr"].count(closed)


def test_the_dashboards_of_the_collector_find_their_metrics(everything):
    """The names that the usual Grafana dashboards of the Collector ask for, as far as otlpd has something to say."""
    page = everything.get("/metrics")[1]
    items = ("spans", "metric_points", "log_records")
    names = [f"otelcol_receiver_{what}_{item}" for what in ("accepted", "refused") for item in items]
    names += [f"otelcol_exporter_{what}_{item}" for what in ("sent", "send_failed", "enqueue_failed") for item in items]
    names += ["otelcol_exporter_queue_size", "otelcol_exporter_queue_capacity", "otelcol_process_uptime"]
    names += ["otelcol_process_cpu_seconds", "otelcol_process_memory_rss", "otelcol_process_runtime_heap_alloc_bytes"]
    names += ["otelcol_process_runtime_total_sys_memory_bytes", "target_info"]
    for name in names:
        assert f"# TYPE {name} " in page, name
