"""The servers that are measured: started alone, asked until they answer, stopped."""

import json
import os
import re
import socket
import ssl
import subprocess
import sysconfig
import time
import urllib.error
import urllib.request
from pathlib import Path

from payload import request

HERE = Path(__file__).parent
PROBE = request(1).SerializeToString()
# Whoever answers, whatever certificate it shows.
ANYBODY = ssl._create_unverified_context()


def compiled(name: str, directory: Path, *libraries: str) -> Path:
    binary = directory / name
    subprocess.run(["cc", "-O2", "-o", binary, HERE / f"{name}.c", *libraries], check=True)
    return binary


def free_port() -> int:
    """A free port for HTTP whose successor, for gRPC, is free too."""
    while True:
        with socket.socket() as probe, socket.socket() as successor:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
            try:
                successor.bind(("127.0.0.1", port + 1))
                return port
            except (OSError, OverflowError):
                continue


class Server:
    """A running server and what /proc says of it."""

    def __init__(self, command: list, port: int, directory: Path, scheme: str = "http"):
        self.port = port
        self.scheme = scheme
        self.grpc_port = port + 1
        self._log = open(directory / "server.log", "wb")
        started = time.monotonic()
        self.process = subprocess.Popen(
            [str(word) for word in command], cwd=directory, stdin=subprocess.DEVNULL, stdout=self._log,
            stderr=subprocess.STDOUT, env={"PATH": os.environ["PATH"]},
        )  # fmt: skip
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() - started > 20:
                raise RuntimeError(f"{command[0]} does not answer:\n{(directory / 'server.log').read_text()[-2000:]}")
        self.start_seconds = time.monotonic() - started

    def _answers(self) -> bool:
        try:
            url = f"{self.scheme}://127.0.0.1:{self.port}/v1/traces"
            post = urllib.request.Request(url, data=PROBE, headers={"Content-Type": "application/x-protobuf"})
            with urllib.request.urlopen(post, timeout=5, context=ANYBODY) as answer:
                return answer.status == 200
        except urllib.error.HTTPError:
            return False
        except OSError:
            time.sleep(0.0005)
            return False

    def cpu_seconds(self) -> float:
        """Time on a processor, user and system, of all threads; the scheduler counts it in nanoseconds."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def memory_kib(self, field: str) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+)", status, re.MULTILINE)[1])

    def kill(self):
        self.process.kill()
        self.process.wait()
        self._log.close()

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()


# Room for a whole run: a store that lags is not to refuse what is measured.
IN_MEMORY = {"durability": "memory", "max_bytes": 1 << 30}


def otlpd(binary: Path, exporter: str, settings: dict | None = None, journal: dict = IN_MEMORY, http=None, grpc=None, limits=None):
    """otlpd with one sink, whose data stays in the directory from one start to the next.

    `http`, `grpc` and `limits` add to its configuration."""

    def start(port: int, directory: Path) -> Server:
        pipeline = {"receivers": ["otlp"], "exporters": [exporter]}
        document = {
            "extensions": {"journal": journal, "limits": limits},
            "receivers": {"otlp": {"protocols": {
                "http": {"endpoint": f"127.0.0.1:{port}", **(http or {})},
                "grpc": {"endpoint": f"127.0.0.1:{port + 1}", **(grpc or {})},
            }}},
            "exporters": {exporter: settings},
            "service": {
                "extensions": ["journal"],
                "telemetry": {"metrics": {"level": "none"}},
                "pipelines": {signal: pipeline for signal in ("traces", "metrics", "logs")},
            },
        }
        path = directory / "otlpd.yaml"
        path.write_text(json.dumps(document))
        scheme = "https" if http and "tls" in http else "http"
        return Server([binary, "--config", path, "--data-dir", directory / "data"], port, directory, scheme)

    return start


GRPC_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def send_grpc(server: Server, body: Path, count: int, connections: int, scheme: str = "http"):
    """Sends a call over and over, one in flight on each connection."""
    command = ["h2load", "-n", count, "-c", connections, "-m", 1, "-d", body]
    for field in ("content-type: application/grpc", "te: trailers"):
        command += ["-H", field]
    url = f"{scheme}://127.0.0.1:{server.grpc_port}{GRPC_METHOD}"
    result = subprocess.run([str(word) for word in [*command, url]], capture_output=True, text=True, timeout=300)
    taken = re.search(r"(\d+) succeeded", result.stdout)
    if taken is None or int(taken[1]) < count:
        raise RuntimeError(f"{body.name}: {result.stdout}{result.stderr}")


ROTEL = Path(sysconfig.get_paths()["purelib"]) / "rotel" / "rotel-agent"


def rotel(port: int, directory: Path) -> Server:
    """rotel with the exporter that throws everything away."""
    options = ["--otlp-http-endpoint", f"127.0.0.1:{port}", "--otlp-grpc-endpoint", f"127.0.0.1:{port + 1}"]
    return Server([ROTEL, "start", *options, "--exporter", "blackhole", "--pid-file", directory / "pid"], port, directory)


def rotel_forwarding(url: str):
    """rotel that sends on to a server by OTLP/HTTP, packed with gzip as always."""
    options = ["--exporter", "otlp", "--otlp-exporter-protocol", "http", "--otlp-exporter-endpoint", url]

    def start(port: int, directory: Path) -> Server:
        listeners = ["--otlp-http-endpoint", f"127.0.0.1:{port}", "--otlp-grpc-endpoint", f"127.0.0.1:{port + 1}"]
        return Server([ROTEL, "start", *listeners, *options, "--pid-file", directory / "pid"], port, directory)

    return start


def discard(binary: Path):
    return lambda port, directory: Server([binary, port], port, directory)
