"""OTLP messages of the tests: types by signal, small requests, their items and their JSON form."""

import base64
import json
import time

from google.protobuf import json_format
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

SIGNALS = ("traces", "metrics", "logs")
PATHS = {signal: f"/v1/{signal}" for signal in SIGNALS}
REQUESTS = {
    "traces": trace_service_pb2.ExportTraceServiceRequest,
    "metrics": metrics_service_pb2.ExportMetricsServiceRequest,
    "logs": logs_service_pb2.ExportLogsServiceRequest,
}
RESPONSES = {
    "traces": trace_service_pb2.ExportTraceServiceResponse,
    "metrics": metrics_service_pb2.ExportMetricsServiceResponse,
    "logs": logs_service_pb2.ExportLogsServiceResponse,
}
PROTOBUF = "application/x-protobuf"
JSON = "application/json"
NOW = time.time_ns()


def attribute(owner, key: str, value):
    pair = owner.attributes.add(key=key)
    if isinstance(value, bool):
        pair.value.bool_value = value
    elif isinstance(value, int):
        pair.value.int_value = value
    elif isinstance(value, float):
        pair.value.double_value = value
    elif isinstance(value, bytes):
        pair.value.bytes_value = value
    else:
        pair.value.string_value = value


def traces(count: int = 1, service: str = "shop", name: str = "GET /orders", size: int = 0):
    """`count` server spans of one trace per call."""
    request = REQUESTS["traces"]()
    group = request.resource_spans.add()
    attribute(group.resource, "service.name", service)
    scope = group.scope_spans.add()
    scope.scope.name = "tests"
    trace_id = time.time_ns().to_bytes(16, "big")
    for index in range(count):
        span = scope.spans.add(
            trace_id=trace_id,
            span_id=(index + 1).to_bytes(8, "big"),
            name=name,
            kind=2,
            start_time_unix_nano=NOW,
            end_time_unix_nano=NOW + 5_000_000,
        )
        attribute(span, "http.route", "/orders")
        attribute(span, "http.response.status_code", 200)
        if size:
            attribute(span, "padding", "x" * size)
    return request


def logs(count: int = 1, service: str = "shop", body: str = "hello", size: int = 0):
    request = REQUESTS["logs"]()
    group = request.resource_logs.add()
    attribute(group.resource, "service.name", service)
    scope = group.scope_logs.add()
    for _ in range(count):
        record = scope.log_records.add(time_unix_nano=NOW, severity_number=9, severity_text="INFO")
        record.body.string_value = body + "x" * size
    return request


def metrics(count: int = 1, service: str = "shop", name: str = "requests", size: int = 0):
    request = REQUESTS["metrics"]()
    group = request.resource_metrics.add()
    attribute(group.resource, "service.name", service)
    metric = group.scope_metrics.add().metrics.add(name=name, unit="1", description="d" * size)
    for index in range(count):
        metric.gauge.data_points.add(time_unix_nano=NOW, as_int=index)
    return request


MAKERS = {"traces": traces, "metrics": metrics, "logs": logs}

# JSON: OTLP/HTTP "JSON Protobuf Encoding", which differs from protobuf's own JSON in ids and enums.

_IDS = {"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"}


def with_hex_ids(value):
    """protobuf's JSON object with OTLP's ids."""
    if isinstance(value, dict):
        return {
            key: base64.b64decode(entry).hex() if key in _IDS and isinstance(entry, str) else with_hex_ids(entry)
            for key, entry in value.items()
        }
    if isinstance(value, list):
        return [with_hex_ids(entry) for entry in value]
    return value


def as_object(message) -> dict:
    """The message as an OTLP JSON object."""
    return with_hex_ids(json_format.MessageToDict(message, use_integers_for_enums=True))


def from_object(document: dict, signal: str):
    """The request that an OTLP JSON object holds."""
    return json_format.ParseDict(_with_base64_ids(document), REQUESTS[signal]())


def _with_base64_ids(value):
    if isinstance(value, dict):
        return {
            key: base64.b64encode(bytes.fromhex(entry)).decode() if key in _IDS else _with_base64_ids(entry)
            for key, entry in value.items()
        }
    if isinstance(value, list):
        return [_with_base64_ids(entry) for entry in value]
    return value


def as_json(message) -> bytes:
    return json.dumps(as_object(message)).encode()


def encoded(message, content_type: str) -> bytes:
    return message.SerializeToString() if content_type == PROTOBUF else as_json(message)


def status_of(body: bytes, content_type: str) -> tuple[int, str]:
    """Code and message of a google.rpc.Status body."""
    if content_type == JSON:
        document = json.loads(body)
        return document.get("code", 0), document["message"]
    status = Status.FromString(body)
    return status.code, status.message


def items(message) -> list[bytes]:
    """Every item with its resource, scope and metric, as a sorted list of bytes: what batching must not change."""
    found = []

    def add(*parts):
        found.append(b"\0".join(part if isinstance(part, bytes) else part.SerializeToString(True) for part in parts))

    for field in ("resource_spans", "resource_logs", "resource_metrics"):
        for group in getattr(message, field, ()):
            about = (group.resource, group.schema_url.encode())
            for scope in getattr(group, field.replace("resource", "scope")):
                where = (*about, scope.scope, scope.schema_url.encode())
                for span in getattr(scope, "spans", ()):
                    add(*where, span)
                for record in getattr(scope, "log_records", ()):
                    add(*where, record)
                for metric in getattr(scope, "metrics", ()):
                    kind = metric.WhichOneof("data")
                    shell = type(metric).FromString(metric.SerializeToString())
                    if kind is None:
                        continue
                    shell_data = getattr(shell, kind)
                    del shell_data.data_points[:]
                    for point in getattr(metric, kind).data_points:
                        add(*where, shell, point)
    return sorted(found)
