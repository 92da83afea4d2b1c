"""Bodies as a FastAPI server sends them: spans with about ten attributes, its log lines, and its request metrics."""

import base64
import json
import random

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

ROUTES = ["/orders", "/orders/{id}", "/customers/{id}/orders", "/search", "/health"]
# The load generator writes a new number here in every request.
MARK = b"BNCH"
IDS = {"traceId", "spanId", "parentSpanId"}
NOW = 1_767_225_600_000_000_000
# Bounds of `http.server.request.duration`, in seconds, as semantic conventions advise.
BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]


def attribute(owner, key: str, value):
    pair = owner.attributes.add(key=key)
    if isinstance(value, int):
        pair.value.int_value = value
    else:
        pair.value.string_value = value


def describe(resource):
    for key, value in {
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": "1.45.1",
        "service.name": "shop",
        "service.instance.id": "1f3c7b0a-52f6-4d5e-9a3e-2a7f6c0e8d11",
        "deployment.environment.name": "production",
    }.items():
        attribute(resource, key, value)


def request(spans: int) -> ExportTraceServiceRequest:
    chance = random.Random(spans)
    message = ExportTraceServiceRequest()
    group = message.resource_spans.add()
    describe(group.resource)
    scope = group.scope_spans.add()
    scope.scope.name = "opentelemetry.instrumentation.fastapi"
    scope.scope.version = "0.66b1"
    for _ in range(spans):
        route = chance.choice(ROUTES)
        start = NOW + chance.randrange(10**9)
        span = scope.spans.add(
            trace_id=MARK + chance.randbytes(12),
            span_id=chance.randbytes(8),
            parent_span_id=chance.randbytes(8),
            flags=0x301,
            name=f"GET {route}",
            kind=2,
            start_time_unix_nano=start,
            end_time_unix_nano=start + chance.randrange(10**8),
        )
        for key, value in {
            "url.scheme": "http",
            "server.address": "10.0.3.17:8000",
            "server.port": 8000,
            "network.protocol.version": "1.1",
            "url.path": route.replace("{id}", str(chance.randrange(10**6))),
            "http.request.method": "GET",
            "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "client.address": f"10.0.{chance.randrange(256)}.{chance.randrange(256)}",
            "client.port": chance.randrange(1024, 65536),
            "http.route": route,
            "http.response.status_code": chance.choice([200, 200, 200, 404]),
        }.items():
            attribute(span, key, value)
    return message


def logs(records: int) -> ExportLogsServiceRequest:
    """Lines of the access log and of a handler, each with its place in the code and its span."""
    chance = random.Random(records)
    message = ExportLogsServiceRequest()
    group = message.resource_logs.add()
    describe(group.resource)
    scope = group.scope_logs.add()
    scope.scope.name = "uvicorn.access"
    for _ in range(records):
        route, time = chance.choice(ROUTES), NOW + chance.randrange(10**9)
        record = scope.log_records.add(
            time_unix_nano=time,
            observed_time_unix_nano=time + chance.randrange(10**6),
            severity_number=9,
            severity_text="INFO",
            trace_id=chance.randbytes(16),
            span_id=chance.randbytes(8),
            flags=1,
        )
        record.body.string_value = f'10.0.3.{chance.randrange(256)}:{chance.randrange(1024, 65536)} - "GET {route} HTTP/1.1" 200'
        for key, value in {
            "code.file.path": "/srv/shop/.venv/lib/python3.13/site-packages/uvicorn/protocols/http/httptools_impl.py",
            "code.function.name": "send",
            "code.line.number": 473,
            "thread.name": "MainThread",
        }.items():
            attribute(record, key, value)
    return message


def metrics(points: int) -> ExportMetricsServiceRequest:
    """Half of the points are histograms of request durations with exemplars, half are counters."""
    chance = random.Random(points)
    message = ExportMetricsServiceRequest()
    group = message.resource_metrics.add()
    describe(group.resource)
    scope = group.scope_metrics.add()
    scope.scope.name = "opentelemetry.instrumentation.fastapi"
    durations = scope.metrics.add(
        name="http.server.request.duration", unit="s", description="Duration of HTTP server requests."
    ).histogram
    sizes = scope.metrics.add(name="http.server.response.bytes", unit="By").sum
    durations.aggregation_temporality = sizes.aggregation_temporality = 2
    sizes.is_monotonic = True
    for number in range(points):
        times = {"start_time_unix_nano": NOW, "time_unix_nano": NOW + 60 * 10**9}
        if number % 2:
            point = sizes.data_points.add(as_int=chance.randrange(10**8), **times)
        else:
            counts = [chance.randrange(1000) for _ in range(len(BOUNDS) + 1)]
            point = durations.data_points.add(
                bucket_counts=counts, explicit_bounds=BOUNDS, count=sum(counts), sum=chance.uniform(0, 1e4),
                min=chance.uniform(0, 1e-3), max=chance.uniform(5, 20), **times,
            )  # fmt: skip
            exemplar = point.exemplars.add(time_unix_nano=NOW + chance.randrange(10**9), as_double=chance.random())
            exemplar.trace_id, exemplar.span_id = chance.randbytes(16), chance.randbytes(8)
        for key, value in {
            "http.request.method": "GET",
            "http.response.status_code": chance.choice([200, 404]),
            "http.route": chance.choice(ROUTES),
            "url.scheme": "http",
            "network.protocol.version": "1.1",
        }.items():
            attribute(point, key, value)
    return message


def as_json(message) -> bytes:
    """OTLP JSON: ids in hex, enums as numbers."""

    def with_hex_ids(value):
        if isinstance(value, dict):
            return {
                key: base64.b64decode(entry).hex() if key in IDS else with_hex_ids(entry) for key, entry in value.items()
            }
        return [with_hex_ids(entry) for entry in value] if isinstance(value, list) else value

    document = with_hex_ids(json_format.MessageToDict(message, use_integers_for_enums=True))
    return json.dumps(document, separators=(",", ":")).encode()
