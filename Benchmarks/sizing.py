"""What a machine needs for a rate of spans: the rows of the sizing table of docs/operations.md.

One client sends requests as SDKs make them, at the rate, to otlpd with the journal on the disk and the SQLite store.
"""

import http.client
import time
from pathlib import Path

import payload
import servers

SECONDS = 10
# Spans per second, and in each request: a batch of an SDK has 512 at most.
RATES = {100: 50, 1_000: 512, 10_000: 512, 30_000: 512}


class Sizing:
    def __init__(self, otlpd: Path, directory: Path):
        self.otlpd = otlpd
        self.directory = directory

    def rows(self) -> list[list[str]]:
        rows = [["spans/s", "sent/s", "% of a core", "RSS, MB", "anonymous, MB", "store, bytes/span", "store, GB/day"]]
        for rate, spans in RATES.items():
            rows.append(self.row(rate, payload.request(spans).SerializeToString(), spans))
        return rows

    def row(self, rate: int, body: bytes, spans: int) -> list[str]:
        directory = self.directory / f"sizing-{rate}"
        directory.mkdir()
        server = servers.otlpd(self.otlpd, "sqlite", journal={"durability": "disk"})(servers.free_port(), directory)
        try:
            # What a new file costs belongs to no span.
            sent = self.send(server, body, spans, rate, 2, first=0)
            time.sleep(1)
            before, bytes_before = server.cpu_seconds(), self.stored(directory)
            started = time.monotonic()
            first, sent = sent, self.send(server, body, spans, rate, SECONDS, first=sent)
            took = time.monotonic() - started
            time.sleep(1)
            core = (server.cpu_seconds() - before) / took
            memory = [server.memory_kib(field) / 1024 for field in ("VmRSS", "RssAnon")]
            count = (sent - first) * spans
            each = (self.stored(directory) - bytes_before) / count
        finally:
            server.close()
        return [str(rate), f"{count / took:.0f}", f"{core:.1%}", *[f"{value:.0f}" for value in memory], f"{each:.0f}",
                f"{each * rate * 86_400 / 1e9:.1f}"]  # fmt: skip

    @staticmethod
    def stored(directory: Path) -> int:
        return sum(path.stat().st_size for path in (directory / "data").glob("telemetry-*"))

    @staticmethod
    def send(server, body: bytes, spans: int, rate: int, seconds: float, first: int) -> int:
        """Sends at the rate, every request with trace ids of its own; returns the number that the next one has."""
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        started = time.monotonic()
        number = first
        while (due := started + (number - first) * spans / rate) < started + seconds:
            time.sleep(max(0, due - time.monotonic()))
            mark = number.to_bytes(len(payload.MARK), "big")
            client.request("POST", "/v1/traces", body.replace(payload.MARK, mark), {"Content-Type": "application/x-protobuf"})
            answer = client.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{answer.status} at {rate} spans/s")
            number += 1
        client.close()
        return number
