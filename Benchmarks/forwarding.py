"""What forwarding costs beside rotel, how much memory it takes while the other side is slow, and how a backlog drains."""

import os
import re
import statistics
import subprocess
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import servers

ROUNDS = 3
SPANS = 512
CONNECTIONS = 8
REQUESTS, WARM_UP_REQUESTS, SLOW_REQUESTS = 2_000, 100, 3_000
SLOW_SECONDS = 0.05
BACKLOG_SPANS = int(os.environ.get("OTLPD_BENCH_BACKLOG", "3600000"))
ARRIVING_PER_SECOND = 1_000
# What otlpd promises. rotel always packs with gzip.
PLAIN_RATIO, GZIP_RATIO, PEAK_MEGABYTES, DRAIN_PER_SECOND = 1 / 8, 1 / 4, 100, 10_000
QUICK_RETRY = {"initial_interval": "100ms", "max_interval": "200ms"}


class SlowServer:
    """Takes everything, and says so after a while."""

    def __init__(self):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                time.sleep(SLOW_SECONDS)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Forwarding:
    """Measures otlpd in front of servers that discard."""

    def __init__(self, otlpd: Path, bodies: dict, directory: Path):
        self.otlpd = otlpd
        self.body = bodies["protobuf", SPANS]
        self.directory = directory
        self.load = servers.compiled("load", directory)
        self.discard = servers.discard(servers.compiled("discard", directory))

    def tables(self):
        """Rows of tables, one after the other."""
        yield self.cost()
        yield self.slow_and_behind()

    def start(self, start):
        """A server in a directory of its own."""
        directory = self.directory / f"forwarding-{len(list(self.directory.glob('forwarding-*')))}"
        directory.mkdir()
        return start(servers.free_port(), directory)

    def forwarder(self, url: str, compression: str, journal: dict = servers.IN_MEMORY):
        exporter = {"endpoint": url, "compression": compression, "retry_on_failure": QUICK_RETRY}
        return servers.otlpd(self.otlpd, "otlp_http", exporter, journal)

    def send(self, server, requests: int):
        command = [self.load, server.port, "/v1/traces", "application/x-protobuf", self.body, requests, CONNECTIONS]
        result = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=600)
        if result.returncode != 0 or int(result.stdout.split()[0]) < requests:
            raise RuntimeError(f"{requests} requests: {result.stdout}{result.stderr}")

    # CPU

    def cost(self) -> list[list[str]]:
        starters = {
            "none": lambda url: self.forwarder(url, "none"),
            "gzip": lambda url: self.forwarder(url, "gzip"),
            "rotel": servers.rotel_forwarding,
        }
        seconds = {name: [] for name in starters}
        for _ in range(ROUNDS):
            for name, starter in starters.items():
                behind = self.start(self.discard)
                server = self.start(starter(f"http://127.0.0.1:{behind.port}"))
                try:
                    seconds[name].append(self.cpu_per_million(server))
                finally:
                    server.close()
                    behind.close()
        medians = {name: statistics.median(values) for name, values in seconds.items()}
        rows = [["forwarding, CPU s/million spans", "otlpd", "rotel, gzip", "otlpd / rotel", "promised"]]
        for name, promise in (("none", PLAIN_RATIO), ("gzip", GZIP_RATIO)):
            cells = [f"{medians[name]:.2f}", f"{medians['rotel']:.2f}", f"{medians[name] / medians['rotel']:.3f}"]
            rows.append([f"protobuf, {SPANS} spans, {name}", *cells, f"<= {promise:.3f}"])
        return rows

    def cpu_per_million(self, server) -> float:
        self.send(server, WARM_UP_REQUESTS)
        self.settle(server)
        before = server.cpu_seconds()
        self.send(server, REQUESTS)
        self.settle(server)
        return (server.cpu_seconds() - before) / (REQUESTS * SPANS) * 1e6

    @staticmethod
    def settle(server):
        """Waits until the server has finished what it took, the batch that waits for more included."""
        deadline, last = time.monotonic() + 60, -1.0
        while (now := server.cpu_seconds()) - last > 0.003:
            if time.monotonic() > deadline:
                raise RuntimeError("a server does not come to rest")
            last = now
            time.sleep(0.7)

    # Memory and backlog

    def slow_and_behind(self) -> list[list[str]]:
        rows = [["", "measured", "promised"]]
        for compression in ("gzip", "none"):
            label = f"peak RSS, MB, while the other side takes {SLOW_SECONDS * 1e3:.0f} ms, {compression}"
            rows.append([label, f"{self.peak_megabytes(compression):.1f}", f"< {PEAK_MEGABYTES}"])
        label = f"backlog of {BACKLOG_SPANS / 1e6:.1f} M spans, spans/s drained beside {ARRIVING_PER_SECOND} arriving"
        return [*rows, [label, f"{self.drained_per_second():.0f}", f">= {DRAIN_PER_SECOND}"]]

    def peak_megabytes(self, compression: str) -> float:
        behind = SlowServer()
        server = self.start(self.forwarder(behind.url, compression, {"durability": "disk", "max_bytes": "2GiB", "min_free_bytes": 0}))
        try:
            self.send(server, SLOW_REQUESTS)
            self.pending(server, at_most=0)
            return server.memory_kib("VmHWM") / 1024
        finally:
            server.close()
            behind.close()

    def drained_per_second(self) -> float:
        port = servers.free_port()
        journal = {"durability": "disk", "max_bytes": "4GiB", "min_free_bytes": 0}
        server = self.start(self.forwarder(f"http://127.0.0.1:{port}", "gzip", journal))
        stopped = threading.Event()
        try:
            self.send(server, BACKLOG_SPANS // SPANS)
            waiting = self.pending(server)
            behind = self.start(lambda _, directory: self.discard(port, directory))
            started = time.monotonic()
            arrivals = threading.Thread(target=self.arrive, args=(server, stopped), daemon=True)
            arrivals.start()
            # What arrives at the same time never quite goes away.
            self.pending(server, at_most=2 * SPANS)
            seconds = time.monotonic() - started
            stopped.set()
            arrivals.join()
            behind.close()
            return waiting / seconds
        finally:
            stopped.set()
            server.close()

    def arrive(self, server, stopped):
        while not stopped.wait(SPANS / ARRIVING_PER_SECOND):
            self.send(server, 1)

    @staticmethod
    def pending(server, at_most: int | None = None) -> int:
        """Items that wait for the exporter; with a number, once there are so few."""
        deadline = time.monotonic() + 600
        while True:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=30) as page:
                text = page.read().decode()
            items = sum(int(float(n)) for n in re.findall(r"^otlpd_exporter_pending_items\{.*\} (\S+)$", text, re.M))
            if at_most is None or items <= at_most:
                return items
            if time.monotonic() > deadline:
                raise RuntimeError(f"{items} items are still waiting")
            time.sleep(0.05)
