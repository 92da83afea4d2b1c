"""HTTP/2 frame by frame on the gRPC port, as no honest client sends them; afterwards an honest one is served."""

import socket

import pytest
from hyperframe.frame import (
    ContinuationFrame, DataFrame, GoAwayFrame, HeadersFrame, PingFrame, RstStreamFrame, SettingsFrame, WindowUpdateFrame,
)  # fmt: skip

from harness import otlp
from harness.daemon import Daemon, config
from harness.grpc_client import Client
from harness.h2_frames import CALL, ENHANCE_YOUR_CALM, Raw
from harness.waiting import eventually


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    document = config({"nop": None}, journal={"durability": "memory"}, grpc={})
    with Daemon(tmp_path_factory.mktemp("abuse"), document) as daemon:
        daemon.start()
        yield daemon
        assert daemon.process.poll() is None, f"otlpd died:\n{daemon.log}"
        assert daemon.terminate() == 0


@pytest.fixture(autouse=True)
def still_serves(daemon):
    yield
    with Client(daemon.grpc) as client:
        assert client.export("traces", otlp.traces(1)) is not None
    eventually(lambda: daemon.metric("otlpd_connections") <= 1, seconds=10)


def memory(daemon) -> int:
    with open(f"/proc/{daemon.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon:"))


def test_rapid_reset(daemon):
    before = daemon.metric("otlpd_http2_connections_ended", reason="rapid_reset")
    raw = Raw(daemon)
    for index in range(600):
        raw.send(raw.head(2 * index + 1), RstStreamFrame(2 * index + 1, error_code=8))
    assert raw.goaway() == ENHANCE_YOUR_CALM
    eventually(lambda: daemon.metric("otlpd_http2_connections_ended", reason="rapid_reset") == before + 1)


@pytest.mark.parametrize(
    "frame",
    [PingFrame(0, opaque_data=b"12345678"), SettingsFrame(0), WindowUpdateFrame(0, window_increment=1)],
    ids=["ping", "settings", "window_update"],
)
def test_a_flood_of_control_frames(daemon, frame):
    before = memory(daemon)
    raw = Raw(daemon)
    for _ in range(50):
        raw.send(*[frame] * 1000)
    assert raw.goaway() == ENHANCE_YOUR_CALM
    eventually(lambda: daemon.metric("otlpd_http2_connections_ended", reason="control_flood") >= 1)
    assert memory(daemon) - before < 8 << 10


def test_a_flood_of_continuation_frames(daemon):
    raw = Raw(daemon)
    raw.send(raw.head(1, flags=()))
    for _ in range(1000):
        raw.send(ContinuationFrame(1, b"\x00\x01x\x01y" * 100))
    assert raw.goaway() == ENHANCE_YOUR_CALM
    assert daemon.metric("otlpd_http2_connections_ended", reason="header_flood") >= 1


def test_a_header_list_above_the_limit_is_refused_and_the_connection_goes_on(daemon):
    raw = Raw(daemon)
    raw.send(raw.head(1, [*CALL, ("x-large", "a" * 16300)], ("END_HEADERS", "END_STREAM")))
    body = b"\0\0\0\0\0"
    raw.send(raw.head(3), DataFrame(3, body, flags=["END_STREAM"]))
    ended = []
    for frame in raw.frames():
        if frame.stream_id and "END_STREAM" in frame.flags:
            ended.append(frame.stream_id)
        if ended == [1, 3]:
            break
    assert ended == [1, 3]
    raw.socket.close()


def test_data_behind_the_end_of_a_request(daemon):
    raw = Raw(daemon)
    raw.send(raw.head(1), DataFrame(1, b"\0\0\0\0\0", flags=["END_STREAM"]), DataFrame(1, b"more", flags=["END_STREAM"]))
    assert any(isinstance(frame, (GoAwayFrame, RstStreamFrame)) for frame in raw.frames())
    raw.socket.close()


def test_frames_cut_into_single_bytes(daemon):
    raw = Raw(daemon)
    data = raw.head(1).serialize() + DataFrame(1, b"\0\0\0\0\0", flags=["END_STREAM"]).serialize()
    raw.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in data:
        raw.send(bytes([byte]))
    assert any(frame.stream_id == 1 and "END_STREAM" in frame.flags for frame in raw.frames())
    raw.socket.close()


def test_a_client_without_window_holds_no_more_than_its_streams(daemon):
    # SETTINGS_INITIAL_WINDOW_SIZE is 4.
    raw = Raw(daemon, {4: 0})
    for index in range(100):
        raw.send(raw.head(2 * index + 1), DataFrame(2 * index + 1, b"\0\0\0\0\0", flags=["END_STREAM"]))
    heads = 0
    for frame in raw.frames():
        assert not isinstance(frame, DataFrame)
        heads += isinstance(frame, HeadersFrame)
        if heads == 100:
            break
    raw.socket.close()


def test_a_client_that_never_reads(daemon):
    before = memory(daemon)
    raw = Raw(daemon)
    raw.socket.settimeout(2)
    stream = 1
    try:
        # Every answer is a refusal with a text; the server stops reading when they pile up.
        for _ in range(40):
            frames = []
            for _ in range(100):
                frames += [raw.head(stream), DataFrame(stream, b"bad", flags=["END_STREAM"])]
                stream += 2
            raw.send(*frames)
    except TimeoutError:
        pass
    assert memory(daemon) - before < 16 << 10
    raw.socket.close()


def test_random_bytes_behind_the_preface(daemon):
    import random

    for seed in range(50):
        raw = Raw(daemon)
        raw.send(random.Random(seed).randbytes(2000))
        raw.socket.shutdown(socket.SHUT_WR)
        list(raw.frames())
        raw.socket.close()


def test_idle_connections_cost_little(daemon):
    before = memory(daemon)
    idle = [socket.create_connection(("127.0.0.1", int(daemon.grpc.rsplit(":", 1)[1]))) for _ in range(500)]
    eventually(lambda: daemon.metric("otlpd_connections") >= 500)
    # Nothing of HTTP/2 is allocated before the first byte.
    assert (memory(daemon) - before) / 500 < 4
    for each in idle:
        each.close()
