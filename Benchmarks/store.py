"""What the SQLite store costs: inserting into a full day file, its size, its questions, and spans from HTTP to committed."""

import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import payload
import servers

# Measured behind the spans that fill the file.
MEASURED = 262_144
FILLED, FILLED_LARGE = 1_000_000, 10_000_000
# What otlpd promises.
SPANS_PER_CPU_SECOND, BYTES_PER_SPAN, SPANS_PER_SECOND = 90_000, 600, 40_000
# By what StoreBench prints: milliseconds with a million spans; with ten, twice that.
QUESTIONS = {
    "routes of an hour": ("route table of the last hour, ms", 10),
    "routes of a day": ("route table of 24 hours, ms", 10),
    "a trace": ("trace by id, ms", 10),
    "slow of a route": ("search by route and duration, ms", 50),
    "none of a route": ("the same, and nothing is found, ms", 50),
    "errors of an hour": ("errors of the last hour, ms", 50),
}
# 16 connections with 512 spans a request, for about a quarter of a minute.
REQUESTS, SPANS, CONNECTIONS = 1_500, 512, 16
ON_DISK = {"durability": "disk"}


class Store:
    def __init__(self, otlpd: Path, directory: Path, is_large: bool = False):
        self.otlpd = otlpd
        self.directory = directory
        self.bench = otlpd.parent / "StoreBench"
        self.filled = FILLED_LARGE if is_large else FILLED
        self.patience = 2 if is_large else 1

    def tables(self) -> list[list[list[str]]]:
        return [self._file(), self._sustained()]

    def _file(self) -> list[list[str]]:
        found = self._run("store")
        bare = self._run("bare", "bare")
        # With ten million, the index of the ids no longer fits into the cache.
        rate = f">= {SPANS_PER_CPU_SECOND}" if self.patience == 1 else ""
        rows = [[f"a day file of {int(found['spans']) / 1e6:.1f} million spans", "measured", "promised"]]
        rows += [
            ["insert, spans per CPU-second, everything included", f"{found['insert']:.0f}", rate],
            ["the same from an empty file on", f"{found['filling']:.0f}", ""],
            ["without roll-ups, findings and their indexes", f"{bare['insert']:.0f}", ""],
            ["bytes per span", f"{found['bytes']:.0f}", f"<= {BYTES_PER_SPAN}"],
        ]
        for name, (label, promise) in QUESTIONS.items():
            rows.append([label, f"{found[name]:.2f}", f"< {promise * self.patience}"])
        return rows

    def _run(self, name: str, *options: str) -> dict[str, float]:
        with tempfile.TemporaryDirectory(dir=self.directory, prefix=name) as directory:
            command = [self.bench, directory, self.filled, MEASURED, *options]
            text = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout
        lines = (line.replace(":", "").rsplit(" ", 1) for line in text.splitlines())
        return {name: float(value) for name, value in lines}

    def _sustained(self) -> list[list[str]]:
        """The rate at which rows are committed while clients send as fast as they are answered."""
        load = servers.compiled("load", self.directory)
        body = self.directory / "store-body"
        body.write_bytes(payload.request(SPANS).SerializeToString())
        server = servers.otlpd(self.otlpd, "sqlite", journal=ON_DISK)(
            servers.free_port(), Path(tempfile.mkdtemp(dir=self.directory))
        )
        try:
            before, cpu, start = self._rows(server), server.cpu_seconds(), time.monotonic()
            command = [load, server.port, "/v1/traces", "application/x-protobuf", body, REQUESTS, CONNECTIONS]
            result = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=600)
            sent = int(result.stdout.split()[0])
            while self._rows(server) - before < sent * SPANS:
                if time.monotonic() - start > 300:
                    raise RuntimeError(f"{self._rows(server) - before} of {sent * SPANS} spans are stored")
                time.sleep(0.1)
            seconds, cpu = time.monotonic() - start, server.cpu_seconds() - cpu
        finally:
            server.close()
        rate = f"{sent * SPANS / seconds:.0f}"
        return [
            ["from HTTP to committed row, journal on disk", "measured", "promised"],
            ["spans per second", rate, f">= {SPANS_PER_SECOND}"],
            ["otlpd's CPU seconds per second", f"{cpu / seconds:.2f}", ""],
        ]

    @staticmethod
    def _rows(server) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=10) as page:
            lines = page.read().decode().splitlines()
        return sum(int(float(line.split()[-1])) for line in lines if line.startswith("otlpd_store_rows{"))
