"""The JSON mapping: what each spelling means, and what is no OTLP JSON."""

import base64
import json
import math

import pytest

from harness import otlp
from harness.otlp import JSON, REQUESTS
from harness.wire import ask, request

TRACE_ID, SPAN_ID = bytes(range(16)), bytes(range(8, 16))


def log_document(fields: str) -> bytes:
    return ('{"resourceLogs":[{"scopeLogs":[{"logRecords":[{' + fields + "}]}]}]}").encode()


def span_document(fields: str) -> bytes:
    return ('{"resourceSpans":[{"scopeSpans":[{"spans":[{' + fields + "}]}]}]}").encode()


def metric_document(fields: str) -> bytes:
    return ('{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{' + fields + "}]}]}]}").encode()


def log_message(**fields):
    message = REQUESTS["logs"]()
    message.resource_logs.add().scope_logs.add().log_records.add(**fields)
    return message


def span_message(**fields):
    message = REQUESTS["traces"]()
    message.resource_spans.add().scope_spans.add().spans.add(**fields)
    return message


def metric_message(**fields):
    message = REQUESTS["metrics"]()
    message.resource_metrics.add().scope_metrics.add().metrics.add(**fields)
    return message


def body(**value) -> dict:
    return {"body": value}


def hidden(value: str) -> str:
    return f'"unknown":{value},"severityText":"x"'


