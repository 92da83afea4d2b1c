"""The flat JSON of the store's attribute columns, written a second time: what the Swift one is held against."""

import base64
import json
import math


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _double(number: float) -> str:
    if math.isnan(number):
        return '{"$double":"NaN"}'
    if math.isinf(number):
        return '{"$double":"Infinity"}' if number > 0 else '{"$double":"-Infinity"}'
    return repr(number)


def value(message) -> str:
    """An AnyValue."""
    member = message.WhichOneof("value")
    match member:
        case None:
            return "null"
        case "string_value":
            return _text(message.string_value)
        case "bool_value":
            return "true" if message.bool_value else "false"
        case "int_value":
            return str(message.int_value)
        case "double_value":
            return _double(message.double_value)
        case "bytes_value":
            return '{"$bytes":"' + base64.b64encode(message.bytes_value).decode() + '"}'
        case "array_value":
            return "[" + ",".join(value(entry) for entry in message.array_value.values) + "]"
        case "kvlist_value":
            return attributes(message.kvlist_value.values)
    raise ValueError(member)


def attributes(pairs) -> str:
    """A list of KeyValue messages."""
    entries = []
    for pair in pairs:
        key = "$" + pair.key if pair.key.startswith("$") else pair.key
        entries.append(_text(key) + ":" + (value(pair.value) if pair.HasField("value") else '{"$absent":null}'))
    return "{" + ",".join(entries) + "}"
