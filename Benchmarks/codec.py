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

import orjson
import payload

HERE = Path(__file__).parent
LIMITS = json.loads((HERE / "limits.json").read_text())
ITEMS = 512
ROUNDS = 15
# What is counted is the difference between two runs, so that start-up does not matter.
FEW, MANY = 2, 12
COUNTED = {"JSON to protobuf, per JSON byte": "json", "validation walk, per protobuf byte": "protobuf"}
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

    def run(self, work: str, signal: str, encoding: str, passes: int, rounds: int, prefix=(), **environment):
        command = [*prefix, self.binary, work, signal, encoding, passes, rounds]
        return subprocess.run(
            [str(word) for word in command], input=self.bodies[signal, encoding], capture_output=True, check=True,
            env={**os.environ, **environment}, timeout=300,
        )  # fmt: skip

    def nanoseconds(self, work: str, signal: str, encoding: str) -> tuple[float, int, int]:
        """Median time of a pass, the bytes it gives, and the items it sees."""
        passes = max(1, 20_000_000 // len(self.bodies[signal, encoding]))
        nanoseconds, count, items, _ = self.run(work, signal, encoding, passes, ROUNDS).stdout.split()
        return float(nanoseconds), int(count), int(items)

    def speeds(self):
        """Rows of MB/s by signal: bytes read, or for the writer bytes written."""
        rows = [["codec, MB/s of one core", *self.messages]]

        def add(label: str, measure):
            rows.append([label, *(f"{measure(signal):.0f}" for signal in self.messages)])

        def read(work: str, encoding: str):
            return lambda signal: len(self.bodies[signal, encoding]) * 1e3 / self.nanoseconds(work, signal, encoding)[0]

        def written(signal: str) -> float:
            nanoseconds, count, _ = self.nanoseconds("write", signal, "protobuf")
            return count * 1e3 / nanoseconds

        add("JSON to protobuf", read("decode", "json"))
        add("orjson.loads of the same", lambda signal: python(orjson.loads, self.bodies[signal, "json"]))
        add("protobuf validation walk", read("decode", "protobuf"))
        parse = {signal: type(message).FromString for signal, message in self.messages.items()}
        add("Python upb parse of the same", lambda signal: python(parse[signal], self.bodies[signal, "protobuf"]))
        add("protobuf to JSON, of output", written)
        return rows

    def view_row(self) -> list[str]:
        nanoseconds, _, items = self.nanoseconds("views", "traces", "protobuf")
        return ["views of a span, every attribute, ns", f"{nanoseconds / items:.0f}"]

    def instructions(self, work: str, signal: str, encoding: str) -> float:
        """Instructions of one pass."""

        def total(passes: int) -> int:
            tool = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
            said = self.run(work, signal, encoding, passes, 1, tool).stderr.decode()
            return int(re.search(r"Collected : (\d+)", said)[1])

        return (total(MANY) - total(FEW)) / (MANY - FEW)

    def instruction_rows(self) -> list[list[str]]:
        rows = [["instructions", "per byte", "limit"]]
        if not valgrind():
            return [*rows, ["not counted: valgrind is missing", "-", "-"]]
        limits = LIMITS["instructions"]
        for signal in self.messages:
            for label, encoding in COUNTED.items():
                name = f"{signal} {label}"
                each = self.instructions("decode", signal, encoding) / len(self.bodies[signal, encoding])
                limit = limits.get(name)
                rows.append([name, f"{each:.2f}", f"{limit} + {LIMITS['slack'] - 1:.0%}" if limit else "-"])
                if limit and each > limit * LIMITS["slack"]:
                    self.failures.append(f"{name}: {each:.2f} instructions, {limit} and {LIMITS['slack'] - 1:.0%} allowed")
        return rows

    def allocation_rows(self) -> list[list[str]]:
        hook = self.directory / "allocations.so"
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", hook, HERE / "allocations.c"], check=True)
        rows = [["allocations of a request in steady state", *self.messages, "limit"]]

        def total(signal: str, encoding: str, passes: int) -> int:
            return int(self.run("request", signal, encoding, passes, 1, LD_PRELOAD=str(hook)).stderr)

        for name, encoding in ("protobuf", "protobuf"), ("JSON", "json"):
            limit = LIMITS["allocations per request"][name]
            counts = []
            for signal in self.messages:
                # The runtime itself allocates now and then, less than once in a hundred requests.
                counts.append(round((total(signal, encoding, 1100) - total(signal, encoding, 100)) / 1000, 1))
                if counts[-1] > limit:
                    self.failures.append(f"{signal}, {name}: {counts[-1]:.1f} allocations of a request, {limit} allowed")
            rows.append([name, *(f"{count:.1f}" for count in counts), str(limit)])
        return rows

    def tables(self):
        """Tables to print; `failures` afterwards says what broke a limit."""
        yield self.speeds()
        yield [["codec, 512 spans", "otlpd"], self.view_row()]
        yield self.instruction_rows()
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