KNOWN = {"severity_text": "x"}
LOGS = {
    # Strings and escapes
    "escapes": (r'"severityText":"\"\\\/\b\f\n\r\t"', {"severity_text": '"\\/\b\f\n\r\t'}),
    "unicode escape": (r'"severityText":"\u00e9\u20AC"', {"severity_text": "é€"}),
    "surrogate pair": (r'"severityText":"\ud83d\ude00"', {"severity_text": "😀"}),
    "escaped NUL": (r'"severityText":"a\u0000b"', {"severity_text": "a\0b"}),
    "escape in a key": (r'"severity\u0054ext":"x"', KNOWN),
    "raw UTF-8": ('"severityText":"Größe 😀"', {"severity_text": "Größe 😀"}),
    "white space": ('\t"severityText"\r\n : \n "x" ', KNOWN),
    # Ids are hex in either case; an empty one is absent
    "trace id lower": (f'"traceId":"{TRACE_ID.hex()}"', {"trace_id": TRACE_ID}),
    "trace id upper": (f'"traceId":"{TRACE_ID.hex().upper()}"', {"trace_id": TRACE_ID}),
    "span id": (f'"spanId":"{SPAN_ID.hex()}"', {"span_id": SPAN_ID}),
    "empty id": ('"traceId":"","severityText":"x"', KNOWN),
    # Enums and 32-bit integers
    "enum": ('"severityNumber":17', {"severity_number": 17}),
    "unknown enum": ('"severityNumber":4242', {"severity_number": 4242}),
    "enum name": ('"severityNumber":"SEVERITY_NUMBER_INFO"', {"severity_number": 9}),
    "uint32 string": ('"droppedAttributesCount":"7"', {"dropped_attributes_count": 7}),
    "uint32 max": ('"flags":4294967295', {"flags": 2**32 - 1}),
    # 64-bit integers as strings and as numbers, exactly
    "uint64 string": (f'"timeUnixNano":"{2**64 - 1}"', {"time_unix_nano": 2**64 - 1}),
    "uint64 number": (f'"timeUnixNano":{2**64 - 1}', {"time_unix_nano": 2**64 - 1}),
    "2^53+1 string": (f'"timeUnixNano":"{2**53 + 1}"', {"time_unix_nano": 2**53 + 1}),
    "2^53+1 number": (f'"timeUnixNano":{2**53 + 1}', {"time_unix_nano": 2**53 + 1}),
    "int64 min string": (f'"body":{{"intValue":"{-(2**63)}"}}', body(int_value=-(2**63))),
    "int64 min number": (f'"body":{{"intValue":{-(2**63)}}}', body(int_value=-(2**63))),
    "int64 max number": (f'"body":{{"intValue":{2**63 - 1}}}', body(int_value=2**63 - 1)),
    "exponent": ('"timeUnixNano":1e3', {"time_unix_nano": 1000}),
    "exponent string": ('"timeUnixNano":"1e3"', {"time_unix_nano": 1000}),
    "point zero": ('"timeUnixNano":5.0', {"time_unix_nano": 5}),
    # Doubles
    "17 digits": ('"body":{"doubleValue":0.30000000000000004}', body(double_value=0.1 + 0.2)),
    "integer double": ('"body":{"doubleValue":7}', body(double_value=7.0)),
    "string double": ('"body":{"doubleValue":"1.5"}', body(double_value=1.5)),
    "infinity": ('"body":{"doubleValue":"Infinity"}', body(double_value=math.inf)),
    "minus infinity": ('"body":{"doubleValue":"-Infinity"}', body(double_value=-math.inf)),
    "subnormal": ('"body":{"doubleValue":5e-324}', body(double_value=5e-324)),
    "largest": ('"body":{"doubleValue":1.7976931348623157e308}', body(double_value=1.7976931348623157e308)),
    # Members of a oneof keep their type when they are a default
    "empty string": ('"body":{"stringValue":""}', body(string_value="")),
    "false": ('"body":{"boolValue":false}', body(bool_value=False)),
    "zero": ('"body":{"intValue":"0"}', body(int_value=0)),
    "zero double": ('"body":{"doubleValue":0.0}', body(double_value=0.0)),
    "empty bytes": ('"body":{"bytesValue":""}', body(bytes_value=b"")),
    "empty array": ('"body":{"arrayValue":{}}', body(array_value={})),
    "empty kvlist": ('"body":{"kvlistValue":{"values":[]}}', body(kvlist_value={})),
    "empty value": ('"body":{}', body()),
    "empty values in an array": (
        '"body":{"arrayValue":{"values":[{},{"intValue":1},{}]}}',
        body(array_value={"values": [{}, {"int_value": 1}, {}]}),
    ),
    "nested kvlist": (
        '"body":{"kvlistValue":{"values":[{"value":{"boolValue":true},"key":"k"}]}}',
        body(kvlist_value={"values": [{"key": "k", "value": {"bool_value": True}}]}),
    ),
    # Bytes: both alphabets, with and without padding
    "base64": ('"body":{"bytesValue":"+/8="}', body(bytes_value=b"\xfb\xff")),
    "base64url": ('"body":{"bytesValue":"-_8="}', body(bytes_value=b"\xfb\xff")),
    "no padding": ('"body":{"bytesValue":"+/8"}', body(bytes_value=b"\xfb\xff")),
    # Names in snake_case are understood, as the Go decoder does
    "snake_case": (
        f'"time_unix_nano":"5","severity_text":"x","trace_id":"{TRACE_ID.hex()}","body":{{"string_value":"y"}}',
        {"time_unix_nano": 5, "severity_text": "x", "trace_id": TRACE_ID, "body": {"string_value": "y"}},
    ),
    # Unknown names are ignored whatever their value
    "unknown object": (hidden('{"a":[{"severityText":"no"}],"b":{}}'), KNOWN),
    "unknown number": (hidden("-1.5e+300000"), KNOWN),
    "unknown string": (hidden(r'"\ud83d\ude00\u0000"'), KNOWN),
    "unknown literals": (hidden("[true,false,null]"), KNOWN),
    "unknown empty key": ('"":1,"severityText":"x"', KNOWN),
    "unknown deep": (hidden("[" * 50 + "]" * 50), KNOWN),
    "other case": ('"SeverityText":"no","severityText":"x"', KNOWN),
    # null is absent
    "null string": ('"severityText":null,"eventName":"x"', {"event_name": "x"}),
    "null id": ('"traceId":null,"severityText":"x"', KNOWN),
    "null number": ('"timeUnixNano":null,"severityText":"x"', KNOWN),
    "null enum": ('"severityNumber":null,"severityText":"x"', KNOWN),
    "null array": ('"attributes":null,"severityText":"x"', KNOWN),
    "null message": ('"body":null,"severityText":"x"', KNOWN),
    "event name": ('"eventName":"order.placed"', {"event_name": "order.placed"}),
}


@pytest.mark.parametrize("name", LOGS)
def test_a_spelling_means_what_the_mapping_says(through, name):
    fields, expected = LOGS[name]
    arrived = through("logs", log_document(fields), JSON)
    assert arrived == log_message(**expected)


def test_nan_is_a_string(through):
    arrived = through("logs", log_document('"body":{"doubleValue":"NaN"}'), JSON)
    value = arrived.resource_logs[0].scope_logs[0].log_records[0].body
    assert value.WhichOneof("value") == "double_value" and math.isnan(value.double_value)


