"""What the fault tests share: producers that remember what was acknowledged, and the promise that is checked.

The promise: what was answered with 200 is delivered to every sink, or counted; nothing else comes out; the counters add
up; and after the fault a new request gets through.
"""

import http.client
import os
import signal as unix_signals
import threading
import time
from collections import Counter
from pathlib import Path

from harness import otlp
from harness.capture import Answer, Capture
from harness.daemon import Daemon, config
from harness.store import rows
from harness.waiting import eventually
from harness.wire import Connection, request

# 0: the quick profile of `make test`; else every row, with loops that are so many times as long.
FACTOR = int(os.environ.get("OTLPD_FAULTS", "0"))
SEED = int(os.environ.get("OTLPD_FAULTS_SEED", "1"))

DOWN = Answer(503)
DISK = {"durability": "disk"}
RETRY = {"retry_on_failure": {"initial_interval": "100ms", "max_interval": "200ms", "max_elapsed_time": "0s"}}


def rounds(quick: int, full: int) -> int:
    """How often a loop runs."""
    return full * FACTOR if FACTOR else quick


def forward(server) -> dict:
    return {"endpoint": server.url, "when_full": "refuse", **RETRY}


def segments(daemon):
    return sorted((daemon.data / "journal").glob("*.segment"))


def make(signal: str, name: str, size: int = 0) -> bytes:
    """A request with one item of this name, and about `size` bytes besides."""
    if signal == "logs":
        return otlp.logs(1, body=name + " ", size=size).SerializeToString()
    return otlp.MAKERS[signal](1, name=name, size=size).SerializeToString()


def names(message) -> list[str]:
    """The items' names in a message that `make` made, or that batching made of several."""
    found = []
    for group in getattr(message, "resource_logs", ()):
        found += [record.body.string_value.split()[0] for scope in group.scope_logs for record in scope.log_records]
    for group in getattr(message, "resource_spans", ()):
        found += [span.name for scope in group.scope_spans for span in scope.spans]
    for group in getattr(message, "resource_metrics", ()):
        found += [metric.name for scope in group.scope_metrics for metric in scope.metrics]
    return found


QUERIES = {
    "logs": "SELECT body FROM logs",
    "traces": "SELECT name FROM spans",
    "metrics": "SELECT name FROM metric_points",
}


class Producer(threading.Thread):
    """Posts one item after the other, each with a name of its own, and remembers which were answered with 200.

    What is refused with 503 it sends again, as clients do; it ends with the daemon.
    """

    def __init__(self, daemon: Daemon, prefix: str, signal: str = "logs", size=lambda: 0):
        super().__init__(daemon=True)
        self.target, self.prefix, self.signal, self.size = daemon, prefix, signal, size
        self.sent, self.acknowledged = [], []
        self.statuses = Counter()
        self._is_stopped = threading.Event()

    def run(self):
        while not self._is_stopped.is_set() and self.target.process.poll() is None:
            try:
                with Connection(self.target.address, timeout=5) as connection:
                    self._post(connection)
            except (OSError, AssertionError):
                # The daemon is gone, or does not answer in time.
                self._is_stopped.wait(0.02)

    def _post(self, connection: Connection):
        while not self._is_stopped.is_set():
            name = f"{self.prefix}-{len(self.sent)}"
            body = make(self.signal, name, self.size())
            self.sent.append(name)
            status = None
            while status in (None, 503) and not self._is_stopped.is_set():
                answer = connection.send(request(otlp.PATHS[self.signal], body)).answer()
                if answer is None:
                    return
                status = answer.status
                self.statuses[status] += 1
                if status == 503:
                    self._is_stopped.wait(0.02)
            if status == 200:
                self.acknowledged.append(name)

    def stop(self):
        self._is_stopped.set()
        self.join(20)
        assert not self.is_alive()


