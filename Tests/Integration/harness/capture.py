"""An OTLP/HTTP server that keeps every request it gets and answers from a script."""

import gzip
import socket
import ssl
import struct
import threading
import zlib
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import zstandard

from harness.otlp import PROTOBUF, REQUESTS, RESPONSES

UNPACKERS = {
    None: bytes,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "zlib": zlib.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompress(body),
}


@dataclass
class Answer:
    """What the capture server says next."""

    status: int = 200
    headers: dict | None = None
    body: bytes | None = None
    seconds: float = 0
    # "whole"; "reset" and "close" end the connection without an answer; "trickle" sends the answer byte by byte;
    # "last" closes the connection behind the answer without saying so before.
    how: str = "whole"


@dataclass
class Received:
    """One request as it came over the wire, its decompressed body, the message if that is protobuf, and the answer."""

    path: str
    headers: dict
    body: bytes
    plain: bytes
    signal: str | None
    message: object
    answer: Answer
    peer: tuple
    certificate: dict | None = None
    tls_version: str | None = None
    method: str = "POST"

    def header(self, name: str) -> str | None:
        return self.headers.get(name.lower())


class Capture:
    """Listens on a free port of 127.0.0.1. Answers 200 unless `script` holds answers for the coming requests.

    `otherwise` is what it says when the script is over: an answer, or a function from a request's message to one.
    """

    def __init__(self, script=(), otherwise: Answer | None = None, server=ThreadingHTTPServer, tls: ssl.SSLContext | None = None):
        self.script = list(script)
        self.otherwise = otherwise or Answer()
        self.received: list[Received] = []
        self.open_connections = 0
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        capture = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self):
                super().setup()
                with capture._lock:
                    capture.open_connections += 1

            def finish(self):
                with capture._lock:
                    capture.open_connections -= 1
                super().finish()

            def do_POST(self):
                capture._handle(self)

            def log_message(self, *_):
                pass

        class Server(server):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request, client_address):
                pass  # A client that goes away is no news here.

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        if tls:
            # Each connection shakes hands in its own thread, so that a client that fails there stops nobody.
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def _handle(self, handler):
        body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        plain = UNPACKERS[headers.get("content-encoding")](body)
        signal = next((name for name in REQUESTS if handler.path.split("?")[0].endswith(name)), None)
        is_protobuf = signal and headers.get("content-type") == PROTOBUF
        message = REQUESTS[signal].FromString(plain) if is_protobuf else None
        secure = handler.connection if isinstance(handler.connection, ssl.SSLSocket) else None
        with self._lock:
            answer = self.script.pop(0) if self.script else self.otherwise
        if callable(answer):
            answer = answer(message)
        with self._lock:
            self.received.append(
                Received(
                    handler.path, headers, body, plain, signal, message, answer, handler.client_address,
                    secure and secure.getpeercert(), secure and secure.version(), handler.command,
                )
            )  # fmt: skip
        if answer.seconds:
            self._stopped.wait(answer.seconds)
        if answer.body is None:
            answer_body = RESPONSES[signal]().SerializeToString() if signal else b""
        else:
            answer_body = answer.body
        if answer.how in ("reset", "close"):
            return self._hang_up(handler, answer.how)
        handler.send_response(answer.status)
        for name, value in {"Content-Type": "application/x-protobuf", **(answer.headers or {})}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(answer_body)))
        handler.end_headers()
        if answer.how == "trickle":
            for byte in answer_body:
                handler.wfile.write(bytes([byte]))
                self._stopped.wait(0.02)
        else:
            handler.wfile.write(answer_body)
        if answer.how == "last":
            self._hang_up(handler, "close")

    @staticmethod
    def _hang_up(handler, how: str):
        if how == "reset":
            # Linger for no time: the kernel sends RST.
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True

    def messages(self, signal: str) -> list:
        with self._lock:
            return [request.message for request in self.received if request.signal == signal]

    def merged(self, signal: str):
        """All requests of one signal as one message, in the order of arrival."""
        whole = REQUESTS[signal]()
        for message in self.messages(signal):
            whole.MergeFrom(message)
        return whole

    def close(self):
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
