"""Valid bodies made to cost as much as they can per byte: (name, signal, encoding) and the body, `size` bytes or so."""

RESOURCE = b'{"resourceSpans":[{"scopeSpans":[{"spans":['
SPANS_END = b"]}]}]}"


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def items(item: bytes, size: int) -> bytes:
    """Spans in one scope."""
    return field(1, field(2, item * (size // len(item))))


def deep(value: bytes, levels: int) -> bytes:
    for _ in range(levels):
        value = field(5, field(1, value))
    return value


def json_items(item: bytes, size: int) -> bytes:
    return RESOURCE + b",".join([item] * (size // (len(item) + 1))) + SPANS_END


def attribute(value: bytes) -> bytes:
    return field(2, field(9, field(1, b"k") + field(2, value)))


def points(item: bytes, size: int) -> bytes:
    """Data points of one exponential histogram."""
    return field(1, field(2, field(2, field(10, item * (size // len(item))))))


# The short fields of a span, each of them empty or zero.
SHORT_FIELDS = b"".join(
    field(number, b"") if number in (1, 2, 3, 4, 5, 9, 11, 13, 15) else varint(number << 3) + b"\0"
    for number in (1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15)
)


def bodies(size: int) -> dict[tuple[str, str, str], bytes]:
    span = field(2, b"")
    protobuf = {
        "empty spans": items(span, size),
        "empty resources": field(1, b"") * (size // 2),
        "spans with split statuses": items(field(2, field(15, b"") * 2), size),
        "one status in many parts": field(1, field(2, field(2, field(15, b"") * (size // 2)))),
        "one resource in many parts": field(1, field(1, b"") * (size // 2)),
        "resources behind their spans": field(1, field(2, b"") + field(1, b"")) * (size // 6),
        "spans with bad ids": items(field(2, field(1, b"x")), size),
        "bad ids and split statuses": items(field(2, field(1, b"x") + field(15, b"") * 2), size),
        "names given twice": items(field(2, field(5, b"") * 2), size),
        "every field, and a name twice": items(field(2, SHORT_FIELDS + field(5, b"")), size),
        "every field before and behind attributes": items(field(2, SHORT_FIELDS + field(9, b"") * 100 + SHORT_FIELDS), size),
        "lists in turns": items(field(2, (field(9, b"") + field(11, b"") + field(13, b"")) * 50 + field(5, b"") * 2), size),
        "an event in many that is split": items(field(2, field(11, field(2, b"") * 2) * 50), size),
        "attributes nested deeply": items(attribute(deep(b"", 44)), size),
        "split and nested deeply": items(field(2, field(15, b"") * 2 + field(9, field(2, deep(b"", 44)))), size),
        "two values, nested deeply": items(
            field(2, field(9, field(2, deep(b"\x10\x01" * 2, 44)))), size),
        "unknown groups": items(field(2, b"\x9b\x06\x9c\x06"), size),
        "groups inside groups": items(field(2, b"\x9b\x06" * 80 + b"\x9c\x06" * 80), size),
        "unknown fields": items(field(2, b"\xa0\x06\x01" * 8), size),
        "empty attributes": items(field(2, field(9, b"") * 16), size),
        "attributes beyond ASCII": items(attribute(field(1, "é☃".encode() * 4)), size),
        "long varints": items(field(2, b"\x30" + b"\x80" * 9 + b"\x00"), size),
    }
    known = b'{"name":"a"}'
    json = {
        "empty spans": json_items(b"{}", size),
        "unknown names": json_items(b'{"x":0}', size),
        "names in snake_case": json_items(b'{"trace_state":""}', size),
        "escaped names": json_items(b'{"\\u006eame":""}', size),
        "duplicate names": json_items(b'{"name":"","name":""}', size),
        "changing orders": json_items(b'{"flags":1,"kind":1},{"kind":1,"flags":1}', size),
        "escapes": json_items(b'{"name":"' + b"\\n" * 64 + b'"}', size),
        "surrogates": json_items(b'{"name":"' + b"\\ud83d\\ude00" * 16 + b'"}', size),
        "text beyond ASCII": json_items(b'{"name":"' + "aé".encode() * 32 + b'"}', size),
        "blanks": json_items(b'{ "name" : "" }', size),
        "line ends": json_items(b"{" + b"\n\t" * 32 + b"}", size),
        "long digit strings": json_items(b'{"startTimeUnixNano":1' + b"0" * 18 + b"e0}", size),
        "fractions of zeros": json_items(b'{"startTimeUnixNano":1.' + b"0" * 100 + b"}", size),
        "bad ids": json_items(b'{"traceId":"00"}', size),
        "base64 ids": json_items(b'{"spanId":"AAAAAAAAAAA="}', size),
        "nested unknown values": json_items(b'{"x":' + b"[" * 200 + b"]" * 200 + b"}", size),
        "null names": json_items(known.replace(b'"a"', b"null"), size),
    }
    doubles = b"1.2345678901234567890123e-5,"
    point = b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[{"explicitBounds":['
    both = field(8, b"\x08\x00") + field(9, b"\x08\x00")
    result = {(name, "traces", "protobuf"): body for name, body in protobuf.items()}
    result["split buckets in turns", "metrics", "protobuf"] = points(field(1, (both + field(1, b"")) * 30), size)
    result |= {(name, "traces", "json"): body for name, body in json.items()}
    result["doubles of many digits", "metrics", "json"] = point + (doubles * (size // len(doubles)))[:-1] + b"]}]}}]}]}]}"
    return result
