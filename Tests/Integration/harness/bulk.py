"""Many requests through one otlpd, and what two collectors behind it get: one in protobuf, one in JSON."""

import json

import orjson

from harness import otlp
from harness.capture import Capture
from harness.daemon import Daemon, config
from harness.waiting import eventually
from harness.wire import Connection, request

GROUPS = {"traces": "resource_spans", "metrics": "resource_metrics", "logs": "resource_logs"}
JSON_GROUPS = {"traces": "resourceSpans", "metrics": "resourceMetrics", "logs": "resourceLogs"}


class Bulk:
    """A daemon with two sinks, and a kept connection to it. Everything arrives in the order it was sent in."""

    def __init__(self, directory):
        self.captures = {"proto": Capture(), "json": Capture()}
        exporters = {
            f"otlp_http/{encoding}": {
                "endpoint": capture.url,
                "encoding": encoding,
                "compression": "none",
                "sending_queue": {"num_consumers": 1},
            }
            for encoding, capture in self.captures.items()
        }
        self.daemon = Daemon(directory, config(exporters, journal={"durability": "memory"}))
        self.daemon.start()
        self._connection = Connection(self.daemon.address, timeout=30)

    def send(self, signal: str, bodies: list[tuple[str, bytes]]) -> list:
        """The answers to requests given as (content type, body), sent in one go."""
        for capture in self.captures.values():
            capture.received.clear()
        data = b"".join(request(otlp.PATHS[signal], body, content_type) for content_type, body in bodies)
        self._connection.send(data)
        return [self._connection.answer() for _ in bodies]

    def arrived(self, signal: str, count: int) -> tuple[list[bytes], list[bytes]]:
        """The next `count` resource groups as each collector got them: protobuf without what is unknown, and JSON."""
        eventually(lambda: self._protobuf_count(signal) >= count, seconds=60, every=0.002)
        protobuf = []
        for message in self.captures["proto"].messages(signal):
            message.DiscardUnknownFields()
            protobuf += [comparable(group) for group in getattr(message, GROUPS[signal])]
        bodies = eventually(lambda: self._json(signal, count), seconds=60, every=0.002)
        return protobuf, [comparable_json(group) for group in bodies]

    def _protobuf_count(self, signal: str) -> int:
        return sum(len(getattr(message, GROUPS[signal])) for message in self.captures["proto"].messages(signal))

    def _json(self, signal: str, count: int) -> list | None:
        groups = []
        for received in list(self.captures["json"].received):
            groups += orjson.loads(received.plain).get(JSON_GROUPS[signal], [])
        return groups if len(groups) >= count else None

    def close(self):
        assert self.daemon.process.poll() is None, f"otlpd died:\n{self.daemon.log}"
        self.daemon.close()
        for capture in self.captures.values():
            capture.close()


def comparable(message) -> bytes:
    """NaN differs from itself, so messages are compared as deterministic bytes."""
    return message.SerializeToString(deterministic=True)


def comparable_json(value) -> bytes:
    """As bytes, in which -0.0 is not 0.0."""
    return orjson.dumps(value)


def expected(signal: str, messages: list) -> tuple[list[bytes], list[bytes]]:
    """What `arrived` returns when every message arrives as it is."""
    groups = [group for message in messages for group in getattr(message, GROUPS[signal])]
    objects = [entry for message in messages for entry in otlp.as_object(message)[JSON_GROUPS[signal]]]
    return [comparable(group) for group in groups], [comparable_json(entry) for entry in objects]


def difference(found: list[bytes], wanted: list[bytes]) -> int | None:
    """The place of the first difference."""
    if found == wanted:
        return None
    pairs = enumerate(zip(found, wanted))
    return next((place for place, (left, right) in pairs if left != right), min(len(found), len(wanted)))


def from_json(signal: str, groups: list[bytes]) -> list[bytes]:
    """Groups in JSON as Python's protobuf reads them."""
    document = {JSON_GROUPS[signal]: [json.loads(group) for group in groups]}
    return [comparable(group) for group in getattr(otlp.from_object(document, signal), GROUPS[signal])]
