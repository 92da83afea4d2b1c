"""What a machine needs for a rate of spans: the rows of the sizing table of docs/operations.md.

One client sends requests as SDKs make them, at the rate, to otlpd with the journal on the disk and the SQLite store.
"""

import http.client
import time
from pathlib import Path

import payload
import servers

WARM_UP_SECONDS, SECONDS = 2, 10
# Spans per second, and in each request: a batch of an SDK has 512 at most.
RATES = {100: 50, 1_000: 512, 10_000: 512, 30_000: 512}


class Sizing:
    def __init__(self, otlpd: Path, directory: Path):
        self.otlpd = otlpd
        self.directory = directory

    def rows(self) -> list[list[str]]:
        measured = {rate: self.measure(rate, payload.request(spans).SerializeToString(), spans) for rate, spans in RATES.items()}
        # Of the largest file, where what every file has weighs least.
        each = measured[max(RATES)][-1]
        rows = [["spans/s", "sent/s", "% of a core", "RSS, MB", "anonymous, MB", f"store, GB/day ({each:.0f} bytes/span)"]]
        for rate, (sent, core, resident, anonymous, _) in measured.items():
            store = each * rate * 86_400 / 1e9
            rows.append([f"{rate}", f"{sent:.0f}", f"{core:.1%}", f"{resident:.0f}", f"{anonymous:.0f}", f"{store:.1f}"])
        return rows

    def measure(self, rate: int, body: bytes, spans: int) -> tuple[float, ...]:
        """Spans sent per second, part of a core, resident and anonymous MB, and the store's bytes for each span."""
        directory = self.directory / f"sizing-{rate}"
        directory.mkdir()
        server = servers.otlpd(self.otlpd, "sqlite", journal={"durability": "disk"})(servers.free_port(), directory)
        try:
            # What a new file costs belongs to no span.
            first = self.send(server, body, spans, rate, WARM_UP_SECONDS, first=0)
            time.sleep(1)
            before, started = server.cpu_seconds(), time.monotonic()
            last = self.send(server, body, spans, rate, SECONDS, first)
            took = time.monotonic() - started
            time.sleep(1)
            core = (server.cpu_seconds() - before) / took
            resident, anonymous = (server.memory_kib(field) / 1024 for field in ("VmRSS", "RssAnon"))
        finally:
            server.close()
        # Closed, the file has everything.
        stored = sum(path.stat().st_size for path in (directory / "data").glob("telemetry-*.db"))
        return (last - first) * spans / took, core, resident, anonymous, stored / (last * spans)

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
