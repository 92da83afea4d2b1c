"""What bounds OTLP/gRPC connections: memory for all messages in flight, their age and silence, and Unix sockets."""

import gzip
import signal
import stat
import time

import grpc
import pytest
from google.rpc.status_pb2 import Status
from hyperframe.frame import DataFrame, GoAwayFrame, PingFrame, RstStreamFrame

from harness import otlp
from harness.daemon import config
from harness.grpc_client import RETRY_INFO, Client, framed
from harness.h2_frames import CALL, ENHANCE_YOUR_CALM, Raw
from harness.waiting import eventually

NOP = {"nop": None}
MEMORY = {"durability": "memory"}
MIB = 1 << 20


def document(grpc=None, **limits) -> dict:
    result = config(NOP, journal=MEMORY, grpc=grpc or {})
    result["extensions"]["limits"] = limits
    return result


def in_flight(daemon) -> float:
    return daemon.metric("otlpd_memory_in_flight_bytes")


# Memory in flight


def begin(daemon, length: int, stream: int = 1, raw: Raw | None = None) -> Raw:
    """A call that announces so many bytes and sends three."""
    raw = raw or Raw(daemon)
    raw.send(raw.head(stream), DataFrame(stream, framed(b"abc", length)))
    return raw


def test_without_room_a_call_waits_and_is_told_to_come_back(otlpd):
    daemon = otlpd(document(memory_in_flight="4MiB", memory_wait="300ms"))
    holder = begin(daemon, 3_000_000)
    eventually(lambda: in_flight(daemon) == 3_000_005)
    with Client(daemon.grpc) as client:
        error = client.failure("logs", otlp.logs(1, size=2 * MIB))
        assert error.code() == grpc.StatusCode.UNAVAILABLE
        status = Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
        assert [detail.type_url for detail in status.details] == [RETRY_INFO]
        # Small calls have a part of their own.
        for _ in range(20):
            assert client.export("traces", otlp.traces(1000)) is not None
        # Compressed, it would fit, and its content would not.
        packed = client.failure("logs", otlp.logs(1, size=2 * MIB), compression=grpc.Compression.Gzip)
        assert packed.code() == grpc.StatusCode.UNAVAILABLE
        assert daemon.metric("otlpd_memory_refused_requests") == 2
        holder.socket.close()
        eventually(lambda: in_flight(daemon) == 0)
        assert client.export("logs", otlp.logs(1, size=2 * MIB)) is not None
    assert in_flight(daemon) == 0 and daemon.metric("otlpd_memory_waiting_requests") == 0


def test_a_call_that_waits_is_served_when_there_is_room_again(otlpd):
    daemon = otlpd(document(memory_in_flight="4MiB", memory_wait="60s"))
    holder = begin(daemon, 3_000_000)
    eventually(lambda: in_flight(daemon) == 3_000_005)
    with Client(daemon.grpc) as client:
        call = client.method("logs").future(otlp.logs(1, size=2 * MIB), timeout=60)
        eventually(lambda: daemon.metric("otlpd_memory_waiting_requests") == 1)
        # On the same connection, and beside it.
        assert client.export("traces", otlp.traces(1)) is not None
        holder.send(RstStreamFrame(1, error_code=8))
        assert call.result() is not None
    assert in_flight(daemon) == 0


