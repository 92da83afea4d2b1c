"""An OTLP/gRPC server that keeps every call it gets and answers from a script."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from harness.otlp import REQUESTS, RESPONSES

SERVICES = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
}


@dataclass
class Call:
    """One call with its metadata, and what the library says about it."""

    signal: str
    metadata: dict
    message: object
    seconds_left: float | None
    auth: dict
    peer: str

    def header(self, name: str) -> str | None:
        return self.metadata.get(name)


@dataclass
class Failure:
    """How the next call ends, if not well."""

    code: grpc.StatusCode
    message: str = ""
    retry_seconds: float | None = None


class GRPCCapture:
    """Listens on 127.0.0.1. Answers OK unless `script` holds something else for the next calls: a `Failure`, a response,
    or seconds to wait."""

    def __init__(self, script=(), credentials: grpc.ServerCredentials | None = None, options=(), port: int = 0):
        self.script = list(script)
        self.calls: list[Call] = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0), *options])
        for signal, service in SERVICES.items():
            self._server.add_generic_rpc_handlers((self._handler(signal, service),))
        if credentials is None:
            self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        else:
            self.port = self._server.add_secure_port(f"127.0.0.1:{port}", credentials)
        self.address = f"127.0.0.1:{self.port}"
        self._server.start()

    def _handler(self, signal: str, service: str):
        method = grpc.unary_unary_rpc_method_handler(
            lambda request, context: self._export(signal, request, context),
            request_deserializer=REQUESTS[signal].FromString,
            response_serializer=lambda response: response.SerializeToString(),
        )
        return grpc.method_handlers_generic_handler(service, {"Export": method})

    def _export(self, signal: str, message, context):
        call = Call(
            signal,
            {pair.key: pair.value for pair in context.invocation_metadata()},
            message,
            context.time_remaining(),
            {key: list(values) for key, values in context.auth_context().items()},
            context.peer(),
        )
        with self._lock:
            step = self.script.pop(0) if self.script else None
            self.calls.append(call)
        if isinstance(step, float):
            self._stopped.wait(step)
        if not isinstance(step, Failure):
            return step if isinstance(step, RESPONSES[signal]) else RESPONSES[signal]()
        if step.retry_seconds is not None:
            wait = Duration()
            wait.FromNanoseconds(int(step.retry_seconds * 1e9))
            detail = Any()
            detail.Pack(RetryInfo(retry_delay=wait))
            status = Status(code=step.code.value[0], message=step.message, details=[detail])
            context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(step.code, step.message)

    def merged(self, signal: str):
        """All calls of one signal as one message, in the order of arrival."""
        whole = REQUESTS[signal]()
        with self._lock:
            for call in self.calls:
                if call.signal == signal:
                    whole.MergeFrom(call.message)
        return whole

    def close(self):
        self._stopped.set()
        self._server.stop(0).wait(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
