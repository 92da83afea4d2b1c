"""The golden files of Tests/Fuzz/corpus: one message of every kind as protobuf, JSON and, for attributes, flat JSON.

`.venv/bin/python Tests/Integration/harness/goldens.py` writes them; a test holds the files against this module, and
Swift tests read them in every direction. NAME.SIGNAL.pb and NAME.SIGNAL.json are one export request,
NAME.SIGNAL.response.* and NAME.status.* a reply, NAME.flat.json the attributes of the log record in NAME.logs.pb.
"""

import json
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from google.protobuf.descriptor import FieldDescriptor as Field
from google.rpc.status_pb2 import Status

from harness import flat, otlp
from harness.messages import ID_BYTES, is_member, known_fields
from harness.otlp import REQUESTS, RESPONSES, SIGNALS

CORPUS = Path(__file__).resolve().parents[2] / "Fuzz" / "corpus"
TEXTS = ["http.route", "GET /orders/{id}", 'é ☃ 😀 "quoted" back\\slash', "line\nend\ttab \x00\x1f\x7f"]
DOUBLES = [0.1, -2.5e-7, 1e300, 5.0]
EXTREMES = {
    Field.TYPE_STRING: ["\U0010ffff\uffff\u2028", "\r\b\f/", "x" * 300],
    Field.TYPE_BYTES: [bytes(range(256)), b"\xff", b""],
    Field.TYPE_BOOL: [True],
    Field.TYPE_DOUBLE: [5e-324, -0.0, float("inf"), float("-inf"), float("nan"), 1.7976931348623157e308],
    Field.TYPE_SINT32: [-(2**31), 2**31 - 1],
    Field.TYPE_ENUM: [-(2**31), 2**31 - 1],
    Field.TYPE_INT64: [-(2**63), 2**63 - 1, 2**53 + 1],
    Field.TYPE_SFIXED64: [-(2**63), 2**63 - 1, 2**53 + 1],
    Field.TYPE_UINT32: [2**32 - 1],
    Field.TYPE_FIXED32: [2**32 - 1],
    Field.TYPE_UINT64: [2**64 - 1, 2**53 + 1],
    Field.TYPE_FIXED64: [2**64 - 1, 2**53 + 1],
}


class Filler:
    """Fills messages with values that differ from one another, the same ones every time."""

    def __init__(self, extreme: bool = False):
        self.extreme = extreme
        self.made = 0

    def scalar(self, field):
        self.made += 1
        if field.name in ID_BYTES:
            return bytes((self.made + place) % 256 for place in range(ID_BYTES[field.name]))
        if self.extreme:
            values = EXTREMES[field.type]
            return values[self.made % len(values)]
        if field.type == Field.TYPE_STRING:
            return TEXTS[self.made % len(TEXTS)] + str(self.made)
        if field.type == Field.TYPE_BYTES:
            return bytes([self.made % 256, 0, 255, 254])
        if field.type == Field.TYPE_BOOL:
            return True
        if field.type == Field.TYPE_DOUBLE:
            return DOUBLES[self.made % len(DOUBLES)]
        if field.type == Field.TYPE_ENUM:
            return max(field.enum_type.values_by_number)
        if field.type in (Field.TYPE_SINT32, Field.TYPE_INT64, Field.TYPE_SFIXED64):
            return -self.made
        return self.made

    def fill(self, message, depth: int, member: str | None = None):
        """Sets every field; of the oneof `member`, or else its members in turn. Below `depth` messages are empty."""
        fields = known_fields(message.DESCRIPTOR)
        members = [field.name for field in fields if is_member(field)]
        if members and member is None:
            self.made += 1
            member = members[self.made % len(members)]
        for field in fields:
            if is_member(field) and field.name != member:
                continue
            if field.type != Field.TYPE_MESSAGE:
                if field.is_repeated:
                    getattr(message, field.name).extend(self.scalar(field) for _ in range(3))
                else:
                    setattr(message, field.name, self.scalar(field))
            elif field.is_repeated:
                entries = getattr(message, field.name)
                if depth > 0:
                    self.fill(entries.add(), depth - 1)
                entries.add()
            else:
                child = getattr(message, field.name)
                child.SetInParent()
                if depth > 0:
                    self.fill(child, depth - 1)


def paths(root) -> dict:
    """For every message type inside `root` the shortest way there, as field names."""
    found, waiting = {root.full_name: (root, [])}, [(root, [])]
    while waiting:
        descriptor, way = waiting.pop(0)
        for field in descriptor.fields:
            if field.type == Field.TYPE_MESSAGE and field.message_type.full_name not in found:
                found[field.message_type.full_name] = (field.message_type, [*way, field])
                waiting.append(found[field.message_type.full_name])
    return found


def holding(signal: str, way):
    """A request with only the messages on the way, and the last one."""
    request = message = REQUESTS[signal]()
    for field in way:
        message = getattr(message, field.name).add() if field.is_repeated else getattr(message, field.name)
        message.SetInParent()
    return request, message


