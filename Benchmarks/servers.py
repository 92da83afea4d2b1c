"""The servers that are measured: started alone, asked until they answer, stopped."""

import json
import os
import re
import subprocess
import sysconfig
import time
import urllib.error
import urllib.request
from pathlib import Path

from payload import request

PROBE = request(1).SerializeToString()


class Server:
    """A running server and what /proc says of it."""

    def __init__(self, command: list, port: int, directory: Path):
        self.port = port
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
            url = f"http://127.0.0.1:{self.port}/v1/traces"
            post = urllib.request.Request(url, data=PROBE, headers={"Content-Type": "application/x-protobuf"})
            with urllib.request.urlopen(post, timeout=5) as answer:
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

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()


def otlpd(binary: Path, exporter: str):
    """otlpd with one sink, its journal in memory."""

    def start(port: int, directory: Path) -> Server:
        pipeline = {"receivers": ["otlp"], "exporters": [exporter]}
        document = {
            # Room for a whole run: a store that lags is not to refuse what is measured.
            "extensions": {"journal": {"durability": "memory", "max_bytes": 1 << 30}},
            "receivers": {"otlp": {"protocols": {
                "http": {"endpoint": f"127.0.0.1:{port}"}, "grpc": {"endpoint": f"127.0.0.1:{port + 1}"},
            }}},
            "exporters": {exporter: None},
            "service": {
                "extensions": ["journal"],
                "telemetry": {"metrics": {"level": "none"}},
                "pipelines": {signal: pipeline for signal in ("traces", "metrics", "logs")},
            },
        }
        path = directory / "otlpd.yaml"
        path.write_text(json.dumps(document))
        return Server([binary, "--config", path, "--data-dir", directory / "data"], port, directory)

    return start


ROTEL = Path(sysconfig.get_paths()["purelib"]) / "rotel" / "rotel-agent"


def rotel(port: int, directory: Path) -> Server:
    """rotel with the exporter that throws everything away."""
    options = ["--otlp-http-endpoint", f"127.0.0.1:{port}", "--otlp-grpc-endpoint", f"127.0.0.1:{port + 1}"]
    return Server([ROTEL, "start", *options, "--exporter", "blackhole", "--pid-file", directory / "pid"], port, directory)


def discard(binary: Path):
    return lambda port, directory: Server([binary, port], port, directory)
