"""`make bench`: the codec alone, the journal beside the bare disk, the store, then what a request, a span, forwarding it, and an idle otlpd cost, beside rotel and a mere discarder.

Each number is the median of three runs; the servers take turns, so that all of them see the same minutes. CPU is the
server's own, user and system. Fails when the codec needs more than limits.json allows.
Usage: bench.py PATH-TO-OTLPD [codec | journal | size | sizing | store | store-large | servers | doors | forwarding ...], where names measure only those.
CodecBench and StoreBench lie beside otlpd.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import payload
import servers
from codec import Codec
from doors import Doors
from footprint import Footprint
from forwarding import Forwarding
from journal import Journal
from servers import compiled, free_port, send_grpc
from sizing import Sizing
from store import Store

ROUNDS = int(os.environ.get("OTLPD_BENCH_ROUNDS", "3"))
CONNECTIONS = 8
# Requests per run, by spans per request: about a second of work each.
REQUESTS = {1: 40_000, 20: 15_000, 512: 1_500}
# SQLite writes every span, so a run of it is shorter, and fits into the journal's 64 MiB.
SQLITE_REQUESTS = {1: 10_000, 20: 2_000, 512: 100}
ENCODINGS = {"protobuf": "application/x-protobuf", "JSON": "application/json"}
GRPC = "gRPC"
# Spans per gRPC request. Each connection has one call in flight: several would share system calls.
GRPC_SPANS = (1, 512)
IDLE_SECONDS = 1
# Requests that are not counted, by spans per request: what a server does for the first time belongs to no row.
WARM_UP_REQUESTS = {1: 2_000, 512: 20}
# CPU of `otlpd nop` over that of rotel: what otlpd promises.
PROMISES = {("protobuf", 512): 1 / 6, ("JSON", 512): 1 / 8, ("protobuf", 1): 1 / 2, (GRPC, 1): 1 / 2, (GRPC, 512): 1 / 6}


class Bench:
    def __init__(self, otlpd: Path, directory: Path):
        self.directory = directory
        self.load = compiled("load", directory)
        discard = compiled("discard", directory)
        self.starters = {
            "otlpd nop": servers.otlpd(otlpd, "nop"),
            "otlpd sqlite": servers.otlpd(otlpd, "sqlite"),
            "rotel": servers.rotel,
            "discard": servers.discard(discard),
        }
        self.binaries = {"otlpd nop": otlpd, "rotel": servers.ROTEL, "discard": discard}
        self.bodies = {}
        for spans in REQUESTS:
            message = payload.request(spans)
            for name, body in (("protobuf", message.SerializeToString()), ("JSON", payload.as_json(message))):
                self.bodies[name, spans] = directory / f"{name}-{spans}"
                self.bodies[name, spans].write_bytes(body)
        for spans in GRPC_SPANS:
            body = self.bodies["protobuf", spans].read_bytes()
            self.bodies[GRPC, spans] = directory / f"{GRPC}-{spans}"
            # A message that is not compressed, behind its length.
            self.bodies[GRPC, spans].write_bytes(b"\0" + len(body).to_bytes(4, "big") + body)

    def start(self, name: str) -> servers.Server:
        return self.starters[name](free_port(), Path(tempfile.mkdtemp(dir=self.directory)))

    def cpu_per_request(self, server, name: str, encoding: str, spans: int) -> float:
        """Seconds of the server's CPU for one request, its sink's work included."""
        count = (SQLITE_REQUESTS if "sqlite" in name else REQUESTS)[spans]
        before = server.cpu_seconds()
        self.send(server, name, encoding, spans, count)
        return (server.cpu_seconds() - before) / count

    def send(self, server, name: str, encoding: str, spans: int, count: int):
        """Sends requests until the server has taken `count` and has finished what it does for them."""
        if encoding == GRPC:
            return self.send_grpc(server, name, spans, count)
        command = [self.load, server.port, "/v1/traces", ENCODINGS[encoding], self.bodies[encoding, spans]]
        result = subprocess.run(
            [str(word) for word in [*command, count, CONNECTIONS]], capture_output=True, text=True, timeout=300
        )
        self.settle(server)
        if result.returncode != 0 or int(result.stdout.split()[0]) < count:
            raise RuntimeError(f"{name}, {encoding}, {spans} spans: {result.stdout.strip()} of {count} taken. {result.stderr}")

    def send_grpc(self, server, name: str, spans: int, count: int):
        send_grpc(server, self.bodies[GRPC, spans], count, CONNECTIONS)
        self.settle(server)

    @staticmethod
    def settle(server):
        """Waits until the server has finished what it took."""
        deadline = time.monotonic() + 30
        last = server.cpu_seconds()
        while time.monotonic() < deadline:
            time.sleep(0.3)
            now = server.cpu_seconds()
            if now - last < 0.003:
                return
            last = now

    @staticmethod
    def speaks(name: str, encoding: str) -> bool:
        return encoding != GRPC or name != "discard"

    def measure(self):
        """CPU by (server, encoding, spans), and idle facts by server."""
        cpu, idle = {}, {}
        for number in range(ROUNDS):
            for name in self.starters:
                print(f"round {number + 1} of {ROUNDS}: {name}", file=sys.stderr, flush=True)
                server = self.start(name)
                try:
                    time.sleep(IDLE_SECONDS)
                    facts = (server.start_seconds * 1e3, server.memory_kib("VmRSS"), server.memory_kib("RssAnon"))
                    idle.setdefault(name, []).append(facts)
                    for spans, count in WARM_UP_REQUESTS.items():
                        for encoding in [*ENCODINGS, GRPC]:
                            if self.speaks(name, encoding):
                                self.send(server, name, encoding, spans, count)
                    for encoding, spans in self.bodies:
                        if not self.speaks(name, encoding):
                            continue
                        seconds = self.cpu_per_request(server, name, encoding, spans)
                        cpu.setdefault((name, encoding, spans), []).append(seconds)
                finally:
                    server.close()
        return (
            {key: statistics.median(values) for key, values in cpu.items()},
            {name: [statistics.median(column) for column in zip(*facts)] for name, facts in idle.items()},
        )


def table(rows: list[list[str]]):
    print()
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        first, *others = zip(row, widths)
        print("  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]))
        if number == 0:
            print("  ".join("-" * width for width in widths))


def report(bench: Bench, cpu: dict, idle: dict):
    names = list(bench.starters)
    rows = [["", *names, "otlpd nop / rotel", "otlpd nop / discard"]]

    def add(label: str, values: dict, form: str):
        def ratio(other: str) -> str:
            return f"{values['otlpd nop'] / values[other]:.2f}" if values.get(other) else "-"

        cells = [format(values[name], form) if name in values else "-" for name in names]
        rows.append([label, *cells, ratio("rotel"), ratio("discard")])

    for encoding, spans in bench.bodies:
        label = f"{encoding}, {spans} span{'s' * (spans > 1)}"
        seconds = {name: cpu[name, encoding, spans] for name in names if bench.speaks(name, encoding)}
        add(f"CPU us/request, {label}", {name: value * 1e6 for name, value in seconds.items()}, ".1f")
        add(f"CPU s/million spans, {label}", {name: value / spans * 1e6 for name, value in seconds.items()}, ".2f")
    for column, (label, scale, form) in enumerate(
        [("start to first 200, ms", 1, ".1f"), ("idle RSS, MB", 1024, ".1f"), ("idle anonymous memory, MB", 1024, ".1f")]
    ):
        add(label, {name: facts[column] / scale for name, facts in idle.items()}, form)
    add("binary, MB", {name: path.stat().st_size / 1e6 for name, path in bench.binaries.items()}, ".1f")
    table(rows)
    ratios = [["otlpd nop / rotel, CPU", "measured", "promised"]]
    for (encoding, spans), promise in PROMISES.items():
        ratio = cpu["otlpd nop", encoding, spans] / cpu["rotel", encoding, spans]
        ratios.append([f"{encoding}, {spans} span{'s' * (spans > 1)}", f"{ratio:.3f}", f"<= {promise:.3f}"])
    table(ratios)


def main():
    otlpd = Path(sys.argv[1]).resolve()
    chosen = sys.argv[2:] or ["codec", "journal", "size", "sizing", "store", "servers", "doors", "forwarding"]
    failures = []
    with tempfile.TemporaryDirectory() as directory:
        if "codec" in chosen:
            codec = Codec(otlpd.parent / "CodecBench", Path(directory))
            for rows in codec.tables():
                table(rows)
            failures = codec.failures
            sys.stdout.flush()
        if "journal" in chosen:
            for rows in Journal(otlpd, Path(directory)).tables():
                table(rows)
            sys.stdout.flush()
        if "size" in chosen:
            table(Footprint(otlpd, Path(directory)).rows())
            sys.stdout.flush()
        if "sizing" in chosen:
            table(Sizing(otlpd, Path(directory)).rows())
            sys.stdout.flush()
        for name in {"store", "store-large"}.intersection(chosen):
            for rows in Store(otlpd, Path(directory), is_large=name == "store-large").tables():
                table(rows)
            sys.stdout.flush()
        bench = Bench(otlpd, Path(directory))
        if "servers" in chosen:
            report(bench, *bench.measure())
            sys.stdout.flush()
        if "doors" in chosen:
            for rows in Doors(otlpd, bench.bodies, Path(directory)).tables():
                table(rows)
            sys.stdout.flush()
        if "forwarding" in chosen:
            for rows in Forwarding(otlpd, bench.bodies, Path(directory)).tables():
                table(rows)
    if failures:
        sys.exit("\nmore than limits.json allows:\n" + "\n".join(failures))


main()
