"""Random valid OTLP requests, filled field by field from the message descriptors."""

import random

from google.protobuf.descriptor import FieldDescriptor as Field

from harness.otlp import REQUESTS

# Profiles-only fields, which other receivers treat as unknown (common.proto), and so does JSON.
SKIPPED = {"key_strindex", "string_value_strindex"}
ID_BYTES = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}
# The way down to the items, which is never empty: an empty envelope need not arrive.
STRUCTURE = {"resource_spans", "resource_metrics", "resource_logs", "scope_spans", "scope_metrics", "scope_logs"}
ITEMS = {"spans", "log_records", "metrics", "data_points"}
# How deep values nest, and how many entries a list has, at most.
DEPTH_MAX, ENTRIES_MAX = 8, 3

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.-_/ "
ODD = "\0\x01\b\t\n\f\r\x1f\x7f\"\\/$'{}[]:,éß☃€\u2028\u2029\ufeff\uffff\ud7ff\ue000\U00010000😀\U0010ffff"
TEXTS = ["", "http.route", "service.name", "$bytes", "NaN", "null", "5", "ü" * 40, "long " * 30, "x" * 127, "x" * 128]
DOUBLES = [
    0.0, -0.0, 1.0, -1.0, 5.0, 0.1, 0.1 + 0.2, 1e-7, 1e16, 1e21, 1e22, 1e23, -1e300, 5e-324, -5e-324,
    2.2250738585072014e-308, 1.7976931348623157e308, 9007199254740993.0, 123456789012345680.0,
    float("inf"), float("-inf"), float("nan"),
]  # fmt: skip
BITS = {
    Field.TYPE_INT32: (32, True),
    Field.TYPE_SINT32: (32, True),
    Field.TYPE_ENUM: (32, True),
    Field.TYPE_INT64: (64, True),
    Field.TYPE_SFIXED64: (64, True),
    Field.TYPE_UINT32: (32, False),
    Field.TYPE_FIXED32: (32, False),
    Field.TYPE_UINT64: (64, False),
    Field.TYPE_FIXED64: (64, False),
}


def is_member(field) -> bool:
    """Whether the field belongs to a oneof of the .proto file, and not to one that `optional` makes."""
    return field.containing_oneof is not None and not field.containing_oneof.name.startswith("_")


def known_fields(descriptor) -> list:
    """The fields that a receiver of traces, metrics and logs reads."""
    return [field for field in descriptor.fields if field.name not in SKIPPED]


class Generator:
    """Makes messages; the same ones from the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def request(self, signal: str):
        """A request with at least one item, whose every field may hold anything its type allows."""
        message = REQUESTS[signal]()
        self.fill(message, 0)
        return message

    def fill(self, message, depth: int):
        fields = known_fields(message.DESCRIPTOR)
        members = [field for field in fields if is_member(field)]
        # A metric always has data, so that it has items.
        least = 0 if message.DESCRIPTOR.name == "Metric" else -1
        member = self.random.randint(least, len(members) - 1) if members else -1
        for field in fields:
            if is_member(field):
                if field is members[member] and member >= 0:
                    self.set(message, field, depth)
            elif field.is_repeated or self.random.random() < 0.5:
                self.set(message, field, depth)

    def set(self, message, field, depth: int):
        is_message = field.type == Field.TYPE_MESSAGE
        if field.is_repeated:
            entries = getattr(message, field.name)
            for _ in range(self.count(field, depth)):
                if is_message:
                    self.fill(entries.add(), depth + 1)
                else:
                    entries.append(self.scalar(field))
        elif is_message:
            child = getattr(message, field.name)
            child.SetInParent()
            if depth <= DEPTH_MAX or field.name in ("gauge", "sum", "histogram", "exponential_histogram", "summary"):
                self.fill(child, depth + 1)
        else:
            setattr(message, field.name, self.scalar(field))

    def count(self, field, depth: int) -> int:
        if field.name in STRUCTURE:
            return 1 if self.random.random() < 0.9 else 2
        if field.name in ITEMS:
            return self.random.choice((1, 1, 1, 2))
        return 0 if depth > DEPTH_MAX else self.random.choice((0, 0, 1, 1, 2, ENTRIES_MAX))

    def scalar(self, field):
        if field.name in ID_BYTES:
            return self.random.randbytes(ID_BYTES[field.name]) if self.random.random() < 0.8 else b""
        if field.type == Field.TYPE_STRING:
            return self.text()
        if field.type == Field.TYPE_BYTES:
            return self.random.randbytes(self.random.randint(0, 9))
        if field.type == Field.TYPE_BOOL:
            return self.random.random() < 0.5
        if field.type == Field.TYPE_DOUBLE:
            return self.double()
        if field.type == Field.TYPE_ENUM and self.random.random() < 0.8:
            return self.random.choice(list(field.enum_type.values_by_number))
        return self.integer(*BITS[field.type])

    def integer(self, bits: int, signed: bool) -> int:
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        if self.random.random() < 0.4:
            return self.random.choice((low, high, 0, 1, low + 1, high - 1, min(high, 2**53 + 1), min(high, 10**9)))
        value = self.random.getrandbits(self.random.randint(1, bits))
        return value - (1 << bits) if value > high else value

    def double(self) -> float:
        return self.random.choice(DOUBLES) if self.random.random() < 0.5 else self.random.uniform(-1e3, 1e3)

    def text(self) -> str:
        choice = self.random.random()
        if choice < 0.3:
            return self.random.choice(TEXTS)
        letters = LETTERS if choice < 0.6 else ODD + LETTERS
        return "".join(self.random.choices(letters, k=self.random.randint(1, 24)))
