"""A real FastAPI service whose mistakes otlpd finds, and whose latencies it tells as its clients saw them."""

import json
import math
import time
import urllib.parse

import pytest
from harness.daemon import Daemon, config
from harness.net import free_port
from harness.shop import Service
from harness.waiting import eventually

SLEEPS = [5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 150]


class Library:
    """Three calls of each endpoint of `apps/library.py`, and some of one whose time is known."""

    def __init__(self, directory):
        document = config({"sqlite": None}, extensions={"admin": {"endpoint": f"127.0.0.1:{free_port()}"}})
        document["service"]["extensions"] = ["admin"]
        self.daemon = Daemon(directory, document).start()
        self.service = None
        self.service = Service("library:app", "library", self.daemon.url, directory)
        for _ in range(3):
            assert self.service.get("/books") == self.service.get("/books-at-once") == 200
        self.times = []
        for sleep in SLEEPS:
            start = time.monotonic()
            assert self.service.get(f"/slow/{sleep}") == 200
            self.times.append((time.monotonic() - start) * 1000)
        self.service.close()  # Flushes what the service still holds.
        eventually(lambda: self.route("GET /slow/{milliseconds}").get("requests") == len(SLEEPS), seconds=30)

    def ask(self, path: str, **parameters):
        status, body, _ = self.daemon.get(f"{path}?{urllib.parse.urlencode(parameters)}", "admin")
        assert status == 200
        return json.loads(body)

    def route(self, name: str) -> dict:
        rows = self.ask("/api/v1/routes", since="1h", service="library", name=name)["routes"]
        return rows[0] if rows else {}

    def close(self):
        if self.service:
            self.service.close()
        self.daemon.close()


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    library = Library.__new__(Library)
    try:
        library.__init__(tmp_path_factory.mktemp("library"))
        yield library
    finally:
        library.close()


def test_an_endpoint_that_repeats_a_statement_is_found_and_the_mended_one_is_not(library):
    findings = library.ask("/api/v1/findings", since="1h")["findings"]
    (finding,) = [finding for finding in findings if finding["kind"] == "n_plus_one"]
    assert (finding["service"], finding["place"]) == ("library", "GET /books")
    assert finding["statement"] == "SELECT away(name) FROM authors WHERE id = ?"
    assert (finding["traces"], finding["executions"], finding["worst_executions"]) == (3, 24, 8)
    assert finding["worst_ms"] >= 8 * 12
    spans = library.ask(f"/api/v1/traces/{finding['worst_trace_id']}")["spans"]
    assert sum(span["parent_span_id"] == finding["worst_parent_span_id"] and "authors" in str(span) for span in spans) >= 8
    assert not [finding for finding in findings if finding["place"] == "GET /books-at-once"]
    assert library.route("GET /books-at-once")["requests"] == 3


def test_percentiles_lie_between_the_work_and_what_the_client_saw(library):
    route = library.route("GET /slow/{milliseconds}")
    for percent in (50, 75, 90, 95, 99):
        rank = max(0, math.ceil(percent / 100 * len(SLEEPS)) - 1)
        least, most = sorted(SLEEPS)[rank], sorted(library.times)[rank]
        assert least / 1.0109 <= route[f"p{percent}_ms"] <= most * 1.0109, percent
    assert max(SLEEPS) <= route["max_ms"] <= max(library.times)