class Trial:
    """The lives of one daemon with a store and a sink that forwards, all that was sent to it, and what came out."""

    def __init__(self, factory, server: Capture):
        self.server = server
        self.exporters = {"otlp_http": forward(server), "sqlite": dict(RETRY)}
        self.journal = dict(DISK)
        self.sent = {signal: set() for signal in otlp.SIGNALS}
        self.acknowledged = {signal: set() for signal in otlp.SIGNALS}
        self.daemon = None
        self._factory = factory
        self._producers = []
        self._produced = 0
        self._read = 0
        self._delivered = {signal: Counter() for signal in otlp.SIGNALS}

    # Lives

    def make(self, **settings) -> Daemon:
        """The next life, not started yet."""
        self.daemon = self._factory.make(config(self.exporters, journal=self.journal), **settings)
        return self.daemon

    def start(self, **settings) -> Daemon:
        return self.make(**settings).start()

    def forget(self):
        """The files are those of an earlier moment again: what came out since then is to come out again."""
        self.server.received.clear()
        self._read = 0
        self._delivered = {signal: Counter() for signal in otlp.SIGNALS}
        for signal in otlp.SIGNALS:
            self.acknowledged[signal] = {name for name in self.acknowledged[signal] if not name.startswith("fresh-")}

    def kill(self):
        self.daemon.process.send_signal(unix_signals.SIGKILL)
        self.daemon.wait()
        self.rest()

    # Traffic

    def produce(self, signals=("logs",), size=lambda: 0, each: int = 1):
        """Starts producers, which go on until `rest`."""
        for signal in signals:
            for _ in range(each):
                self._produced += 1
                self._producers.append(Producer(self.daemon, f"{signal}-{self._produced}", signal, size))
                self._producers[-1].start()

    def rest(self) -> Counter:
        """Stops the producers, and notes what they sent; how their requests were answered."""
        statuses = Counter()
        for producer in self._producers:
            producer.stop()
            self.sent[producer.signal] |= set(producer.sent)
            self.acknowledged[producer.signal] |= set(producer.acknowledged)
            statuses += producer.statuses
        self._producers = []
        return statuses

    @property
    def progress(self) -> int:
        """How much the running producers have got acknowledged."""
        return sum(len(producer.acknowledged) for producer in self._producers)

    def post(self, name: str, signal: str = "logs", size: int = 0, timeout: float = 20) -> int | None:
        """The status of one request; None without an answer."""
        self.sent[signal].add(name)
        try:
            status = self.daemon.post(otlp.PATHS[signal], make(signal, name, size), timeout=timeout)[0]
        except (OSError, http.client.HTTPException):
            return None
        if status == 200:
            self.acknowledged[signal].add(name)
        return status

    # What came out

    def delivered(self, signal: str = "logs") -> Counter:
        """What the server has taken; what it answered with an error it did not take."""
        received = self.server.received
        while self._read < len(received):
            entry = received[self._read]
            self._read += 1
            if entry.signal and entry.answer.status == 200:
                self._delivered[entry.signal].update(names(entry.message))
        return self._delivered[signal]

    def stored(self, signal: str = "logs") -> Counter:
        return Counter(row[0].split()[0] for row in rows(self.store, QUERIES[signal]))

    @property
    def store(self) -> Path:
        """The directory of the day files."""
        return Path(self.exporters["sqlite"].get("directory", self.daemon.data))

    def missing(self, signal: str = "logs") -> set[str]:
        """What was acknowledged and has not come out at every sink."""
        out = self.acknowledged[signal] - set(self.delivered(signal))
        if "sqlite" in self.exporters:
            out |= self.acknowledged[signal] - set(self.stored(signal))
        return out

    # The promise

    def get_fresh_through(self, signal: str = "logs"):
        """A new request reaches every sink soon."""

        def posted() -> str | None:
            name = f"fresh-{time.monotonic_ns()}"
            return name if self.post(name, signal) == 200 else None

        name = eventually(posted, seconds=5)
        eventually(lambda: name not in self.missing(signal), seconds=5)

    def check(self, lost: int = 0):
        """Nothing that was acknowledged is lost but `lost` items, nothing is invented, the store has all once."""
        for signal in otlp.SIGNALS:
            self.get_fresh_through(signal)
        eventually(lambda: sum(len(self.missing(signal)) for signal in otlp.SIGNALS) <= lost)
        eventually(self.balances)
        for signal in otlp.SIGNALS:
            assert set(self.delivered(signal)) <= self.sent[signal], "invented"
            if "sqlite" in self.exporters:
                stored = self.stored(signal)
                assert set(stored) <= self.sent[signal], "invented"
                assert max(stored.values()) == 1, "stored twice"
        assert sum(len(self.missing(signal)) for signal in otlp.SIGNALS) == lost

    def balances(self) -> bool:
        """recovered + accepted = delivered + pending + dropped, of each sink and signal; at rest, nothing is pending."""
        series = self.daemon.metrics()

        def total(start: str) -> float:
            return sum(value for name, value in series.items() if name.startswith(start))

        for exporter in self.exporters:
            for signal, unit in (("traces", "spans"), ("metrics", "metric_points"), ("logs", "log_records")):
                labels = f'exporter="{exporter}",signal="{signal}"'
                recovered = series[f"otlpd_exporter_recovered_items{{{labels}}}"]
                # Every sink takes all that a receiver does.
                accepted = total(f"otelcol_receiver_accepted_{unit}{{")
                delivered = series[f'otelcol_exporter_sent_{unit}{{exporter="{exporter}"}}']
                pending = series[f"otlpd_exporter_pending_items{{{labels}}}"]
                dropped = total(f"otlpd_dropped_items{{{labels}")
                account = (exporter, signal, recovered, accepted, delivered, pending, dropped)
                assert recovered + accepted == delivered + pending + dropped, account
                assert recovered + accepted == series[f"otlpd_exporter_accepted_items{{{labels}}}"], account
                assert pending == 0, account
        return True
