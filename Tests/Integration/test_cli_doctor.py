"""`otlpd doctor` against real daemons: one golden report for each reason why no telemetry arrives."""

import json
import re
import shutil
import socket
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from harness import cli, otlp
from harness.capture import Answer
from harness.daemon import config
from harness.net import free_port
from harness.waiting import eventually
from harness.wire import Connection, request


class Patient:
    """A configuration on fixed ports, the daemon that runs it, and what the doctor says of it."""

    def __init__(self, otlpd, directory, exporters=None, **settings):
        self.otlpd = otlpd
        self.ports = {"HTTP": free_port(), "GRPC": free_port(), "TELEMETRY": free_port()}
        settings.setdefault("journal", {"durability": "memory"})
        http = {"endpoint": f"127.0.0.1:{self.ports['HTTP']}", **settings.pop("http", {})}
        grpc = {"endpoint": f"127.0.0.1:{self.ports['GRPC']}", **settings.pop("grpc", {})}
        self.document = config(exporters or {"nop": None}, http=http, grpc=grpc, **settings)
        reader = {"pull": {"exporter": {"prometheus": {"host": "127.0.0.1", "port": self.ports["TELEMETRY"]}}}}
        self.document["service"]["telemetry"]["metrics"] = {"readers": [reader]}
        self.directory = directory
        self.data = directory / "data"
        self.config = directory / "doctor.yaml"
        self.daemon = None

    def start(self):
        self.daemon = self.otlpd(self.document, data=self.data)
        return self

    def send(self, body=None, **settings) -> int:
        body = otlp.traces(1).SerializeToString() if body is None else body
        return self.daemon.post("/v1/traces", body, **settings)[0]

    def report(self) -> tuple[int, str]:
        """The status, and the report without what differs from machine to machine."""
        self.config.write_text(json.dumps(self.document, indent=2))
        result = cli.run("doctor", "--config", self.config, "--data-dir", self.data)
        assert result.stderr == ""
        text = result.stdout
        for name, port in self.ports.items():
            text = text.replace(str(port), name)
        text = text.replace(str(self.directory), "DIR")
        text = re.sub(r"\(pid \d+\)", "(pid N)", text)
        text = re.sub(r"\d+(\.\d+)? [KMGT]iB", "SIZE", text)
        text = re.sub(r"since the start [0-9.]+ \w+ ago", "since the start TIME ago", text)
        lines = text.splitlines(keepends=True)
        # The machine's clock, disk and systemd are what they are.
        own = [line for line in lines if not re.match(r"(ok|note|warning) +(clock|disk|systemd): ", line)]
        assert sum(" clock: " in line for line in lines) == 1
        return result.returncode, "".join(own)


@pytest.fixture
def patient(otlpd, tmp_path):
    return lambda exporters=None, **settings: Patient(otlpd, tmp_path, exporters, **settings)


def check(patient, name: str, status: int = 1):
    found, text = patient.report()
    cli.expect(f"doctor-{name}", text)
    assert found == status


def test_all_is_well(patient):
    patient = patient({"sqlite": None})
    patient.ports["HEALTH"] = free_port()
    patient.document["extensions"]["health_check"] = {"endpoint": f"127.0.0.1:{patient.ports['HEALTH']}"}
    patient.document["service"]["extensions"].append("health_check")
    patient.start()
    assert patient.send() == 200
    check(patient, "well", 0)


def test_nothing_ever_connected(patient):
    check(patient({"sqlite": None}).start(), "silence")


def test_nobody_listens(patient):
    check(patient(), "stopped")


def test_somebody_else_has_the_port(patient):
    patient = patient()

    class Other(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(404)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", patient.ports["HTTP"]), Other)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    # This one takes connections and says nothing.
    with socket.create_server(("127.0.0.1", patient.ports["GRPC"])):
        status, text = patient.report()
    server.shutdown()
    server.server_close()
    assert status == 1
    http, grpc = [line for line in text.splitlines() if re.match(r"problem +port (HTTP|GRPC): ", line)]
    assert "python" in http and "does not answer as otlp (OTLP/HTTP): HTTP 404 to /readyz" in http
    assert "does not answer as otlp (OTLP/gRPC)" in grpc and "stop that program" in grpc


def test_bodies_are_not_otlp(patient):
    patient = patient().start()
    assert patient.send(b"\xff\xff\xff") == 400
    check(patient, "malformed")


def test_clients_are_at_the_wrong_door(patient):
    patient = patient().start()
    with Connection(patient.daemon.address) as connection:
        connection.send(request("/v1/trace", otlp.traces(1).SerializeToString())).answer()
    with socket.create_connection(patient.daemon.address) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        connection.settimeout(10)
        while connection.recv(4096):
            pass
    eventually(lambda: patient.daemon.metric("otlpd_misdirected_requests") == 2)
    check(patient, "misdirected")


def test_clients_have_no_credentials(patient):
    auth = {"auth": {"authenticator": "bearertokenauth"}}
    patient = patient(http=auth, grpc=auth)
    patient.document["extensions"]["bearertokenauth"] = {"token": "s3cret"}
    patient.document["service"]["extensions"].append("bearertokenauth")
    patient.start()
    assert patient.send() == 401
    assert patient.send(headers={"Authorization": "Bearer wrong"}) == 401
    check(patient, "unauthenticated")


def test_a_sink_is_paused(patient, capture):
    server = capture(otherwise=Answer(404, body=b"gone\x1b[2J"))
    patient = patient({"otlp_http": {"endpoint": server.url}})
    patient.ports["SINK"] = server.port
    patient.start()
    assert patient.send() == 200
    eventually(lambda: "paused" in patient.daemon.get("/readyz")[1])
    check(patient, "paused")


def test_the_journal_is_full(patient, capture):
    server = capture(otherwise=Answer(503))
    patient = patient(
        {"otlp_http": {"endpoint": server.url, "retry_on_failure": {"max_elapsed_time": "0s"}}},
        journal={"durability": "memory", "max_bytes": 1 << 20},
    )
    patient.ports["SINK"] = server.port
    patient.start()
    body = otlp.traces(1, size=200_000).SerializeToString()
    statuses = [patient.send(body) for _ in range(8)]
    assert statuses[0] == 200 and statuses[-1] == 503
    eventually(lambda: "failing" in patient.daemon.get("/readyz")[1])
    status, text = patient.report()
    assert status == 1
    assert re.search(r"warning  telemetry: \d requests? refused by the journal: it is full, since a sink", text)
    assert re.search(r"warning  readiness: .*otlp_http traces: failing: .* answered 503", text)


def test_an_unusable_configuration_is_named(patient):
    patient = patient()
    patient.config.write_text("receivers: {otlp: {protocols: {htp: }}}")
    result = cli.run("doctor", "--config", patient.config)
    assert result.returncode == 1 and "cannot be used" in result.stdout and "htp" in result.stderr


def test_a_data_directory_of_somebody_else_is_named(patient):
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed here")
    # Not below pytest's own directory, which nobody else may enter.
    with tempfile.TemporaryDirectory() as directory:
        closed = Path(directory) / "closed"
        closed.mkdir(mode=0o700)
        document = Path(directory) / "otlpd.yaml"
        document.write_text(json.dumps(patient().document))
        Path(directory).chmod(0o755)
        result = cli.as_nobody("doctor", "--config", document, "--data-dir", closed)
    assert result.returncode == 1, result.stderr
    assert re.search("warning  data directory: .* cannot be written by this user. Next: ", result.stdout)