def point(kind: str, fields: str, **expected):
    document = f'"name":"m","{kind}":{{"dataPoints":[{{{fields}}}]}}'
    field = {"exponentialHistogram": "exponential_histogram"}.get(kind, kind)
    return document, {"name": "m", field: {"data_points": [expected]}}


METRICS = {
    "no value": point("gauge", '"timeUnixNano":"1"', time_unix_nano=1),
    "int zero": point("gauge", '"asInt":"0"', as_int=0),
    "double zero": point("sum", '"asDouble":0', as_double=0.0),
    "counts of both kinds": point("histogram", '"bucketCounts":[1,"2"],"explicitBounds":[0.5]',
                                  bucket_counts=[1, 2], explicit_bounds=[0.5]),
    "no sum": point("histogram", '"count":"1"', count=1),
    "sum of zero": point("histogram", '"count":"1","sum":0,"min":0,"max":0', count=1, sum=0.0, min=0.0, max=0.0),
    "negative offset": point("exponentialHistogram", '"scale":-3,"zeroThreshold":0.25,"positive":{"offset":-7,"bucketCounts":["9"]}',
                             scale=-3, zero_threshold=0.25, positive={"offset": -7, "bucket_counts": [9]}),
    "quantiles": point("summary", '"quantileValues":[{"quantile":0.5,"value":2}]',
                       quantile_values=[{"quantile": 0.5, "value": 2.0}]),
    "exemplar ids": point("gauge", f'"asInt":1,"exemplars":[{{"traceId":"{TRACE_ID.hex()}","spanId":"{SPAN_ID.hex()}","asInt":"3"}}]',
                          as_int=1, exemplars=[{"trace_id": TRACE_ID, "span_id": SPAN_ID, "as_int": 3}]),
}  # fmt: skip


@pytest.mark.parametrize("name", METRICS)
def test_a_data_point_means_what_the_mapping_says(through, name):
    fields, expected = METRICS[name]
    assert through("metrics", metric_document(fields), JSON) == metric_message(**expected)


def test_ids_are_hex_in_spans_and_links_too(through):
    ids = f'"traceId":"{TRACE_ID.hex()}","spanId":"{SPAN_ID.hex().upper()}"'
    arrived = through("traces", span_document(f'{ids},"parentSpanId":"{SPAN_ID.hex()}","links":[{{{ids}}}]'), JSON)
    link = {"trace_id": TRACE_ID, "span_id": SPAN_ID}
    assert arrived == span_message(**link, parent_span_id=SPAN_ID, links=[link])


def test_the_order_of_keys_is_irrelevant(through):
    document = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityText":"x"}],"scope":{"name":"s"}}],"resource":{"attributes":[{"value":{"intValue":1},"key":"k"}]}}]}'
    expected = log_message(**KNOWN)
    expected.resource_logs[0].scope_logs[0].scope.name = "s"
    expected.resource_logs[0].resource.attributes.add(key="k").value.int_value = 1
    assert through("logs", document, JSON) == expected


