"""otlpd in front of another otlpd with a store: over both protocols, with and without TLS and client certificates."""

import pytest

from harness import otlp, store
from harness.daemon import config
from harness.net import free_port
from harness.waiting import eventually

ROWS = {"traces": "spans", "metrics": "points", "logs": "logs"}


def listener(port: int, protocol: str, protection: str, authority) -> dict:
    settings = {"endpoint": f"127.0.0.1:{port}"}
    if protection != "plain":
        certificate, key = authority.issue("gateway", "127.0.0.1")
        settings["tls"] = {"cert_file": str(certificate), "key_file": str(key)}
    if protection == "mtls":
        settings["tls"]["client_ca_file"] = str(authority.path)
    return {"protocols": {protocol: settings}}


def exporter(port: int, protocol: str, protection: str, authority) -> dict:
    scheme = "http" if protection == "plain" else "https"
    settings = {
        "endpoint": f"{scheme}://127.0.0.1:{port}",
        "retry_on_failure": {"initial_interval": "50ms", "max_interval": "200ms"},
    }
    if protection != "plain":
        settings["tls"] = {"ca_file": str(authority.path)}
    if protection == "mtls":
        certificate, key = authority.issue("agent")
        settings["tls"] |= {"cert_file": str(certificate), "key_file": str(key)}
    return {f"otlp_{protocol}": settings}


@pytest.mark.parametrize("protection", ["plain", "tls", "mtls"])
@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_chain_ends_in_the_same_rows_although_its_end_was_away(otlpd, tmp_path, authority, protocol, protection):
    port = free_port()
    receivers = {
        "otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}},
        "otlp/chain": listener(port, protocol, protection, authority),
    }
    pipelines = {signal: {"receivers": ["otlp", "otlp/chain"], "exporters": ["sqlite"]} for signal in otlp.SIGNALS}
    last = config({"sqlite": None}, receivers=receivers, pipelines=pipelines)
    first = otlpd(config(exporter(port, protocol, protection, authority)), data=tmp_path / "first")

    def post(names):
        for name in names:
            for signal in otlp.SIGNALS:
                body = otlp.MAKERS[signal](5, service=name).SerializeToString()
                assert first.post(otlp.PATHS[signal], body)[0] == 200

    post(["early"])
    end = otlpd(last, data=tmp_path / "last")
    eventually(lambda: store.count(end.data, "spans") == 5)
    assert end.terminate() == 0
    post(["away-1", "away-2"])
    end = otlpd(last, data=tmp_path / "last")
    post(["late"])
    for table in ROWS.values():
        eventually(lambda: store.count(end.data, table) == 20)
    services = {row[0] for row in store.rows(end.data, "SELECT DISTINCT service_name FROM spans")}
    assert services == {"early", "away-1", "away-2", "late"}
    for signal in otlp.SIGNALS:
        assert first.metric("otlpd_exporter_pending_items", signal=signal) == 0
    assert first.metric("otlpd_dropped_items") == 0
    assert end.metric("otelcol_receiver_accepted_spans", receiver="otlp/chain", transport=protocol) > 0
