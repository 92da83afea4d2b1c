"""What the doors cost: TLS beside plain HTTP, connections that do nothing, and clients that stall."""

import http.client
import resource
import socket
import ssl
import statistics
import subprocess
import time
from pathlib import Path

import servers

IDLE_CONNECTIONS = 10_000
IDLE_SECONDS = 5
STALLED_CONNECTIONS = 2_000
# Requests per measurement, by spans per request.
TLS_REQUESTS = {1: 4_000, 512: 800}
LATENCY_REQUESTS = 2_000
# Alone and beside the crowd, in turns: each round's two percentiles see the same minute.
LATENCY_ROUNDS = 9
# What otlpd promises.
IDLE_MEGABYTES_MAX = 80
IDLE_CPU_MAX = 0.01
STALLED_P99_MAX = 1.2


def certificate(directory: Path) -> tuple[Path, Path]:
    cert, key = directory / "tls.crt", directory / "tls.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
         key, "-out", cert, "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


class Doors:
    """Measures one otlpd that discards what it takes."""

    def __init__(self, otlpd: Path, bodies: dict, directory: Path):
        self.otlpd = otlpd
        self.bodies = {spans: path.read_bytes() for (encoding, spans), path in bodies.items() if encoding == "protobuf"}
        self.calls = {spans: path for (encoding, spans), path in bodies.items() if encoding == "gRPC"}
        self.directory = directory

    def start(self, name: str, tls=None) -> servers.Server:
        directory = self.directory / name
        directory.mkdir()
        tls = {"tls": tls} if tls else None
        start = servers.otlpd(self.otlpd, "nop", http=tls, grpc=tls, limits={"max_connections": 20_000})
        return start(servers.free_port(), directory)

    def tables(self):
        """Rows of tables, one after the other."""
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        yield self.tls()
        yield self.crowds()

    # TLS

    def tls(self) -> list[list[str]]:
        cert, key = certificate(self.directory)
        context = ssl.create_default_context(cafile=cert)
        plain = self.start("plain")
        secure = self.start("secure", {"cert_file": str(cert), "key_file": str(key)})
        connections = {
            "plain": http.client.HTTPConnection("localhost", plain.port, timeout=30),
            "TLS": http.client.HTTPSConnection("localhost", secure.port, timeout=30, context=context),
        }
        rows = [["CPU us/request", "plain", "TLS", "more"]]
        try:
            for spans, count in TLS_REQUESTS.items():
                for label, send in (
                    ("protobuf", lambda name, _, count: self.post(connections[name], spans, count)),
                    ("gRPC", lambda name, server, count: servers.send_grpc(
                        server, self.calls[spans], count, 1, "https" if name == "TLS" else "http")),
                ):  # fmt: skip
                    micros = {}
                    for name, server in (("plain", plain), ("TLS", secure)):
                        send(name, server, count // 4)
                        before = server.cpu_seconds()
                        send(name, server, count)
                        micros[name] = (server.cpu_seconds() - before) / count * 1e6
                    cells = [micros["plain"], micros["TLS"], micros["TLS"] - micros["plain"]]
                    rows.append([f"{label}, {spans} span{'s' * (spans > 1)}", *(f"{cell:.1f}" for cell in cells)])
            for connection in connections.values():
                connection.close()
            rows.append(["handshake", "-", f"{self.handshake_micros(secure, context):.1f}", "-"])
        finally:
            plain.close()
            secure.close()
        return rows

    def post(self, connection, spans: int, count: int):
        for _ in range(count):
            connection.request(
                "POST", "/v1/traces", self.bodies[spans], {"Content-Type": "application/x-protobuf"}
            )
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{spans} spans: {answer.status}")

    @staticmethod
    def handshake_micros(server, context, count: int = 200) -> float:
        before = server.cpu_seconds()
        for _ in range(count):
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain:
                context.wrap_socket(plain, server_hostname="localhost").close()
        return (server.cpu_seconds() - before) / count * 1e6

    # Crowds

    def crowds(self) -> list[list[str]]:
        rows = [["", "measured", "promised"]]
        server = self.start("crowd")
        try:
            before = server.memory_kib("VmRSS")
            idle = [self.connect(server) for _ in range(IDLE_CONNECTIONS)]
            time.sleep(1)
            cpu, started = server.cpu_seconds(), time.monotonic()
            time.sleep(IDLE_SECONDS)
            share = (server.cpu_seconds() - cpu) / (time.monotonic() - started)
            megabytes = (server.memory_kib("VmRSS") - before) / 1024
            for connection in idle:
                connection.close()
            rows.append([f"{IDLE_CONNECTIONS} idle connections, MB", f"{megabytes:.1f}", f"< {IDLE_MEGABYTES_MAX}"])
            rows.append([f"{IDLE_CONNECTIONS} idle connections, % of a core", f"{share * 100:.2f}", f"< {IDLE_CPU_MAX * 100:.0f}"])
        finally:
            server.close()
        alone, ratio = self.stalled()
        rows.append(["p99 of a client alone, us", f"{alone:.0f}", "-"])
        rows.append([f"the same beside {STALLED_CONNECTIONS} stalled ones", f"{ratio:.2f} x", f"< {STALLED_P99_MAX} x"])
        return rows

    @staticmethod
    def connect(server, data: bytes = b"") -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        connection.sendall(data)
        return connection

    def stalled(self) -> tuple[float, float]:
        """The 99th percentile of a normal client's time per request alone, and how many times as long it is beside stalled
        ones; the medians of rounds in which both are measured, one after the other and in changing order."""
        server = self.start("stalled")
        body_begun = b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\nabc"
        deaf = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 4
        kinds = [b"", b"POST /v1/traces HTTP/1.1\r\nHo", body_begun, deaf]
        alone, beside = [], []

        def measure_beside():
            crowd = [self.connect(server, kinds[number % len(kinds)]) for number in range(STALLED_CONNECTIONS)]
            time.sleep(0.3)
            beside.append(self.p99(server))
            for connection in crowd:
                connection.close()
            time.sleep(0.3)

        try:
            self.p99(server)
            for number in range(LATENCY_ROUNDS):
                steps = [lambda: alone.append(self.p99(server)), measure_beside]
                for step in steps if number % 2 == 0 else reversed(steps):
                    step()
        finally:
            server.close()
        return statistics.median(alone), statistics.median(there / here for here, there in zip(alone, beside))

    def p99(self, server) -> float:
        """In microseconds."""
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        times = []
        for _ in range(LATENCY_REQUESTS):
            started = time.perf_counter()
            self.post(client, 1, 1)
            times.append(time.perf_counter() - started)
        client.close()
        return sorted(times)[len(times) * 99 // 100] * 1e6