NO_JSON = {
    "empty": b"",
    "blank": b"  ",
    "array": b"[]",
    "string": b'"x"',
    "number": b"1",
    "null document": b"nul",
    "trailing garbage": b"{}x",
    "two documents": b"{}{}",
    "trailing comma": b'{"a":1,}',
    "comment": b"{/*a*/}",
    "single quotes": b"{'a':1}",
    "no quotes": b"{a:1}",
    "no colon": b'{"a" 1}',
    "leading zero": b'{"a":01}',
    "plus": b'{"a":+1}',
    "bare point": b'{"a":1.}',
    "point first": b'{"a":.5}',
    "no exponent": b'{"a":1e}',
    "hex": b'{"a":0x1}',
    "bare NaN": b'{"a":NaN}',
    "bare infinity": b'{"a":-Infinity}',
    "raw control character": b'{"a":"\n"}',
    "raw NUL": b'{"a":"\0"}',
    "bad escape": rb'{"a":"\x41"}',
    "short escape": rb'{"a":"\u12"}',
    "lone high surrogate": log_document(r'"severityText":"\ud800"'),
    "lone low surrogate": log_document(r'"severityText":"\udc00"'),
    "invalid UTF-8": log_document('"severityText":"?"').replace(b"?", b"\xff"),
    "overlong UTF-8": log_document('"severityText":"?"').replace(b"?", b"\xc0\xaf"),
    "surrogate in UTF-8": log_document('"severityText":"?"').replace(b"?", b"\xed\xa0\x80"),
    "UTF-16": '{"resourceLogs":[]}'.encode("utf-16"),
    "tab outside": b"{\x0b}",
    "string for an array": b'{"resourceLogs":"x"}',
    "object for an array": b'{"resourceLogs":{}}',
    "number for a message": b'{"resourceLogs":[1]}',
    "number for a string": log_document('"severityText":1'),
    "string for a number": log_document('"timeUnixNano":"soon"'),
    "bool for a number": log_document('"timeUnixNano":true'),
    "fraction for an integer": log_document('"timeUnixNano":1.5'),
    "integer too large": log_document(f'"timeUnixNano":{2**64}'),
    "negative unsigned": log_document('"timeUnixNano":-1'),
    "32 bits too large": log_document(f'"flags":{2**32}'),
    "number for a bool": log_document('"body":{"boolValue":1}'),
    "double too large": log_document('"body":{"doubleValue":1e400}'),
    "odd hex": log_document('"traceId":"abc"'),
    "no hex": log_document('"spanId":"zzzzzzzzzzzzzzzz"'),
    "no base64": log_document('"body":{"bytesValue":"*"}'),
}


@pytest.mark.parametrize("name", NO_JSON)
def test_what_is_no_otlp_json_is_refused_with_its_place(daemon, name):
    answer = ask(daemon.address, request("/v1/logs", NO_JSON[name], JSON))
    assert answer.status == 400
    _, message = otlp.status_of(answer.body, JSON)
    assert any(character.isdigit() for character in message), f"no position in {message!r}"


def test_an_error_names_the_path_of_the_value(daemon):
    answer = ask(daemon.address, request("/v1/logs", log_document('"timeUnixNano":"soon"'), JSON))
    _, message = otlp.status_of(answer.body, JSON)
    assert "timeUnixNano" in message or "time_unix_nano" in message


def test_a_document_cut_at_any_byte_is_refused(daemon):
    document = otlp.as_json(otlp.traces(1))
    from harness.wire import Connection

    with Connection(daemon.address) as connection:
        for end in range(len(document)):
            answer = connection.send(request(body=document[:end], content_type=JSON)).answer()
            assert answer.status == 400, document[:end]


@pytest.mark.parametrize(
    "document",
    [
        b'{"a":' * 1_000_000,
        b'{"a":' + b"[" * 1_000_000,
        b'{"resourceLogs":' + b"[" * 1_000_000,
        log_document('"body":' + '{"arrayValue":{"values":[' * 200_000),
        log_document('"body":' + '{"kvlistValue":{"values":[{"key":"k","value":' * 100_000),
    ],
    ids=["unknown objects", "unknown arrays", "known arrays", "array values", "kvlists"],
)
def test_a_million_levels_are_refused_and_never_crash(daemon, document):
    assert ask(daemon.address, request("/v1/logs", document, JSON), timeout=30).status == 400


@pytest.mark.parametrize(
    "fields",
    ['"severityText":"a","severityText":"b"', '"body":{"intValue":1,"stringValue":"x"}', '"attributes":[],"attributes":[]'],
)
def test_duplicate_keys_are_no_server_error(daemon, fields):
    assert ask(daemon.address, request("/v1/logs", log_document(fields), JSON)).status in (200, 400)


def test_an_id_in_base64_is_understood_and_counted(through):
    # The commonest mistake of clients: the JSON mapping of protobuf instead of that of OTLP.
    fixes = "otlpd_json_lenient_fixes"
    before = through.daemon.metric(fixes, kind="base64_id")
    ids = {"traceId": base64.b64encode(TRACE_ID).decode(), "spanId": base64.b64encode(SPAN_ID).decode()}
    assert [len(text) for text in ids.values()] == [24, 12]
    arrived = through("traces", span_document(json.dumps(ids)[1:-1]), JSON)
    assert arrived == span_message(trace_id=TRACE_ID, span_id=SPAN_ID)
    assert through.daemon.metric(fixes, kind="base64_id") == before + 2


def test_a_byte_order_mark_is_no_server_error(daemon):
    assert ask(daemon.address, request(body=b"\xef\xbb\xbf{}", content_type=JSON)).status in (200, 400)
