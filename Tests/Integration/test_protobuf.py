"""The protobuf wire: every shape the encoding allows, and the bytes that are none."""

import random

import pytest

from harness import otlp
from harness.otlp import PROTOBUF, REQUESTS
from harness.wire import Connection, ask, request


def varint(number: int, length: int = 0) -> bytes:
    """A varint, padded with redundant bytes to `length`."""
    out = []
    while True:
        out.append(number & 0x7F)
        number >>= 7
        if number == 0 and len(out) >= length:
            break
    return bytes([byte | 0x80 for byte in out[:-1]] + [out[-1]])


def tag(field: int, wire_type: int) -> bytes:
    return varint(field << 3 | wire_type)


def block(field: int, content: bytes) -> bytes:
    return tag(field, 2) + varint(len(content)) + content


def log_body(record: bytes) -> bytes:
    """A request with one log record of these bytes."""
    return block(1, block(2, block(2, record)))


def metric_body(metric: bytes) -> bytes:
    return block(1, block(2, block(2, metric)))


def log_message(**fields):
    message = REQUESTS["logs"]()
    message.resource_logs.add().scope_logs.add().log_records.add(**fields)
    return message


TEXT = block(3, b"x")
KNOWN = {"severity_text": "x"}
GROUP = tag(99, 3) + varint(8) + b"\x01" + tag(99, 4)
LOGS = {
    "non-minimal varint": (tag(2, 0) + varint(9, 10), {"severity_number": 9}),
    "negative enum in ten bytes": (tag(2, 0) + varint(2**64 - 1), {"severity_number": -1}),
    "non-minimal tag": (varint(3 << 3 | 2, 3) + b"\x01x", KNOWN),
    "non-minimal length": (tag(3, 2) + varint(1, 4) + b"x", KNOWN),
    "last scalar wins": (block(3, b"a") + TEXT, KNOWN),
    "fields in another order": (block(12, b"e") + TEXT, {"event_name": "e", **KNOWN}),
    "unknown enum": (tag(2, 0) + varint(4242), {"severity_number": 4242}),
    "split message merges": (
        block(5, block(5, block(1, block(1, b"a")))) + block(5, block(5, block(1, block(1, b"b")))),
        {"body": {"array_value": {"values": [{"string_value": "a"}, {"string_value": "b"}]}}},
    ),
    "last oneof member wins": (block(5, tag(2, 0) + b"\x01" + block(1, b"s")), {"body": {"string_value": "s"}}),
    "split oneof over messages": (block(5, tag(2, 0) + b"\x01") + block(5, block(1, b"s")), {"body": {"string_value": "s"}}),
}


@pytest.mark.parametrize("name", LOGS)
def test_every_legal_shape_is_read_as_the_reference_reads_it(through, name):
    record, expected = LOGS[name]
    body = log_body(record)
    assert REQUESTS["logs"].FromString(body) == log_message(**expected), "the table is right"
    assert through("logs", body, PROTOBUF) == log_message(**expected)


@pytest.mark.parametrize(
    "unknown",
    [tag(99, 0) + b"\x05", tag(99, 1) + b"\0" * 8, tag(99, 5) + b"\0" * 4, block(99, b"\xff\xfe"), GROUP, GROUP * 3,
     tag(3, 0) + b"\x05", tag(1, 2) + b"\x01x", tag(2**29 - 1, 0) + b"\x01"],
    ids=["varint", "64 bits", "32 bits", "bytes", "group", "groups", "string as varint", "fixed as bytes", "last field"],
)  # fmt: skip
def test_unknown_fields_pass(through, unknown):
    for record in (unknown + TEXT, TEXT + unknown):
        arrived = through("logs", log_body(record), PROTOBUF)
        assert arrived.resource_logs[0].scope_logs[0].log_records[0].severity_text == "x"


def test_packed_and_unpacked_numbers_are_the_same(through):
    counts, bounds = (3, 300), (0.5, 2.5)
    import struct

    raw = [struct.pack("<Q", count) for count in counts], [struct.pack("<d", bound) for bound in bounds]
    packed = block(6, b"".join(raw[0])) + block(7, b"".join(raw[1]))
    unpacked = b"".join(tag(6, 1) + value for value in raw[0]) + b"".join(tag(7, 1) + value for value in raw[1])
    for point in (packed, unpacked, unpacked[:9] + packed[18:] + unpacked[9:18]):
        body = metric_body(block(1, b"m") + block(9, block(1, point)))
        assert through("metrics", body, PROTOBUF) == REQUESTS["metrics"].FromString(body)


def test_a_split_resource_and_a_late_resource_reach_all_their_records(through):
    def named(key):
        return block(1, block(1, block(1, key) + block(2, block(1, b"v"))))

    scope = block(2, block(2, TEXT))
    for group in (named(b"a") + named(b"b") + scope, scope + named(b"a"), named(b"a") + scope + named(b"b")):
        body = block(1, group)
        arrived = through("logs", body, PROTOBUF)
        assert otlp.items(arrived) == otlp.items(REQUESTS["logs"].FromString(body))


