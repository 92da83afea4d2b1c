"""The codec alone: MB/s beside orjson and Python's protobuf (upb), and instructions and allocations against limits.json.

Times differ from machine to machine and are only printed. Instructions and allocations are the same everywhere: more
of them than limits.json allows, with its slack for instructions, fails the run.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import time
from pathlib import Path

import hostile
import orjson
import payload

HERE = Path(__file__).parent
LIMITS = json.loads((HERE / "limits.json").read_text())
ITEMS = 512
ROUNDS = 15
# What is counted is the difference between two runs, so that start-up does not matter.
FEW, MANY = 2, 12
# Work and encoding; decoding costs per byte read, writing per byte written.
COUNTED = {
    "JSON to protobuf, per JSON byte": ("decode", "json"),
    "validation walk, per protobuf byte": ("decode", "protobuf"),
    "protobuf to JSON, per JSON byte": ("write", "protobuf"),
}
ALLOCATING = ("protobuf", "request", "protobuf"), ("JSON", "request", "json"), ("views", "views", "protobuf")
# Bodies of two sizes: what the larger one costs more, per byte it is longer, shows growth faster than the size too.
HOSTILE_SIZES = 20_000, 80_000
HOSTILE_SHOWN = 10
# What otlpd promises of one core of a quiet machine: MB/s by signal, nanoseconds, and instructions for the trace payload.
DECODE_MB, WALK_MB, WRITE_MB = {"traces": 1500, "logs": 1500, "metrics": 800}, 1300, 800
VIEWS_NS = 300
INSTRUCTIONS = {"traces JSON to protobuf, per JSON byte": 8, "traces validation walk, per protobuf byte": 14}
MESSAGES = {"traces": payload.request, "logs": payload.logs, "metrics": payload.metrics}


class Codec:
    def __init__(self, binary: Path, directory: Path):
        self.binary = binary
        self.directory = directory
        self.messages = {signal: make(ITEMS) for signal, make in MESSAGES.items()}
        self.bodies = {}
        for signal, message in self.messages.items():
            self.bodies[signal, "protobuf"] = message.SerializeToString()
            self.bodies[signal, "json"] = payload.as_json(message)
        self.failures = []

    def run(self, work: str, signal: str, encoding: str, passes: int, rounds: int, prefix=(), body=None, **environment):
        command = [*prefix, self.binary, work, signal, encoding, passes, rounds]
        return subprocess.run(
            [str(word) for word in command], input=body or self.bodies[signal, encoding], capture_output=True, check=True,
            env={**os.environ, **environment}, timeout=300,
        )  # fmt: skip

    def nanoseconds(self, work: str, signal: str, encoding: str) -> tuple[float, int, int]:
        """Median time of a pass, the bytes it gives, and the items it sees."""
        passes = max(1, 20_000_000 // len(self.bodies[signal, encoding]))
        nanoseconds, count, items, _ = self.run(work, signal, encoding, passes, ROUNDS).stdout.split()
        return float(nanoseconds), int(count), int(items)

    def speeds(self):
        """Rows of MB/s by signal: bytes read, or for the writer bytes written."""
        rows = [["codec, MB/s of one core", *self.messages, "goal"]]

        def add(label: str, measure, goal=""):
            rows.append([label, *(f"{measure(signal):.0f}" for signal in self.messages), goal])

        def read(work: str, encoding: str):
            return lambda signal: len(self.bodies[signal, encoding]) * 1e3 / self.nanoseconds(work, signal, encoding)[0]

        def written(signal: str) -> float:
            nanoseconds, count, _ = self.nanoseconds("write", signal, "protobuf")
            return count * 1e3 / nanoseconds

        add("JSON to protobuf", read("decode", "json"), ">= " + ", ".join(str(DECODE_MB[signal]) for signal in self.messages))
        add("orjson.loads of the same", lambda signal: python(orjson.loads, self.bodies[signal, "json"]))
        add("protobuf validation walk", read("decode", "protobuf"), f">= {WALK_MB}")
        parse = {signal: type(message).FromString for signal, message in self.messages.items()}
        add("Python upb parse of the same", lambda signal: python(parse[signal], self.bodies[signal, "protobuf"]))
        add("protobuf to JSON, of output", written, f">= {WRITE_MB}")
        return rows

    def view_row(self) -> list[str]:
        nanoseconds, _, items = self.nanoseconds("views", "traces", "protobuf")
        return ["views of a span, every attribute, ns", f"{nanoseconds / items:.0f}", f"<= {VIEWS_NS}"]

    def total_instructions(self, work: str, signal: str, encoding: str, passes: int, body=None) -> int:
        tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.directory}/callgrind.out"]
        said = self.run(work, signal, encoding, passes, 1, tool, body).stderr.decode()
        return int(re.search(r"Collected : (\d+)", said)[1])

    def instructions(self, work: str, signal: str, encoding: str) -> float:
        """Instructions of one pass."""
        few, many = (self.total_instructions(work, signal, encoding, passes) for passes in (FEW, MANY))
        return (many - few) / (MANY - FEW)

    def guarded(self, name: str, each: float) -> list[str]:
        """The row of a count; one above its limit, slack included, fails the run."""
        limit = LIMITS["instructions"][name]
        if each > limit * LIMITS["slack"]:
            self.failures.append(f"{name}: {each:.2f} instructions, {limit} and {LIMITS['slack'] - 1:.0%} allowed")
        return [name, f"{each:.2f}", f"{limit} + {LIMITS['slack'] - 1:.0%}", f"<= {INSTRUCTIONS[name]}" if name in INSTRUCTIONS else ""]

    def instruction_rows(self) -> list[list[str]]:
        rows = [["instructions", "counted", "limit", "goal"]]
        for signal in self.messages:
            for label, (work, encoding) in COUNTED.items():
                count = len(self.bodies[signal, "json" if work == "write" else encoding])
                rows.append(self.guarded(f"{signal} {label}", self.instructions(work, signal, encoding) / count))
        rows.append(self.guarded("views of a span, every attribute", self.instructions("views", "traces", "protobuf") / ITEMS))
        return rows

    def hostile_rows(self) -> list[list[str]]:
        """The dearest of the bodies that are made to be dear, beside what a usual body costs."""
        small, large = (hostile.bodies(size) for size in HOSTILE_SIZES)
        costs = []
        for name, signal, encoding in small:
            one, many = (bodies[name, signal, encoding] for bodies in (small, large))
            counts = [self.total_instructions("decode", signal, encoding, 1, body) for body in (one, many)]
            # A run decodes three times: to keep the request, to warm up, to measure.
            costs.append(((counts[1] - counts[0]) / 3 / (len(many) - len(one)), f"{encoding}: {name}"))
        costs.sort(reverse=True)
        rows = [["hostile bodies, dearest first", "instructions per byte", "limit", "goal"]]
        rows += [[name, f"{each:.1f}", "", ""] for each, name in costs[:HOSTILE_SHOWN]]
        rows.append(self.guarded("the dearest hostile body, per byte", costs[0][0]))
        return rows

    def allocation_rows(self) -> list[list[str]]:
        hook = self.directory / "allocations.so"
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", hook, HERE / "allocations.c"], check=True)
        rows = [["allocations of a request in steady state", *self.messages, "limit"]]

        def total(work: str, signal: str, encoding: str, passes: int) -> int:
            return int(self.run(work, signal, encoding, passes, 1, LD_PRELOAD=str(hook)).stderr)

        for name, work, encoding in ALLOCATING:
            limit = LIMITS["allocations per request"][name]
            counts = []
            for signal in self.messages:
                # The runtime itself allocates now and then, less than once in a hundred requests.
                few, many = (total(work, signal, encoding, passes) for passes in (100, 1100))
                counts.append(round((many - few) / 1000, 1))
                if counts[-1] > limit:
                    self.failures.append(f"{signal}, {name}: {counts[-1]:.1f} allocations of a request, {limit} allowed")
            rows.append([name, *(f"{count:.1f}" for count in counts), str(limit)])
        return rows

    def tables(self):
        """Tables to print; `failures` afterwards says what broke a limit."""
        yield self.speeds()
        yield [["codec, 512 spans", "otlpd", "goal"], self.view_row()]
        if valgrind():
            yield self.instruction_rows()
            yield self.hostile_rows()
        else:
            yield [["instructions: not counted, because valgrind is missing"]]
        yield self.allocation_rows()


def python(function, body: bytes) -> float:
    """MB/s of a Python function, median."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(5):
            function(body)
        times.append((time.perf_counter() - started) / 5)
    return len(body) / statistics.median(times) / 1e6


def valgrind() -> bool:
    """Whether valgrind is here, after the attempt to install it."""
    if shutil.which("valgrind") is None:
        subprocess.run([HERE.parent / "Tests" / "apt", "valgrind"], check=False)
    return shutil.which("valgrind") is not None
