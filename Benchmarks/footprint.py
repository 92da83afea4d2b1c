"""What otlpd is as a guest: its size, its start, and what it takes while it has nothing to do, with the installed configuration."""

import os
import socket
import statistics
import time
from pathlib import Path

import servers

CONFIG = Path(__file__).resolve().parents[1] / "config/otlpd.yaml"
STARTS = 9
IDLE_CONNECTIONS = 100
IDLE_SECONDS = 10
# As Reactor.defaultLoops has it.
LOOPS_MAX = 5
# What otlpd promises.
BINARY_MEGABYTES_MAX = 20
START_MILLISECONDS_MAX = 50
IDLE_MEGABYTES_MAX = 20
ANONYMOUS_MEGABYTES_MAX = 8
IDLE_CORE_MAX = 0.005
THREADS_MAX = 12
# Nobody is there: otlpd tells nobody, and has the thread that would.
SERVICE = ["env", "NOTIFY_SOCKET=/nonexistent/notify"]


class Footprint:
    def __init__(self, otlpd: Path, directory: Path):
        self.otlpd = otlpd
        self.directory = directory

    def start(self, name: str, prefix=()) -> servers.Server:
        directory = self.directory / f"footprint-{name}"
        directory.mkdir()
        port = servers.free_port()
        text = CONFIG.read_text()
        for usual, free in (("localhost:4318", port), ("localhost:4317", port + 1)):
            assert usual in text
            text = text.replace(usual, f"127.0.0.1:{free}")
        telemetry = f"service:\n  telemetry: {{metrics: {{address: '127.0.0.1:{servers.free_port()}'}}}}\n"
        config = directory / "otlpd.yaml"
        config.write_text(text.replace("service:\n", telemetry))
        return servers.Server([*prefix, self.otlpd, "--config", config, "--data-dir", directory / "data"], port, directory)

    def rows(self) -> list[list[str]]:
        rows = [["installed configuration", "measured", "promised"]]
        rows.append(["binary, MB", f"{self.otlpd.stat().st_size / 1e6:.1f}", f"<= {BINARY_MEGABYTES_MAX}"])
        starts = []
        for number in range(STARTS):
            server = self.start(f"start-{number}")
            starts.append(server.start_seconds * 1e3)
            server.close()
        rows.append(["start to first 200, ms", f"{statistics.median(starts):.1f}", f"< {START_MILLISECONDS_MAX}"])
        server = self.start("idle", SERVICE)
        try:
            time.sleep(1)
            resident, anonymous = server.memory_kib("VmRSS") / 1024, server.memory_kib("RssAnon") / 1024
            rows.append(["idle RSS, MB", f"{resident:.1f}", f"<= {IDLE_MEGABYTES_MAX}"])
            rows.append(["of which anonymous, MB", f"{anonymous:.1f}", f"<= {ANONYMOUS_MEGABYTES_MAX}"])
            core = self.idle_core(server)
            rows.append([f"% of a core, {IDLE_CONNECTIONS} idle connections", f"{core:.2%}", f"<= {IDLE_CORE_MAX:.1%}"])
            threads = len(list(Path(f"/proc/{server.process.pid}/task").iterdir()))
            rows.append(["threads here", str(threads), f"<= {THREADS_MAX}"])
            most = threads - min(os.cpu_count(), LOOPS_MAX) + LOOPS_MAX
            rows.append(["threads on a machine of any size", str(most), f"<= {THREADS_MAX}"])
        finally:
            server.close()
        return rows

    @staticmethod
    def idle_core(server) -> float:
        """The part of a core that otlpd uses beside connections that have sent one request each."""
        crowd = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(IDLE_CONNECTIONS)]
        for connection in crowd:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for connection in crowd:
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        time.sleep(1)
        before = server.cpu_seconds()
        time.sleep(IDLE_SECONDS)
        used = server.cpu_seconds() - before
        for connection in crowd:
            connection.close()
        return used / IDLE_SECONDS
