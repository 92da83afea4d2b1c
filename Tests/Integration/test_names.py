"""Names of other servers: looked up for each connection, and nobody waits for a look-up longer than for an answer."""

import subprocess
from pathlib import Path

import pytest

from harness import otlp, store
from harness.daemon import config
from harness.waiting import eventually

SOURCE = Path(__file__).parent / "faults/names.c"
RETRY = {"initial_interval": "50ms", "max_interval": "200ms"}


class Names:
    """Who is `gateway.test`, for every otlpd started with `environment`."""

    def __init__(self, directory: Path):
        library, self._file = directory / "names.so", directory / "names"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
        self.environment = {"LD_PRELOAD": str(library), "NAMES": str(self._file)}

    def set(self, address: str, milliseconds: int = 0):
        new = self._file.with_suffix(".new")
        new.write_text(f"gateway.test {address} {milliseconds}\n")
        new.rename(self._file)


@pytest.fixture
def names(tmp_path) -> Names:
    return Names(tmp_path)


def forward(downstream, **settings) -> dict:
    exporter = {"endpoint": f"http://gateway.test:{downstream.port}", "retry_on_failure": RETRY, **settings}
    return config({"otlp_http": exporter, "sqlite": None}, journal={"durability": "memory"})


def post(daemon, count: int = 1):
    assert daemon.post("/v1/traces", otlp.traces(count).SerializeToString())[0] == 200


def test_a_new_connection_goes_where_the_name_leads_by_then(otlpd, capture, names):
    downstream = capture()
    names.set("127.0.0.9")
    daemon = otlpd(forward(downstream, disable_keep_alives=True), environment=names.environment)
    post(daemon)
    eventually(lambda: daemon.metric("otlpd_exporter_retries") > 1)
    names.set("127.0.0.1")
    eventually(lambda: len(downstream.received) == 1)
    names.set("127.0.0.9")
    retries = daemon.metric("otlpd_exporter_retries")
    post(daemon)
    eventually(lambda: daemon.metric("otlpd_exporter_retries") > retries)
    names.set("127.0.0.1")
    eventually(lambda: daemon.metric("otelcol_exporter_sent_spans", exporter="otlp_http") == 2)
    assert len(downstream.received) == 2


def test_a_look_up_that_hangs_holds_up_neither_the_timeout_nor_the_end(otlpd, capture, names):
    downstream = capture()
    names.set("127.0.0.1", milliseconds=60_000)
    daemon = otlpd(forward(downstream, timeout="300ms"), environment=names.environment)
    post(daemon, 3)
    eventually(lambda: daemon.metric("otlpd_exporter_retries") > 1)
    eventually(lambda: store.count(daemon.data, "spans") == 3)
    names.set("127.0.0.1")
    eventually(lambda: daemon.metric("otelcol_exporter_sent_spans", exporter="otlp_http") == 3)
    names.set("127.0.0.1", milliseconds=60_000)
    assert daemon.terminate(timeout=15) == 0