def snake(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("_")


def requests() -> dict:
    """Every request by its file name without the suffix."""
    made = {}
    for signal in SIGNALS:
        # The two ends: nothing, and everything.
        made[f"empty.{signal}"] = REQUESTS[signal]()
        for name, filler in (("full", Filler()), ("extreme", Filler(extreme=True))):
            made[f"{name}.{signal}"] = REQUESTS[signal]()
            filler.fill(made[f"{name}.{signal}"], 9)
        for descriptor, way in paths(REQUESTS[signal].DESCRIPTOR).values():
            # What all signals share is in every signal's full request; by itself it is in the logs.
            if signal != "logs" and ".common." in descriptor.full_name or not way:
                continue
            members = [field.name for field in known_fields(descriptor) if is_member(field)]
            for member in members or [None]:
                name = snake(descriptor.name) + (f"-{member}" if member else "")
                made[f"{name}.{signal}"], message = holding(signal, way)
                Filler().fill(message, 1, member)
            made[f"{snake(descriptor.name)}-empty.{signal}"], _ = holding(signal, way)
    made["values.logs"] = values()
    made["zeros.metrics"] = zeros()
    return made


def values():
    """A log record with a value of every kind, nested, and set to the default of its kind."""
    request = REQUESTS["logs"]()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    array = record.body.array_value.values
    for member, samples in {
        "string_value": ["", "x", "\U0001f600", "$bytes"],
        "bool_value": [False, True],
        "int_value": [0, -(2**63), 2**63 - 1, 2**53 + 1],
        "double_value": [0.0, -0.0, 5.0, 1e16, 1e22, 1e-7, 5e-324, float("nan"), float("inf"), float("-inf")],
        "bytes_value": [b"", b"\xfb\xff", bytes(range(20))],
    }.items():
        for number, sample in enumerate(samples):
            setattr(array.add(), member, sample)
            setattr(record.attributes.add(key=f"{member}.{number}").value, member, sample)
    array.add()
    array.add().array_value.SetInParent()
    array.add().kvlist_value.SetInParent()
    for key in ("$ref", "$", "", "same", "same"):
        pairs = array.add().kvlist_value.values
        pairs.add(key=key).value.array_value.values.add().kvlist_value.values.add(key="deep").value.int_value = 1
        pairs.add(key="absent")
        record.attributes.add(key=key).value.CopyFrom(array[-1])
    record.attributes.add(key="absent")
    record.attributes.add(key="empty").value.SetInParent()
    return request


def zeros():
    """Points whose optional fields and oneof members are set to the defaults of their types."""
    request = REQUESTS["metrics"]()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    points = metrics.add().gauge.data_points
    points.add(as_int=0).exemplars.add(as_int=0)
    points.add(as_double=0.0).exemplars.add(as_double=0.0)
    points.add()
    metrics.add().histogram.data_points.add(sum=0.0, min=0.0, max=0.0, bucket_counts=[0, 0], explicit_bounds=[0.0])
    point = metrics.add().exponential_histogram.data_points.add(sum=0.0, min=-0.0, max=0.0)
    point.positive.bucket_counts.extend([0, 1, 0])
    point.negative.SetInParent()
    metrics.add().summary.data_points.add().quantile_values.add()
    metrics.add(name="no data")
    return request


COUNTS = {"traces": "rejected_spans", "metrics": "rejected_data_points", "logs": "rejected_log_records"}


def replies() -> dict:
    """Every reply by its file name without the suffix."""
    made = {"refusal.status": Status(code=3, message='spans[0].name: expected UTF-8, found "\ufffd" (at byte 7)\n')}
    for signal in SIGNALS:
        made[f"full_success.{signal}.response"] = RESPONSES[signal]()
        for name, count, message in (("partial_success", 300, '2 dropped: "é"\n'), ("warning", 0, "send hex ids")):
            response = made[f"{name}.{signal}.response"] = RESPONSES[signal]()
            response.partial_success.error_message = message
            setattr(response.partial_success, COUNTS[signal], count)
    return made


def compact(value) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def files() -> dict[str, bytes]:
    """Every golden file's contents by its name."""
    made = {}
    for name, message in {**requests(), **replies()}.items():
        made[f"{name}.pb"] = message.SerializeToString(deterministic=True)
        made[f"{name}.json"] = compact(otlp.as_object(message))
    for name, message in requests().items():
        for group in getattr(message, "resource_logs", ()):
            for record in [record for scope in group.scope_logs for record in scope.log_records][:1]:
                if record.attributes:
                    made[f"{name.removesuffix('.logs')}.flat.json"] = flat.attributes(record.attributes).encode()
    return made


def write():
    CORPUS.mkdir(parents=True, exist_ok=True)
    for name, contents in files().items():
        (CORPUS / name).write_bytes(contents)


if __name__ == "__main__":
    write()
