"""HTTP/1.1 as bytes on a socket, for what no client library would send."""

import socket
from dataclasses import dataclass


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    def header(self, name: str) -> str | None:
        return self.headers.get(name.lower())


class Connection:
    """A raw connection: `send` bytes, read `answer`s, see the end."""

    def __init__(self, address, timeout: float = 10):
        self.socket = socket.create_connection(address, timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._unread = b""

    def send(self, data: bytes) -> "Connection":
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # The server may close early; what it said first is still to be read.
        return self

    def _more(self) -> bool:
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        self._unread += data
        return bool(data)

    def answer(self, of: str = "POST") -> Answer | None:
        """The next answer, or None at the end of the connection."""
        while b"\r\n\r\n" not in self._unread:
            if not self._more():
                assert not self._unread, f"half an answer: {self._unread!r}"
                return None
        head, self._unread = self._unread.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        status = int(first.split()[1])
        has_body = status >= 200 and status not in (204, 304) and of != "HEAD"
        length = int(headers.get("content-length", 0)) if has_body else 0
        while len(self._unread) < length:
            assert self._more(), "the body ends early"
        body, self._unread = self._unread[:length], self._unread[length:]
        return Answer(status, headers, body)

    def ended(self) -> bool:
        """Whether the server closes the connection, within the time-out, without another byte."""
        try:
            while self._more():
                pass
        except TimeoutError:
            return False
        return not self._unread

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def request(
    path: str = "/v1/traces",
    body: bytes = b"",
    content_type: str | None = "application/x-protobuf",
    method: str = "POST",
    version: str = "HTTP/1.1",
    headers: tuple = (),
    host: str | None = "localhost",
    length: bool = True,
) -> bytes:
    """The bytes of a request; `headers` are raw lines without their line end."""
    lines = [f"{method} {path} {version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1") + body


def chunked(*chunks: bytes, trailer: bytes = b"") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n" + trailer + b"\r\n"


def ask(address, data: bytes, timeout: float = 10) -> Answer | None:
    """One request, one answer, on a connection of its own."""
    with Connection(address, timeout) as connection:
        return connection.send(data).answer()
