"""The extensions with pages of their own: health_check for supervisors, zpages for people."""

import json
import re
import urllib.request

import pytest

from harness import otlp
from harness.capture import Answer
from harness.daemon import config
from harness.grpc_client import Client
from harness.net import free_port
from harness.waiting import eventually
from harness.wire import ask, request


def with_extensions(document: dict, extensions: dict, started=None) -> dict:
    document.setdefault("extensions", {}).update(extensions)
    document["service"]["extensions"] = list(extensions) if started is None else started
    return document


def quiet(exporters=None) -> dict:
    return config(exporters or {"nop": None}, journal={"durability": "memory"})


def test_health_check_says_what_the_collector_says(otlpd):
    daemon = otlpd(with_extensions(quiet(), {"health_check": {"endpoint": "127.0.0.1:0"}}))
    status, body, content_type = daemon.get("/", "health_check")
    assert status == 200 and content_type == "application/json"
    said = json.loads(body)
    assert set(said) == {"status", "upSince", "uptime"}
    assert said["status"] == "Server available"
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", said["upSince"])
    assert re.fullmatch(r"(\d+m)?\d+(\.\d+)?s", said["uptime"])
    assert daemon.get("/health/status", "health_check")[0] == 200
    assert daemon.terminate() == 0


def test_the_address_and_the_words_of_health_check_are_the_owners(otlpd):
    port = free_port()
    extension = {
        "endpoint": f"127.0.0.1:{port}",
        "path": "/live",
        "response_body": {"healthy": "<fine>", "unhealthy": "ill"},
    }
    daemon = otlpd(with_extensions(quiet(), {"health_check/k8s": extension}))
    assert daemon.addresses["health_check/k8s"] == f"127.0.0.1:{port}"
    status, body, content_type = daemon.get("/live", "health_check/k8s")
    assert (status, body) == (200, "<fine>") and content_type.startswith("text/plain")
    assert daemon.get("/", "health_check/k8s")[0] == 404


def test_supervisors_ask_by_any_name(otlpd):
    daemon = otlpd(with_extensions(quiet(), {"health_check": {"endpoint": "127.0.0.1:0"}}))
    host, port = daemon.addresses["health_check"].rsplit(":", 1)
    answer = ask((host, int(port)), request("/", method="GET", content_type=None, length=False, host="pod.example"))
    assert answer.status == 200


def test_the_second_version_of_health_check_is_understood(otlpd):
    extension = {"use_v2": True, "http": {"endpoint": "127.0.0.1:0", "status": {"path": "/health/status"}}}
    daemon = otlpd(with_extensions(quiet(), {"healthcheckv2": extension}))
    assert daemon.get("/health/status", "health_check")[0] == 200


def test_only_what_the_service_lists_is_started(otlpd):
    document = with_extensions(quiet(), {"health_check": None, "zpages": {"endpoint": "127.0.0.1:0"}}, ["zpages"])
    daemon = otlpd(document)
    assert "zpages" in daemon.addresses and "health_check" not in daemon.addresses
    assert any("extensions::health_check" in line and "not started" in line for line in daemon.log.splitlines())


def test_a_port_that_is_taken_is_named(otlpd):
    first = otlpd(quiet())
    taken = first.addresses["otlp"]
    daemon = otlpd.make(with_extensions(quiet(), {"health_check": {"endpoint": taken}})).launch()
    assert daemon.wait() == 71
    assert taken in daemon.log and "in use" in daemon.log


@pytest.mark.parametrize("key", ["tls", "auth"])
def test_pages_that_could_not_be_protected_as_asked_are_refused(otlpd, key):
    document = with_extensions(quiet(), {"zpages": {"endpoint": "127.0.0.1:0", key: {"x": "y"}}})
    daemon = otlpd.make(document).launch()
    assert daemon.wait() == 78
    assert f"extensions::zpages::{key}" in daemon.log


