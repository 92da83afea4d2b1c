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
# The fields of a resource group with its scope groups, and of those with their records.
INNER = {"traces": ("scope_spans", "spans"), "metrics": ("scope_metrics", "metrics"), "logs": ("scope_logs", "log_records")}
JSON_INNER = {"traces": ("scopeSpans", "spans"), "metrics": ("scopeMetrics", "metrics"), "logs": ("scopeLogs", "logRecords")}


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

    def arrived(self, signal: str, count: int) -> tuple[list[bytes], list[bytes], list]:
        """The next `count` parts as each collector got them, protobuf without what is unknown, and the groups in JSON."""
        protobuf = eventually(lambda: self._protobuf(signal, count), seconds=60, every=0.002)
        text, groups = eventually(lambda: self._json(signal, count), seconds=60, every=0.002)
        return protobuf, text, groups

    def _protobuf(self, signal: str, count: int) -> list[bytes] | None:
        found = []
        for message in self.captures["proto"].messages(signal):
            message.DiscardUnknownFields()
            found += parts(signal, message)
        return found if len(found) >= count else None

    def _json(self, signal: str, count: int) -> tuple[list[bytes], list] | None:
        groups = []
        for received in list(self.captures["json"].received):
            groups += orjson.loads(received.plain).get(JSON_GROUPS[signal], [])
        found = [part for group in groups for part in json_parts(signal, group)]
        return (found, groups) if len(found) >= count else None

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


def without(message, field: str) -> bytes:
    frame = type(message)()
    frame.CopyFrom(message)
    frame.ClearField(field)
    return comparable(frame)


def parts(signal: str, message) -> list[bytes]:
    """Every record with its resource and scope: small requests of one resource and scope may arrive as one group."""
    scopes, records = INNER[signal]
    found = []
    for group in getattr(message, GROUPS[signal]):
        resource = without(group, scopes)
        heads = [(scope, resource + b"|" + without(scope, records)) for scope in getattr(group, scopes)]
        for scope, head in heads:
            found += [head + b"|" + comparable(record) for record in getattr(scope, records)] or [head]
        if not heads:
            found.append(resource)
    return found


def json_parts(signal: str, group: dict) -> list[bytes]:
    """The same of a group in JSON."""
    scopes, records = JSON_INNER[signal]
    resource = {key: value for key, value in group.items() if key != scopes}
    found = []
    for scope in group.get(scopes, []):
        head = [resource, {key: value for key, value in scope.items() if key != records}]
        found += [comparable_json([*head, record]) for record in scope.get(records, [])] or [comparable_json(head)]
    return found or [comparable_json([resource])]


def expected(signal: str, messages: list) -> tuple[list[list[bytes]], list[bytes]]:
    """What `arrived` returns when every message arrives as it is; the protobuf parts by message."""
    groups = [group for message in messages for group in otlp.as_object(message)[JSON_GROUPS[signal]]]
    text = [part for group in groups for part in json_parts(signal, group)]
    return [parts(signal, message) for message in messages], text


def difference(found: list[bytes], wanted: list[bytes]) -> int | None:
    """The place of the first difference."""
    if found == wanted:
        return None
    pairs = enumerate(zip(found, wanted))
    return next((place for place, (left, right) in pairs if left != right), min(len(found), len(wanted)))


def from_json(signal: str, groups: list) -> list[bytes]:
    """The parts of groups in JSON as Python's protobuf reads them."""
    return parts(signal, otlp.from_object(json.loads(orjson.dumps({JSON_GROUPS[signal]: groups})), signal))
