"""One request through otlpd to a capture server, and what arrives there."""

from harness import otlp
from harness.capture import Capture
from harness.daemon import Daemon, config
from harness.waiting import eventually
from harness.wire import Connection, request


class Through:
    """A daemon whose only sink forwards to a capture server, and a kept connection to it."""

    def __init__(self, directory):
        self.capture = Capture()
        exporter = {"endpoint": self.capture.url, "compression": "none", "sending_queue": {"num_consumers": 1}}
        self.daemon = Daemon(directory, config({"otlp_http": exporter}, journal={"durability": "memory"}))
        self.daemon.start()
        self._connection = Connection(self.daemon.address, timeout=20)

    def send(self, signal: str, body: bytes, content_type: str):
        """The answer to one request."""
        self.capture.received.clear()
        answer = self._connection.send(request(otlp.PATHS[signal], body, content_type)).answer()
        if answer is None or answer.header("connection") == "close":
            self._connection = Connection(self.daemon.address, timeout=20)
        return answer

    def __call__(self, signal: str, body: bytes, content_type: str):
        """The message that arrives after one request with at least one item was taken."""
        answer = self.send(signal, body, content_type)
        assert answer.status == 200, otlp.status_of(answer.body, content_type)
        return eventually(lambda: self.capture.messages(signal), every=0.001)[0]

    def close(self):
        assert self.daemon.process.poll() is None, f"otlpd died:\n{self.daemon.log}"
        self.daemon.close()
        self.capture.close()
