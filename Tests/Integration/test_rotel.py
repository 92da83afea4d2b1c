"""A real collector on the other side, in both directions."""

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

from harness import otlp, store
from harness.daemon import config
from harness.net import free_port
from harness.waiting import eventually

AGENT = Path(sysconfig.get_paths()["purelib"]) / "rotel" / "rotel-agent"


class Rotel:
    """A rotel process that receives OTLP and exports it by OTLP/HTTP."""

    def __init__(self, directory: Path, exporter_url: str):
        self.http, grpc = free_port(), free_port()
        self._log = open(directory / "rotel.log", "wb")
        arguments = {
            "--otlp-http-endpoint": f"127.0.0.1:{self.http}",
            "--otlp-grpc-endpoint": f"127.0.0.1:{grpc}",
            "--exporter": "otlp",
            "--otlp-exporter-protocol": "http",
            "--otlp-exporter-endpoint": exporter_url,
            "--otlp-exporter-retry-initial-backoff": "100ms",
            "--pid-file": str(directory / "rotel.pid"),
        }
        command = [str(AGENT), "start", *(word for pair in arguments.items() for word in pair)]
        self.process = subprocess.Popen(
            command, env={"PATH": os.environ["PATH"]}, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT
        )
        self.url = f"http://127.0.0.1:{self.http}"
        self.grpc = f"127.0.0.1:{grpc}"

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        self._log.close()


@pytest.fixture
def rotel(tmp_path):
    started = []

    def start(exporter_url: str) -> Rotel:
        started.append(Rotel(tmp_path, exporter_url))
        return started[-1]

    yield start
    for process in started:
        process.close()


def messages() -> dict:
    return {signal: [otlp.MAKERS[signal](4, service=f"s{index}") for index in range(5)] for signal in otlp.SIGNALS}


def sorted_items(sent) -> list[bytes]:
    return sorted(item for message in sent for item in otlp.items(message))


@pytest.mark.parametrize("sink", ["otlp_http", "otlp_grpc"])
def test_what_otlpd_forwards_to_rotel_comes_out_behind_it(otlpd, rotel, capture, sink):
    behind = capture()
    peer = rotel(behind.url)
    exporter = {"endpoint": peer.url, "retry_on_failure": {"initial_interval": "100ms", "max_interval": "500ms"}}
    if sink == "otlp_grpc":
        exporter |= {"endpoint": peer.grpc, "tls": {"insecure": True}}
    daemon = otlpd(config({sink: exporter}))
    sent = messages()
    for signal, requests in sent.items():
        for message in requests:
            assert daemon.post(otlp.PATHS[signal], message.SerializeToString())[0] == 200
    for signal, requests in sent.items():
        eventually(lambda: otlp.items(behind.merged(signal)) == sorted_items(requests), seconds=30)


def test_what_rotel_forwards_to_otlpd_is_stored(otlpd, rotel):
    daemon = otlpd()
    peer = rotel(daemon.url)
    import urllib.request

    def post(signal, body):
        request = urllib.request.Request(
            peer.url + otlp.PATHS[signal], data=body, headers={"Content-Type": otlp.PROTOBUF}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status

    def is_up():
        try:
            return post("traces", b"") == 200
        except OSError:
            return False

    eventually(is_up)
    for signal, requests in messages().items():
        for message in requests:
            assert post(signal, message.SerializeToString()) == 200
    for table in ("spans", "logs", "points"):
        eventually(lambda: store.count(daemon.data, table) == 20, seconds=30)
    services = {row[0] for row in store.rows(daemon.data, "SELECT DISTINCT service_name FROM spans")}
    assert services == {f"s{index}" for index in range(5)}