def test_a_deadline_and_a_cancellation_end_the_waiting(otlpd):
    daemon = otlpd(document(memory_in_flight="4MiB", memory_wait="60s"))
    holder = begin(daemon, 3_000_000)
    eventually(lambda: in_flight(daemon) == 3_000_005)
    with Client(daemon.grpc) as client:
        error = client.failure("logs", otlp.logs(1, size=2 * MIB), timeout=0.3)
        assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        eventually(lambda: daemon.metric("otlpd_memory_waiting_requests") == 0)
        call = client.method("logs").future(otlp.logs(1, size=2 * MIB), timeout=60)
        eventually(lambda: daemon.metric("otlpd_memory_waiting_requests") == 1)
        call.cancel()
        eventually(lambda: daemon.metric("otlpd_memory_waiting_requests") == 0 and in_flight(daemon) == 3_000_005)
        assert client.export("traces", otlp.traces(1)) is not None
    holder.socket.close()


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_many_large_calls_at_once_stay_inside_the_budget_and_are_all_served(otlpd, compression):
    daemon = otlpd(document(memory_in_flight="16MiB", memory_wait="60s"))
    message = otlp.logs(1, size=4 * MIB).SerializeToString()

    def memory(field: str) -> int:
        with open(f"/proc/{daemon.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(field + ":"))

    before = memory("VmRSS")
    clients = [Client(daemon.grpc) for _ in range(2)]
    calls = [each.method("logs").future(message, timeout=60, compression=compression) for each in clients for _ in range(8)]
    for call in calls:
        assert call.result() is not None
    # What the journal holds, too.
    assert memory("VmHWM") - before < 112 * 1024
    for each in clients:
        each.close()
    assert in_flight(daemon) == 0 and daemon.metric("otlpd_memory_waiting_requests") == 0


def test_who_announces_much_and_sends_nothing_keeps_no_small_call_out(otlpd):
    daemon = otlpd(document(memory_in_flight="64MiB", memory_wait="200ms"))
    raw = None
    for index in range(50):
        raw = begin(daemon, 40 * MIB, 2 * index + 1, raw)
    eventually(lambda: daemon.metric("otlpd_memory_refused_requests") >= 49)
    with Client(daemon.grpc) as client:
        for _ in range(20):
            assert client.export("traces", otlp.traces(1000)) is not None
    raw.socket.close()
    eventually(lambda: in_flight(daemon) == 0)


def test_a_bomb_is_stopped_while_it_is_unpacked(otlpd):
    daemon = otlpd(document({"max_recv_msg_size_mib": 8}, memory_in_flight="256MiB"))
    raw = Raw(daemon)
    # It fits into the first window, and its content into the budget.
    bomb = gzip.compress(bytes(40 * MIB), 9)
    raw.send(raw.head(1, [*CALL, ("grpc-encoding", "gzip")]))
    body = b"\1" + len(bomb).to_bytes(4, "big") + bomb
    for start in range(0, len(body), 16_000):
        part = body[start : start + 16_000]
        raw.send(DataFrame(1, part, flags=["END_STREAM"] if start + 16_000 >= len(body) else []))
    assert raw.status(1) == "8"
    with open(f"/proc/{daemon.process.pid}/status") as status:
        assert next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) < 64 * 1024
    eventually(lambda: in_flight(daemon) == 0)


# Age, silence, and eager clients


def keepalive(otlpd, policy=None, **parameters):
    return otlpd(document({"keepalive": {"server_parameters": parameters, "enforcement_policy": policy}}))


def test_a_silent_client_is_asked_for_a_sign_of_life_and_closed_without_one(otlpd):
    daemon = keepalive(otlpd, time="1s", timeout="300ms")
    raw = Raw(daemon)
    begun = time.monotonic()
    frames = list(raw.frames())
    assert any(isinstance(frame, PingFrame) and "ACK" not in frame.flags for frame in frames)
    assert not any(isinstance(frame, GoAwayFrame) and frame.error_code for frame in frames)
    assert time.monotonic() - begun > 1
    eventually(lambda: daemon.metric("otlpd_connections") <= 1)


def test_a_client_that_answers_is_kept(otlpd):
    daemon = keepalive(otlpd, time="1s", timeout="500ms")
    raw = Raw(daemon)
    answered = 0
    for frame in raw.frames():
        if isinstance(frame, PingFrame) and "ACK" not in frame.flags:
            raw.send(PingFrame(0, opaque_data=frame.opaque_data, flags=["ACK"]))
            answered += 1
            if answered == 2:
                break
    # It lived through the first one's timeout.
    raw.call(1)
    assert raw.status(1) == "0"
    raw.socket.close()


def test_a_connection_without_calls_is_told_to_go(otlpd):
    daemon = keepalive(otlpd, max_connection_idle="300ms")
    raw = Raw(daemon)
    raw.call(1)
    assert raw.status(1) == "0"
    assert raw.goaway() == 0
    # grpcio connects again by itself.
    with Client(daemon.grpc) as client:
        for _ in range(3):
            assert client.export("traces", otlp.traces(1)) is not None
            time.sleep(0.4)


def test_an_old_connection_is_told_to_go_and_closed_after_the_grace(otlpd):
    daemon = keepalive(otlpd, max_connection_age="400ms", max_connection_age_grace="600ms")
    raw = begin(daemon, 100)
    begun = time.monotonic()
    codes = [frame.error_code for frame in raw.frames() if isinstance(frame, GoAwayFrame)]
    # Its call never ends; the server ended the connection all the same.
    assert codes[0] == 0 and time.monotonic() - begun > 0.8
    # A client that keeps calling notices nothing.
    with Client(daemon.grpc) as client:
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:
            assert client.export("traces", otlp.traces(1)) is not None


