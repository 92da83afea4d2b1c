"""Random valid OTLP requests, drawn field by field from the message descriptors."""

from google.protobuf.descriptor import FieldDescriptor as Field
from hypothesis import strategies as st

from harness.otlp import REQUESTS

# Profiles-only fields, which other receivers treat as unknown (common.proto), and so does JSON.
SKIPPED = {"key_strindex", "string_value_strindex"}
ID_BYTES = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}
# How deep values nest, and how many entries a list has, at most.
DEPTH_MAX, ENTRIES_MAX = 4, 3

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
DOUBLE = st.floats(allow_nan=True, allow_subnormal=True).map(lambda number: float("nan") if number != number else number)


def bounded(bits: int, signed: bool):
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return st.one_of(st.sampled_from([low, high, 0, 1, min(high, 2**53 + 1)]), st.integers(low, high))


SCALARS = {
    Field.TYPE_STRING: TEXT,
    Field.TYPE_BYTES: st.binary(max_size=9),
    Field.TYPE_BOOL: st.booleans(),
    Field.TYPE_DOUBLE: DOUBLE,
    Field.TYPE_INT32: bounded(32, True),
    Field.TYPE_SINT32: bounded(32, True),
    Field.TYPE_INT64: bounded(64, True),
    Field.TYPE_SFIXED64: bounded(64, True),
    Field.TYPE_UINT32: bounded(32, False),
    Field.TYPE_FIXED32: bounded(32, False),
    Field.TYPE_UINT64: bounded(64, False),
    Field.TYPE_FIXED64: bounded(64, False),
}


def scalar(field):
    if field.name in ID_BYTES:
        size = ID_BYTES[field.name]
        return st.one_of(st.just(b""), st.binary(min_size=size, max_size=size))
    if field.type == Field.TYPE_ENUM:
        return st.sampled_from([*field.enum_type.values_by_number, 1234])
    return SCALARS[field.type]


def fill(draw, message, depth: int):
    """Sets some of the message's fields; of each oneof at most one member."""
    descriptor = message.DESCRIPTOR
    chosen = {one.name: draw(st.sampled_from([None, *one.fields])) for one in descriptor.oneofs}
    for field in descriptor.fields:
        if field.name in SKIPPED:
            continue
        if field.containing_oneof is not None:
            if chosen[field.containing_oneof.name] is not field:
                continue
        elif not field.is_repeated and not draw(st.booleans()):
            continue
        set_field(draw, message, field, depth)


def set_field(draw, message, field, depth: int):
    is_message = field.type == Field.TYPE_MESSAGE
    if field.is_repeated:
        entries = getattr(message, field.name)
        # The way down to the items is never empty; elsewhere depth ends it.
        on_the_way = field.name.startswith(("resource_", "scope_")) or field.name in ("spans", "log_records", "metrics")
        least = 1 if on_the_way else 0
        most = 1 if on_the_way else ENTRIES_MAX if depth < DEPTH_MAX + 4 else 0
        for _ in range(draw(st.integers(least, max(least, most)))):
            if is_message:
                fill(draw, entries.add(), depth + 1)
            else:
                entries.append(draw(scalar(field)))
    elif is_message:
        child = getattr(message, field.name)
        child.SetInParent()
        if depth < DEPTH_MAX + 5:
            fill(draw, child, depth + 1)
    else:
        setattr(message, field.name, draw(scalar(field)))


@st.composite
def requests(draw, signal: str):
    """A request with at least one item, whose every field may hold anything its type allows."""
    message = REQUESTS[signal]()
    fill(draw, message, 0)
    if signal == "metrics":
        # An item is a data point: a metric without one is an empty envelope, which need not arrive.
        for metric in message.resource_metrics[0].scope_metrics[0].metrics:
            if metric.WhichOneof("data") is None:
                metric.gauge.SetInParent()
            points = getattr(metric, metric.WhichOneof("data")).data_points
            if not points:
                points.add(time_unix_nano=1)
    return message
