"""A service manager for tests: hears what otlpd says of itself, passes sockets on, and can stop one of its threads."""

import ctypes
import os
import socket
import sys
import time
from pathlib import Path

# Run in front of otlpd: the descriptors named in its arguments become 3, 4, ... of the process that otlpd will be.
LAUNCHER = """
import os, sys
numbers = [int(word) for word in sys.argv[2].split(",")]
# Out of each other's way first.
kept = [os.dup2(number, 100 + index, inheritable=False) for index, number in enumerate(numbers)]
for number in numbers:
    os.close(number)
for index, number in enumerate(kept):
    os.dup2(number, 3 + index, inheritable=True)
os.environ["LISTEN_FDS"] = str(len(kept))
os.environ["LISTEN_PID"] = sys.argv[1].replace("self", str(os.getpid()))
os.execv(sys.argv[3], sys.argv[3:])
"""


def passing(*sockets: socket.socket, process: str = "self") -> dict:
    """The settings of a daemon that gets these sockets: what systemd does for a socket unit."""
    numbers = ",".join(str(each.fileno()) for each in sockets)
    prefix = [sys.executable, "-c", LAUNCHER, process, numbers]
    return {"prefix": prefix, "descriptors": [each.fileno() for each in sockets]}


class Manager:
    """Reads the datagrams that a daemon with `environment` sends."""

    def __init__(self, directory: Path, watchdog_seconds: float | None = None):
        self.path = directory / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.environment = {"NOTIFY_SOCKET": str(self.path)}
        if watchdog_seconds is not None:
            self.environment["WATCHDOG_USEC"] = str(int(watchdog_seconds * 1e6))

    def hear(self, field: str, seconds: float = 15) -> str:
        """Waits for the next message with this field, and returns its value."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            assert left > 0, f"nothing said about {field} in {seconds} s"
            value = self._next(left).get(field)
            if value is not None:
                return value

    def heard_nothing_of(self, field: str, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if field in self._next(left):
                return False
        return True

    def forget(self):
        """Throws away what was said up to now."""
        while self._next(0.001):
            pass

    def _next(self, seconds: float) -> dict[str, str]:
        self.socket.settimeout(max(seconds, 0.001))
        try:
            text = self.socket.recv(65536).decode()
        except TimeoutError:
            return {}
        return dict(line.split("=", 1) for line in text.splitlines())

    def close(self):
        self.socket.close()


class StoppedThread:
    """One thread of a process stands still, as one in an endless loop would for the others; `with` lets it go on."""

    SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17

    def __init__(self, process: int, name: str):
        tasks = Path(f"/proc/{process}/task").iterdir()
        self.thread = next(int(task.name) for task in tasks if (task / "comm").read_text().strip() == name)

    def __enter__(self):
        self._trace(self.SEIZE)
        self._trace(self.INTERRUPT)
        os.waitpid(self.thread, 0x40000000)  # __WALL: a thread of another process
        return self

    def __exit__(self, *_):
        self._trace(self.DETACH)

    def _trace(self, request: int):
        library = ctypes.CDLL(None, use_errno=True)
        library.ptrace.restype = ctypes.c_long
        arguments = [ctypes.c_long(request), ctypes.c_long(self.thread), ctypes.c_void_p(), ctypes.c_void_p()]
        if library.ptrace(*arguments) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")
