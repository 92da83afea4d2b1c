"""What the journal on disk costs beside the bare disk: acknowledgements, the scan of a start, and starting."""

import statistics
import subprocess
from pathlib import Path

import payload
import servers

ROUNDS = 3
MB = 1e6
BACKLOG_BYTES = 1 << 30
CLIENTS = 16
# By body: how many requests a run has.
ONE_CLIENT, MANY_CLIENTS = 2_000, 4_000
# What otlpd promises.
ONE_CLIENT_MS, MANY_CLIENTS_MS, MANY_CLIENTS_MB = 1, 5, 300
SCAN_RATIO, BACKLOG_SECONDS, EMPTY_SECONDS = 0.8, 3, 0.2
# Nobody listens there, so that everything stays in the journal.
NOWHERE = {"endpoint": "http://127.0.0.1:9", "when_full": "refuse", "retry_on_failure": {"initial_interval": "30s"}}
ON_DISK = {"durability": "disk", "max_bytes": 8 << 30, "min_free_bytes": 0}


class Journal:
    def __init__(self, otlpd: Path, directory: Path):
        self.directory = directory
        self.load = servers.compiled("load", directory)
        self.disk = servers.compiled("disk", directory, "-lz")
        self.start = servers.otlpd(otlpd, "otlp_http", NOWHERE, ON_DISK)
        self.bodies = {}
        per_span = len(payload.request(512).SerializeToString()) / 512
        for name, spans in (("1 span", 1), ("100 KB", int(100_000 / per_span))):
            self.bodies[name] = directory / f"journal-{spans}"
            self.bodies[name].write_bytes(payload.request(spans).SerializeToString())

    def tables(self) -> list[list[list[str]]]:
        return [self._acknowledgements(), self._starts()]

    # Acknowledgements

    def _acknowledgements(self) -> list[list[str]]:
        rows = [["acknowledged from disk", "ms, median", "MB/s", "bare ms", "bare MB/s", "time ratio", "goal"]]
        goals = {
            ("1 span", 1): f"< {ONE_CLIENT_MS} ms",
            ("100 KB", 1): f"< {ONE_CLIENT_MS} ms",
            ("100 KB", CLIENTS): f"< {MANY_CLIENTS_MS} ms, >= {MANY_CLIENTS_MB} MB/s",
        }
        for (body, clients), goal in goals.items():
            size = self.bodies[body].stat().st_size
            count = ONE_CLIENT if clients == 1 else MANY_CLIENTS
            runs = []
            for _ in range(ROUNDS):
                # One after the other, so that both see the same disk. The bare write is that of all clients at once.
                bare = self._append(size * clients, count // clients)
                runs.append((*self._post(body, clients, count), *bare))
            ms, rate, bare_ms, bare_rate = (statistics.median(column) for column in zip(*runs))
            label = f"{clients} client{'s' * (clients > 1)}, {body}"
            figures = [f"{ms:.2f}", f"{rate:.0f}", f"{bare_ms:.2f}", f"{bare_rate:.0f}", f"{ms / bare_ms:.1f}"]
            rows.append([label, *figures, goal])
        return rows

    def _append(self, size: int, count: int) -> tuple[float, float]:
        """Milliseconds and MB/s of bare writes, each synced."""
        path = self.directory / "bare"
        us, rate = self._run([self.disk, "append", path, size, count])
        path.unlink()
        return us / 1e3, rate

    def _post(self, body: str, clients: int, count: int) -> tuple[float, float]:
        server = self.start(servers.free_port(), self._fresh())
        try:
            return self._send(server, body, clients, count)
        finally:
            server.kill()

    def _send(self, server, body: str, clients: int, count: int) -> tuple[float, float]:
        """Milliseconds to an answer and MB/s of requests."""
        path = self.bodies[body]
        command = [self.load, server.port, "/v1/traces", "application/x-protobuf", path, count, clients]
        taken, us, seconds = self._run(command)
        if taken < count:
            raise RuntimeError(f"{clients} clients, {body}: {taken:.0f} of {count} taken")
        return us / 1e3, path.stat().st_size * count / seconds / MB

    # Starts

    def _starts(self) -> list[list[str]]:
        directory = self._fresh()
        server = self.start(servers.free_port(), directory)
        server.kill()
        empty = statistics.median(self._restart(directory) for _ in range(ROUNDS))
        server = self.start(servers.free_port(), directory)
        self._send(server, "100 KB", CLIENTS, BACKLOG_BYTES // self.bodies["100 KB"].stat().st_size)
        server.kill()
        files = sorted((directory / "data/journal").glob("*.segment"))
        runs = []
        for _ in range(ROUNDS):
            # Both read from the page cache.
            megabytes, bare = self._run([self.disk, "scan", *files])
            runs.append((megabytes, bare, self._restart(directory)))
        megabytes, bare, full = (statistics.median(column) for column in zip(*runs))
        scan = full - empty
        return [
            ["started after a kill", "measured", "goal"],
            ["empty journal, to the first 200, ms", f"{empty * 1e3:.0f}", f"< {EMPTY_SECONDS * 1e3:.0f}"],
            [f"{megabytes:.0f} MB of backlog, to the first 200, s", f"{full:.2f}", f"< {BACKLOG_SECONDS}"],
            ["the scan of it, MB/s", f"{megabytes / scan:.0f}", ""],
            ["bare read and checksum of the same files, MB/s", f"{megabytes / bare:.0f}", ""],
            ["ratio of the two", f"{bare / scan:.2f}", f">= {SCAN_RATIO}"],
        ]

    def _restart(self, directory: Path) -> float:
        server = self.start(servers.free_port(), directory)
        server.kill()
        return server.start_seconds

    # Helpers

    def _fresh(self) -> Path:
        """A directory without a past."""
        number = len(list(self.directory.glob("journal-run-*")))
        directory = self.directory / f"journal-run-{number}"
        directory.mkdir()
        return directory

    @staticmethod
    def _run(command: list) -> list[float]:
        """The numbers that a program prints."""
        result = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)
        if result.returncode != 0:
            raise RuntimeError(f"{command[0]} failed: {result.stderr}")
        return [float(word) for word in result.stdout.split()]