def test_newer_stable_fields_survive(through):
    message = otlp.traces(1)
    group = message.resource_spans[0]
    group.schema_url = "https://opentelemetry.io/schemas/1.40.0"
    group.resource.dropped_attributes_count = 3
    group.resource.entity_refs.add(type="service", id_keys=["service.name"])
    scope = group.scope_spans[0]
    scope.schema_url = "https://example.com/scope"
    otlp.attribute(scope.scope, "scope.key", 1)
    span = scope.spans[0]
    span.flags = 0xFFFF0301
    span.trace_state = "a=b"
    span.links.add(trace_id=b"t" * 16, span_id=b"s" * 8, flags=0x80000101)
    span.events.add(name="e", time_unix_nano=1, dropped_attributes_count=2)
    assert through("traces", message.SerializeToString(), PROTOBUF) == message


BAD = {
    "field 0": b"\x00\x01",
    "field 0 as bytes": b"\x02\x00",
    "wire type 6": tag(9, 6) + b"\x01",
    "wire type 7": tag(9, 7) + b"\x01",
    "end of no group": tag(99, 4),
    "group never ends": tag(99, 3) + b"\x08\x01",
    "group ends as another": tag(99, 3) + tag(98, 4),
    "varint of eleven bytes": tag(9, 0) + b"\xff" * 10 + b"\x01",
    "varint without an end": tag(9, 0) + b"\xff",
    "tag of eleven bytes": b"\x80" * 10 + b"\x01",
    "length 2^31": tag(1, 2) + varint(2**31),
    "length 2^32": tag(1, 2) + varint(2**32),
    "length 2^63": tag(1, 2) + varint(2**63),
    "length 2^64-1": tag(1, 2) + varint(2**64 - 1),
    "length of one too many": tag(1, 2) + varint(1),
    "child longer than its parent": block(1, tag(2, 2) + varint(5) + b"abc"),
    "invalid UTF-8": log_body(block(3, b"a\xffb")),
    "overlong UTF-8": log_body(block(3, b"\xc0\xaf")),
    "surrogate": log_body(block(3, b"\xed\xa0\x80")),
    "invalid UTF-8 in a key": log_body(block(6, block(1, b"\xff"))),
    "invalid UTF-8 in a nested value": log_body(block(5, block(5, block(1, block(1, b"\xfe"))))),
    "fixed of seven bytes": log_body(tag(1, 1) + b"\0" * 7),
    "JSON": b'{"resourceLogs":[]}',
}


@pytest.mark.parametrize("name", BAD)
def test_bytes_that_are_no_protobuf_are_refused_with_their_place(daemon, name):
    answer = ask(daemon.address, request("/v1/logs", BAD[name]))
    assert answer.status == 400
    _, message = otlp.status_of(answer.body, PROTOBUF)
    assert any(character.isdigit() for character in message), f"no position in {message!r}"


def levels(count: int) -> bytes:
    """A log body of `count` nested arrays."""
    value = b""
    for _ in range(count):
        value = block(5, block(1, value))
    return log_body(block(5, value))


def deep_value(count: int) -> bytes:
    # Built from lengths, inside out, since copying each level would take for ever.
    lengths = [0]
    for _ in range(2 * count):
        lengths.append(lengths[-1] + 1 + len(varint(lengths[-1])))
    out = b"".join(
        (tag(5, 2) if level % 2 == 0 else tag(1, 2)) + varint(lengths[level - 1]) for level in range(2 * count, 0, -1)
    )
    return log_body(block(5, out))


def test_fifteen_levels_are_kept(through):
    body = levels(15)
    assert through("logs", body, PROTOBUF) == REQUESTS["logs"].FromString(body)


def test_what_the_reference_decoder_cannot_read_is_refused(daemon):
    with Connection(daemon.address) as connection:
        for count in range(20, 60):
            body = levels(count)
            try:
                REQUESTS["logs"].FromString(body)
                readable = True
            except Exception:
                readable = False
            status = connection.send(request("/v1/logs", body)).answer().status
            assert status == 400 if not readable else status in (200, 400), count


@pytest.mark.parametrize("body", [deep_value(400_000), tag(99, 3) * 400_000, log_body(tag(99, 3) * 400_000)])
def test_hundreds_of_thousands_of_levels_do_not_crash(daemon, body):
    assert ask(daemon.address, request("/v1/logs", body), timeout=30).status == 400


@pytest.mark.parametrize("signal", otlp.SIGNALS)
def test_a_message_cut_anywhere_is_judged_as_the_reference_does(daemon, signal):
    body = otlp.MAKERS[signal](2).SerializeToString()
    with Connection(daemon.address) as connection:
        for end in range(len(body)):
            try:
                REQUESTS[signal].FromString(body[:end])
                expected = 200
            except Exception:
                expected = 400
            answer = connection.send(request(otlp.PATHS[signal], body[:end])).answer()
            assert answer.status == expected, end


@pytest.mark.parametrize("signal", otlp.SIGNALS)
def test_flipped_bits_and_random_bytes_are_judged_as_the_reference_does(daemon, signal):
    chance = random.Random(4317)
    original = otlp.MAKERS[signal](2).SerializeToString()
    with Connection(daemon.address) as connection:
        for _ in range(1500):
            body = bytearray(original)
            for _ in range(chance.randint(1, 3)):
                body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
            if chance.random() < 0.2:
                body = bytearray(chance.randbytes(chance.randint(0, 60)))
            try:
                REQUESTS[signal].FromString(bytes(body))
                expected = 200
            except Exception:
                expected = 400
            answer = connection.send(request(otlp.PATHS[signal], bytes(body))).answer()
            assert answer.status == expected, bytes(body).hex()
