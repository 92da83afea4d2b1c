"""Clients that send until their input ends, each record until it is acknowledged: load.py NAME.

HTTP clients open a connection for every few requests, gRPC clients keep theirs. Prints, as JSON, how many records were
acknowledged, how often a connection was refused, and what else went wrong on the way.
"""

import collections
import http.client
import json
import sys
import threading

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc

NAME = sys.argv[1]
REQUESTS_PER_CONNECTION = 5
HTTP_CLIENTS, GRPC_CLIENTS = 4, 2

has_ended = threading.Event()
acknowledged = collections.Counter()
errors = collections.Counter()


def request(body: str):
    message = logs_service_pb2.ExportLogsServiceRequest()
    record = message.resource_logs.add().scope_logs.add().log_records.add()
    record.time_unix_nano = 1
    record.body.string_value = body
    return message


def over_http(client: str):
    number, used, connection = 0, 0, None
    while not has_ended.is_set():
        try:
            if connection is None:
                connection, used = http.client.HTTPConnection("127.0.0.1", 4318, timeout=20), 0
            body = request(f"{NAME} {client} {number}").SerializeToString()
            connection.request("POST", "/v1/logs", body, {"Content-Type": "application/x-protobuf"})
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                acknowledged[client] += 1
                number += 1
            else:
                errors[str(answer.status)] += 1
                has_ended.wait(0.05)
            used += 1
            if used == REQUESTS_PER_CONNECTION:
                connection.close()
                connection = None
        except (OSError, http.client.HTTPException) as error:
            # The record was not acknowledged: it is sent again.
            errors[type(error).__name__] += 1
            connection = None
            if isinstance(error, ConnectionRefusedError):
                has_ended.wait(0.05)


def over_grpc(client: str):
    options = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 100)]
    with grpc.insecure_channel("127.0.0.1:4317", options=options) as channel:
        stub = logs_service_pb2_grpc.LogsServiceStub(channel)
        number = 0
        while not has_ended.is_set():
            try:
                stub.Export(request(f"{NAME} {client} {number}"), timeout=20)
                acknowledged[client] += 1
                number += 1
            except grpc.RpcError as error:
                kind = "ConnectionRefusedError" if "refused" in error.details() else error.code().name
                errors[kind] += 1
                has_ended.wait(0.05)


clients = [threading.Thread(target=over_http, args=(f"http-{index}",)) for index in range(HTTP_CLIENTS)]
clients += [threading.Thread(target=over_grpc, args=(f"grpc-{index}",)) for index in range(GRPC_CLIENTS)]
for client in clients:
    client.start()
sys.stdin.read()
has_ended.set()
for client in clients:
    client.join()
print(json.dumps({"acknowledged": sum(acknowledged.values()), "by client": acknowledged, "errors": errors}))
