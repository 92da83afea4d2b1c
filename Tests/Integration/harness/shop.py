"""Two FastAPI services as their owners run them: under uvicorn, instrumented from the command line."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from harness.net import free_port
from harness.waiting import eventually

APPS = Path(__file__).resolve().parents[1] / "apps"
INSTRUMENT = Path(sys.executable).with_name("opentelemetry-instrument")


class Service:
    """One service of `apps`, exporting all signals to a collector by http/protobuf."""

    def __init__(self, app: str, name: str, endpoint: str, directory: Path, **environment):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = open(directory / f"{name}.log", "wb+")
        variables = {
            "PATH": os.environ["PATH"],
            "OTEL_SERVICE_NAME": name,
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_BLRP_SCHEDULE_DELAY": "100",
            "OTEL_METRIC_EXPORT_INTERVAL": "500",
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        command = [str(INSTRUMENT), sys.executable, "-m", "uvicorn", app, "--port", str(self.port)]
        self.process = subprocess.Popen(
            command, cwd=APPS, env=variables, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT
        )
        eventually(self._answers, seconds=40, every=0.1)

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"the service ended:\n{self.log}")
        try:
            return self.get("/health") == 200
        except OSError:
            return False

    @property
    def log(self) -> str:
        return Path(self._log.name).read_text(errors="replace")

    def get(self, path: str) -> int:
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        self._log.close()
