"""A client of HTTP/2 that writes and reads single frames."""

import socket

import h2.config
import h2.connection
import hpack
from hyperframe.frame import DataFrame, Frame, GoAwayFrame, HeadersFrame, SettingsFrame

from harness.grpc_client import METHODS, framed

ENHANCE_YOUR_CALM = 0xB
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
CALL = [
    (":method", "POST"), (":scheme", "http"), (":authority", "localhost"), (":path", METHODS["traces"]),
    ("content-type", "application/grpc"), ("te", "trailers"),
]  # fmt: skip


class Raw:
    """A connection that writes any frame."""

    def __init__(self, daemon, settings=None):
        host, port = daemon.grpc.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        self.headers = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True)).encoder
        self._decoder = hpack.Decoder()
        self.unread = b""
        self.send(PREFACE, SettingsFrame(0, settings=settings or {}))

    def send(self, *frames):
        data = b"".join(frame if isinstance(frame, bytes) else frame.serialize() for frame in frames)
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def head(self, stream: int, fields=CALL, flags=("END_HEADERS",)) -> HeadersFrame:
        return HeadersFrame(stream, self.headers.encode(fields), flags=flags)

    def frames(self):
        """Frames until the server closes."""
        while True:
            while len(self.unread) >= 9:
                frame, length = Frame.parse_frame_header(memoryview(self.unread[:9]))
                if len(self.unread) < 9 + length:
                    break
                frame.parse_body(memoryview(self.unread[9 : 9 + length]))
                self.unread = self.unread[9 + length :]
                yield frame
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                return
            if not data:
                return
            self.unread += data

    def goaway(self) -> int:
        """The code of the GOAWAY that ends the connection."""
        for frame in self.frames():
            if isinstance(frame, GoAwayFrame):
                return frame.error_code
        raise AssertionError("the connection ended without GOAWAY")

    def call(self, stream: int, message: bytes = b""):
        """A whole call in two frames."""
        self.send(self.head(stream), DataFrame(stream, framed(message), flags=["END_STREAM"]))

    def status(self, stream: int) -> str:
        """The `grpc-status` that ends the call."""
        for frame in self.frames():
            if isinstance(frame, HeadersFrame):
                fields = dict(self._decoder.decode(frame.data))
                if frame.stream_id == stream and "grpc-status" in fields:
                    return fields["grpc-status"]
        raise AssertionError("the connection ended before the call")