@pytest.fixture
def busy(otlpd, capture):
    """A daemon that has taken, refused, delivered and failed to deliver."""
    away = capture([Answer(503, body=b"<b>closed</b>")], otherwise=Answer(200))
    exporters = {
        "sqlite": None,
        "otlp_http/away": {
            "endpoint": f"http://127.0.0.1:{away.port}",
            "compression": "none",
            "retry_on_failure": {"initial_interval": "10ms", "max_interval": "10ms"},
        },
    }
    document = with_extensions(config(exporters, grpc={}), {"zpages": {"endpoint": "127.0.0.1:0"}})
    daemon = otlpd(document)
    assert daemon.post("/v1/traces", otlp.traces(3).SerializeToString())[0] == 200
    assert daemon.post("/v1/traces", b"\xff")[0] == 400
    with Client(daemon.grpc) as client:
        client.export("logs", otlp.logs(2))
    eventually(lambda: daemon.metric("otelcol_exporter_sent_spans", exporter="otlp_http/away") == 3)
    eventually(lambda: daemon.metric("otelcol_exporter_sent_log_records", exporter="sqlite") == 2)
    return daemon


def row(page: str, first: str) -> list[str]:
    """The cells of the first row of a page's tables that begins so."""
    for cells in (re.findall(r"<td>(.*?)</td>", line) for line in re.findall(r"<tr>(.*?)</tr>", page)):
        if cells and cells[0] == first:
            return cells[1:]
    raise AssertionError(f"no row {first!r} in {page}")


def test_zpages_show_what_is_configured_what_flows_and_what_failed(busy):
    service = busy.get("/debug/servicez", "zpages")[1]
    assert row(service, "State")[0].startswith("ready")
    assert row(service, "Data directory") == [str(busy.data)]
    assert int(row(service, "Process")[0]) == busy.process.pid

    pipelines = busy.get("/debug/pipelinez", "zpages")[1]
    assert row(pipelines, "traces") == ["otlp", "", "sqlite, otlp_http/away"]
    assert "<tr><td>otlp</td><td>http</td><td>spans</td><td>3</td><td>0</td></tr>" in pipelines
    assert "<tr><td>otlp</td><td>grpc</td><td>log_records</td><td>2</td><td>0</td></tr>" in pipelines
    assert row(pipelines, "otlp_http/away")[:3] == ["traces", "3", "0"]

    assert row(busy.get("/debug/extensionz", "zpages")[1], "zpages") == []

    # What came in, by its latency, and what went out, with the errors.
    operations = busy.get("/debug/tracez", "zpages")[1]
    running, *buckets, errors = map(int, row(operations, "receiver/otlp http traces"))
    assert (running, sum(buckets), errors) == (0, 2, 1)
    assert len(buckets) == 9
    assert sum(map(int, row(operations, "receiver/otlp grpc logs")[1:-1])) == 1
    running, *buckets, errors = map(int, row(operations, "exporter/otlp_http/away traces"))
    assert (running, sum(buckets), errors) == (0, 2, 1)
    assert "503" in operations and "<b>closed" not in operations
    assert "Last errors of exporter/otlp_http/away traces" in operations
    assert "Last errors of receiver/otlp http traces" in operations


def test_no_web_page_reads_the_zpages_under_a_name_of_its_own(busy):
    host, port = busy.addresses["zpages"].rsplit(":", 1)

    def status(name):
        asked = request("/debug/tracez", method="GET", content_type=None, length=False, host=name)
        return ask((host, int(port)), asked).status

    assert status("evil.example") == 421
    assert status("localhost") == 200 and status(f"127.0.0.1:{port}") == 200


def test_zpages_are_whole_in_themselves(busy):
    for page in ("", "/debug/servicez", "/debug/pipelinez", "/debug/extensionz", "/debug/tracez"):
        with urllib.request.urlopen(f"http://{busy.addresses['zpages']}{page}", timeout=10) as answer:
            body = answer.read().decode()
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert body.startswith("<!DOCTYPE html>")
        assert not re.search(r"<script|<link|<img|<iframe|@import|url\(|src=|href=\"(?!/debug/)", body)
    assert busy.get("/debug/nothing", "zpages")[0] == 404


def test_without_zpages_nothing_is_measured_and_no_port_is_open(otlpd):
    daemon = otlpd(quiet())
    assert set(daemon.addresses) == {"otlp"}
