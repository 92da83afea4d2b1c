"""OTLP/gRPC as the SDKs and other collectors speak it."""

import grpc

from harness.otlp import REQUESTS, RESPONSES

METHODS = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"


class Client:
    """One channel, which is one connection."""

    def __init__(self, address: str, *options, credentials: grpc.ChannelCredentials | None = None):
        """`credentials`: for TLS; none for plain text."""
        # Channels with the same arguments would share one connection.
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1), *options]
        if credentials is None:
            self.channel = grpc.insecure_channel(address, options=options)
        else:
            self.channel = grpc.secure_channel(address, credentials, options=options)

    def method(self, signal: str, path: str | None = None):
        return self.channel.unary_unary(
            path or METHODS[signal],
            request_serializer=lambda message: message if isinstance(message, bytes) else message.SerializeToString(),
            response_deserializer=RESPONSES[signal].FromString,
        )

    def export(self, signal: str, message, path: str | None = None, timeout: float = 20, **settings):
        return self.method(signal, path)(message, timeout=timeout, **settings)

    def failure(self, signal: str, message, path: str | None = None, **settings) -> grpc.RpcError:
        """The error that a call ends with."""
        try:
            answer = self.export(signal, message, path, **settings)
        except grpc.RpcError as error:
            return error
        raise AssertionError(f"the call succeeded: {answer}")

    def close(self):
        self.channel.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def framed(message: bytes, length: int | None = None) -> bytes:
    """A message that is not compressed, behind its length, which may be another than its own."""
    return b"\0" + (len(message) if length is None else length).to_bytes(4, "big") + message


def empty(signal: str):
    return REQUESTS[signal]()