def test_an_old_connection_may_finish_its_calls_within_the_grace(otlpd):
    daemon = keepalive(otlpd, max_connection_age="300ms", max_connection_age_grace="20s")
    raw = Raw(daemon)
    body = framed(otlp.traces(1).SerializeToString())
    raw.send(raw.head(1), DataFrame(1, body[:10]))
    assert raw.goaway() == 0
    raw.send(DataFrame(1, body[10:], flags=["END_STREAM"]))
    assert raw.status(1) == "0"


def test_clients_that_ask_for_signs_of_life_too_often_are_told_to_go(otlpd):
    daemon = keepalive(otlpd, {"min_time": "10s", "permit_without_stream": True})
    raw = Raw(daemon)
    for _ in range(4):
        raw.send(PingFrame(0, opaque_data=b"12345678"))
    goaway = next(frame for frame in raw.frames() if isinstance(frame, GoAwayFrame))
    assert goaway.error_code == ENHANCE_YOUR_CALM and goaway.additional_data == b"too_many_pings"
    eventually(lambda: daemon.metric("otlpd_http2_connections_ended", reason="control_flood") == 1)


def test_pings_without_calls_need_permission(otlpd):
    allowing = keepalive(otlpd, {"min_time": "1ms", "permit_without_stream": True})
    raw = Raw(allowing)
    for _ in range(6):
        raw.send(PingFrame(0, opaque_data=b"12345678"))
        time.sleep(0.01)
    raw.call(1)
    assert raw.status(1) == "0"
    raw.socket.close()
    strict = keepalive(otlpd, {"min_time": "1ms"})
    raw = Raw(strict)
    for _ in range(6):
        raw.send(PingFrame(0, opaque_data=b"12345678"))
        time.sleep(0.01)
    assert raw.goaway() == ENHANCE_YOUR_CALM


# Calls in flight, and the end


def test_a_call_too_many_is_refused_and_may_come_again(otlpd):
    daemon = otlpd(document({"max_concurrent_streams": 2}))
    raw = Raw(daemon)
    for stream in (1, 3, 5):
        raw.send(raw.head(stream))
    refused = next(frame for frame in raw.frames() if isinstance(frame, RstStreamFrame))
    # RFC 9113 section 8.7: REFUSED_STREAM says that nothing was done.
    assert (refused.stream_id, refused.error_code) == (5, 7)
    raw.send(DataFrame(1, framed(b""), flags=["END_STREAM"]))
    assert raw.status(1) == "0"
    # grpcio keeps to the limit, and queues.
    with Client(daemon.grpc) as client:
        calls = [client.method("traces").future(otlp.traces(1), timeout=20) for _ in range(50)]
        assert all(call.result() is not None for call in calls)


def test_stopping_says_goodbye_and_answers_what_is_in_flight(otlpd):
    daemon = otlpd(document())
    raw = Raw(daemon)
    body = framed(otlp.traces(1).SerializeToString())
    raw.send(raw.head(1), DataFrame(1, body[:10]), PingFrame(0, opaque_data=b"12345678"))
    # With the answer to the PING, what came before it has arrived.
    assert any(isinstance(frame, PingFrame) for frame in raw.frames())
    daemon.process.send_signal(signal.SIGTERM)
    assert raw.goaway() == 0
    raw.send(DataFrame(1, body[10:], flags=["END_STREAM"]))
    assert raw.status(1) == "0"
    assert daemon.wait() == 0


# Unix sockets


def test_a_unix_socket_serves_its_group_and_goes_with_the_daemon(otlpd, tmp_path):
    path = tmp_path / "grpc.sock"
    daemon = otlpd(config(NOP, journal=MEMORY, grpc={"endpoint": str(path), "transport": "unix"}))
    assert daemon.addresses["otlp/grpc"] == str(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    with Client(f"unix:{path}") as client:
        assert client.export("traces", otlp.traces(10)) is not None
    assert daemon.metric("otelcol_receiver_accepted_spans", transport="grpc") == 10
    assert daemon.terminate() == 0
    assert not path.exists()
