"""Bodies of realistic FastAPI server spans: about ten attributes each, as the Python instrumentation writes them."""

import base64
import json
import random

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

ROUTES = ["/orders", "/orders/{id}", "/customers/{id}/orders", "/search", "/health"]
# The load generator writes a new number here in every request.
MARK = b"BNCH"
IDS = {"traceId", "spanId", "parentSpanId"}


def attribute(owner, key: str, value):
    pair = owner.attributes.add(key=key)
    if isinstance(value, int):
        pair.value.int_value = value
    else:
        pair.value.string_value = value


def request(spans: int) -> ExportTraceServiceRequest:
    chance = random.Random(spans)
    message = ExportTraceServiceRequest()
    group = message.resource_spans.add()
    for key, value in {
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": "1.45.1",
        "service.name": "shop",
        "service.instance.id": "1f3c7b0a-52f6-4d5e-9a3e-2a7f6c0e8d11",
        "deployment.environment.name": "production",
    }.items():
        attribute(group.resource, key, value)
    scope = group.scope_spans.add()
    scope.scope.name = "opentelemetry.instrumentation.fastapi"
    scope.scope.version = "0.66b1"
    now = 1_767_225_600_000_000_000
    for _ in range(spans):
        route = chance.choice(ROUTES)
        start = now + chance.randrange(10**9)
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
