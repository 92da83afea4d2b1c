"""otlpd as a process: started on port 0 with a temporary configuration and data directory, always stopped."""

import json
import os
import re
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from pathlib import Path

from harness.waiting import eventually

TOP = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("OTLPD", TOP / ".build/release/otlpd")).resolve()
FIELD = re.compile(r"(\w+)=(\S+)")
# The sanitised environment of every otlpd: nothing of the developer's own shell changes a test.
ENVIRONMENT = {"PATH": os.environ["PATH"], "SWIFT_BACKTRACE": "enable=no", "LANG": "C.UTF-8"}


def config(exporters=None, journal=None, http=None, grpc=None, metrics_level="none", pipelines=None, **rest) -> dict:
    """A configuration that listens on a free port and sends every signal to every exporter; `grpc` adds a port for that."""
    exporters = {"sqlite": None} if exporters is None else exporters
    protocols = {"http": {"endpoint": "127.0.0.1:0", **(http or {})}}
    if grpc is not None:
        protocols["grpc"] = {"endpoint": "127.0.0.1:0", **grpc}
    document = {
        "receivers": {"otlp": {"protocols": protocols}},
        "exporters": exporters,
        "service": {
            "telemetry": {"metrics": {"level": metrics_level}},
            "pipelines": pipelines
            or {
                signal: {"receivers": ["otlp"], "exporters": list(exporters)}
                for signal in ("traces", "metrics", "logs")
            },
        },
    }
    if journal is not None:
        document["extensions"] = {"journal": journal}
        document["service"]["extensions"] = ["journal"]
    document.update(rest)
    return document


class Daemon:
    """One run of otlpd. Use it as a context manager, or through the `otlpd` fixture."""

    def __init__(
        self, directory: Path, document=None, arguments=(), environment=None, prefix=(), data=None, descriptors=()
    ):
        """`document`: the configuration, as a mapping (JSON is YAML) or as text; `prefix`: a command that runs it, and
        that inherits `descriptors`."""
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.data = directory / "data" if data is None else data
        self.config = directory / "otlpd.yaml"
        document = config() if document is None else document
        self.config.write_text(document if isinstance(document, str) else json.dumps(document, indent=2))
        self.command = [*prefix, str(BINARY), "--config", str(self.config), "--data-dir", str(self.data), *arguments]
        self.environment = {**ENVIRONMENT, **(environment or {})}
        self.descriptors = descriptors
        self.process = None
        self.addresses = {}
        self._log_lines = []
        self._readers = []
        self.output_path = directory / "stdout"

    # Starting

    def launch(self) -> "Daemon":
        """Starts the process without waiting for anything."""
        self._output = open(self.output_path, "wb")
        self.process = subprocess.Popen(
            self.command,
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.PIPE,
            pass_fds=self.descriptors,
        )
        reader = threading.Thread(target=self._read_log, args=(self.process.stderr,), daemon=True)
        reader.start()
        self._readers.append(reader)
        return self

    def start(self) -> "Daemon":
        """Starts the process and waits until it says that it is ready."""
        self.launch()

        def is_ready():
            if self.process.poll() is not None:
                self._readers[-1].join(5)
                raise RuntimeError(f"otlpd ended with {self.process.returncode}:\n{self.log}")
            return "otlp" in self.addresses and self.get("/readyz")[0] == 200

        eventually(is_ready, seconds=10)
        return self

    def _read_log(self, stream):
        for line in stream:
            text = line.decode(errors="replace").rstrip("\n")
            self._log_lines.append(text)
            fields = dict(FIELD.findall(text))
            if fields.get("msg") == "listening":
                is_grpc = fields.get("protocol") == "grpc"
                self.addresses.setdefault(fields["component"] + ("/grpc" if is_grpc else ""), fields["address"])

    # Looking

    @property
    def log(self) -> str:
        return "\n".join(self._log_lines)

    @property
    def output(self) -> str:
        return self.output_path.read_text(errors="replace")

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.addresses["otlp"].rsplit(":", 1)
        return host, int(port)

    @property
    def grpc(self) -> str:
        """Where OTLP/gRPC is taken, as `host:port`."""
        return self.addresses["otlp/grpc"]

    @property
    def url(self) -> str:
        return f"http://{self.addresses['otlp']}"

    def get(self, path: str, component: str = "otlp") -> tuple[int, str, str]:
        """Status, body and content type of a GET."""
        try:
            with urllib.request.urlopen(f"http://{self.addresses[component]}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode(), answer.headers.get("content-type", "")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace"), error.headers.get("content-type", "")

    def metrics(self, component: str = "otlp") -> dict[str, float]:
        """Every series of /metrics as `name{labels}`, labels as printed."""
        series = {}
        for line in self.get("/metrics", component)[1].splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                series[name] = float(value)
        return series

    def metric(self, name: str, **labels) -> float:
        """The sum of the series with this name and at least these labels."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(
            value
            for series, value in self.metrics().items()
            if series.split("{")[0] == name and all(pair in series for pair in wanted)
        )

    def post(self, path: str, body: bytes, content_type: str = "application/x-protobuf", headers=None, timeout=20):
        """Status, headers and body of a POST."""
        request = urllib.request.Request(
            self.url + path, data=body, method="POST", headers={"Content-Type": content_type, **(headers or {})}
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    # Stopping

    def terminate(self, timeout: float = 20, with_signal: int = signal.SIGTERM) -> int:
        """Asks the process to stop and returns its exit status."""
        self.process.send_signal(with_signal)
        return self.wait(timeout)

    def wait(self, timeout: float = 20) -> int:
        status = self.process.wait(timeout)
        self._readers[-1].join(5)
        self._output.close()
        return status

    def close(self):
        """Ends the process whatever state it is in."""
        if self.process is not None and self.process.poll() is None:
            try:
                self.terminate(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.wait(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
