"""Compressed bodies and the bounds on their size."""

import gzip
import json
import threading
import zlib

import pytest
import zstandard

from harness import otlp
from harness.daemon import config
from harness.otlp import JSON, PROTOBUF
from harness.wire import Connection, ask, chunked, request

BODY = otlp.traces(20).SerializeToString()
KIB = 1024


def gzip_with_all_header_fields(data: bytes) -> bytes:
    """RFC 1952: FTEXT, FHCRC, FEXTRA, FNAME and FCOMMENT at once."""
    head = b"\x1f\x8b\x08\x1f\0\0\0\0\0\xff" + b"\x04\0abcd" + b"name\0" + b"comment\0"
    head += (zlib.crc32(head) & 0xFFFF).to_bytes(2, "little")
    return head + gzip.compress(data)[10:]


GZIPPED = {
    **{f"level {level}": gzip.compress(BODY, level) for level in (0, 1, 6, 9)},
    "two members": gzip.compress(BODY[:100]) + gzip.compress(BODY[100:]),
    "with an empty member": gzip.compress(b"") + gzip.compress(BODY),
    "all header fields": gzip_with_all_header_fields(BODY),
}


@pytest.mark.parametrize("name", GZIPPED)
@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip"])
def test_gzip_is_read(daemon, name, coding):
    line = f"Content-Encoding: {coding}"
    before = daemon.metric("otelcol_receiver_accepted_spans")
    assert ask(daemon.address, request(body=GZIPPED[name], headers=(line,))).status == 200
    assert daemon.metric("otelcol_receiver_accepted_spans") == before + 20


def test_gzip_in_chunks_is_read(daemon):
    zipped = gzip.compress(BODY)
    lines = ("Content-Encoding: gzip", "Transfer-Encoding: chunked")
    data = request(headers=lines, length=False) + chunked(*(zipped[i : i + 3] for i in range(0, len(zipped), 3)))
    assert ask(daemon.address, data).status == 200


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
def test_no_coding_may_be_said(daemon, coding):
    assert ask(daemon.address, request(body=BODY, headers=(f"Content-Encoding: {coding}",))).status == 200


def deflate_without_wrapper(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def zstd_stream(data: bytes) -> bytes:
    """Without the size of the content in its header, as a client writes it that does not know it yet."""
    packer = zstandard.ZstdCompressor(write_content_size=False, write_checksum=True).compressobj()
    return packer.compress(data) + packer.flush()


PACKED = {
    "deflate": zlib.compress(BODY),
    "Deflate": deflate_without_wrapper(BODY),
    "zlib": zlib.compress(BODY, 9),
    "zstd": zstandard.compress(BODY),
    "ZSTD": zstd_stream(BODY[:200]) + zstandard.compress(b"") + zstandard.compress(BODY[200:], 19),
}


@pytest.mark.parametrize("coding", PACKED)
def test_other_codings_are_read(daemon, coding):
    line = f"Content-Encoding: {coding}"
    before = daemon.metric("otelcol_receiver_accepted_spans")
    assert ask(daemon.address, request(body=PACKED[coding], headers=(line,))).status == 200
    assert daemon.metric("otelcol_receiver_accepted_spans") == before + 20
    for damaged in (PACKED[coding][:-1], PACKED[coding][1:], BODY):
        assert ask(daemon.address, request(body=damaged, headers=(line,))).status == 400


@pytest.mark.parametrize("coding", ["br", "snappy", "x-snappy-framed", "lz4", "gzip, br", "gzip, gzip", "nonsense"])
def test_an_unknown_coding_is_refused_with_what_is_known(daemon, coding):
    answer = ask(daemon.address, request(body=BODY, headers=(f"Content-Encoding: {coding}",)))
    assert answer.status == 415
    assert answer.header("accept-encoding") == "identity, gzip, zstd, zlib, deflate"
    assert otlp.status_of(answer.body, PROTOBUF)[1]


def test_gzip_that_is_cut_anywhere_is_refused(daemon):
    zipped = gzip.compress(otlp.traces(1).SerializeToString())
    with Connection(daemon.address) as connection:
        for end in range(1, len(zipped)):
            answer = connection.send(request(body=zipped[:end], headers=("Content-Encoding: gzip",))).answer()
            assert answer.status == 400, end
            assert otlp.status_of(answer.body, PROTOBUF)[1]


@pytest.mark.parametrize("place", [-8, -1, 0, 1, 2, 12])
def test_damaged_gzip_is_refused(daemon, place):
    zipped = bytearray(gzip.compress(BODY))
    zipped[place] ^= 0xFF
    assert ask(daemon.address, request(body=bytes(zipped), headers=("Content-Encoding: gzip",))).status == 400


def test_plain_bytes_called_gzip_are_refused(daemon):
    assert ask(daemon.address, request(body=BODY, headers=("Content-Encoding: gzip",))).status == 400


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A daemon that takes bodies of at most 64 KiB."""
    from harness.daemon import Daemon

    document = config({"nop": None}, journal={"durability": "memory"}, http={"max_request_body_size": 64 * KIB})
    with Daemon(tmp_path_factory.mktemp("small"), document) as daemon:
        yield daemon.start()


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_a_body_over_the_limit_is_413_which_the_client_can_read(small, content_type):
    body = b" " * (10 * 1024 * KIB)
    with Connection(small.address) as connection:
        answer = connection.send(request(body=body, content_type=content_type)).answer()
    assert answer.status == 413
    assert answer.header("content-type") == content_type
    assert otlp.status_of(answer.body, content_type)[1]


def test_a_chunked_body_over_the_limit_is_413(small):
    data = request(headers=("Transfer-Encoding: chunked",), length=False) + chunked(*[b"x" * KIB] * 100)
    assert ask(small.address, data).status == 413


def test_a_body_at_the_limit_is_taken(small):
    def body(padding: int) -> bytes:
        return json.dumps({"padding": "x" * padding}, separators=(",", ":")).encode()

    whole = body(64 * KIB - len(body(0)))
    assert len(whole) == 64 * KIB
    assert ask(small.address, request(body=whole, content_type=JSON)).status == 200
    assert ask(small.address, request(body=whole + b" ", content_type=JSON)).status == 413


def test_the_limit_holds_after_decompression(small):
    answer = ask(small.address, request(body=gzip.compress(b" " * 128 * KIB), headers=("Content-Encoding: gzip",)))
    assert answer.status == 413


def test_many_bombs_at_once_stay_inside_bounded_memory(small):
    bomb = gzip.compress(b"\0" * (60 << 20), 9)
    assert len(bomb) < 64 * KIB
    answers = []

    def send():
        answers.append(ask(small.address, request(body=bomb, headers=("Content-Encoding: gzip",)), timeout=30).status)

    threads = [threading.Thread(target=send) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == [413] * 32
    with open(f"/proc/{small.process.pid}/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    assert peak < 64 * KIB


def test_a_declared_length_allocates_nothing(small):
    connections = [
        Connection(small.address).send(request(headers=(f"Content-Length: {64 * KIB}",), length=False)) for _ in range(200)
    ]
    try:
        assert ask(small.address, request(body=otlp.traces().SerializeToString())).status == 200
    finally:
        for connection in connections:
            connection.close()


def test_a_million_tiny_records_keep_memory_bounded(daemon):
    # Two bytes per span on the wire: whoever makes an object of each needs a hundred times as much.
    spans = b"\x12\x00" * 1_000_000
    scope = b"\x12" + varint(len(spans)) + spans
    body = b"\x0a" + varint(len(scope)) + scope
    assert ask(daemon.address, request(body=body), timeout=30).status == 200
    with open(f"/proc/{daemon.process.pid}/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    assert peak < 256 * KIB


def varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def bombs() -> dict:
    zeros = bytes(32 << 20)
    return {
        "gzip": gzip.compress(zeros, 9),
        "deflate": zlib.compress(zeros, 9),
        "zstd": zstandard.compress(zeros, 19),
    }


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_a_bomb_of_any_coding_is_stopped_at_the_limit(small, coding):
    bomb = bombs()[coding]
    assert len(bomb) < 64 * KIB
    answer = ask(small.address, request(body=bomb, headers=(f"Content-Encoding: {coding}",)))
    assert answer.status == 413
    assert small.get("/readyz")[0] == 200


def test_a_zstd_frame_with_a_huge_window_is_refused(daemon):
    settings = zstandard.ZstdCompressionParameters(window_log=27, write_content_size=False)
    packer = zstandard.ZstdCompressor(compression_params=settings).compressobj()
    body = packer.compress(BODY) + packer.flush()
    answer = ask(daemon.address, request(body=body, headers=("Content-Encoding: zstd",)))
    assert answer.status == 400 and b"window" in answer.body


def test_the_owner_chooses_the_codings(otlpd):
    http = {"compression_algorithms": ["zstd"]}
    daemon = otlpd(config({"nop": None}, journal={"durability": "memory"}, http=http))
    line = "Content-Encoding: zstd"
    assert ask(daemon.address, request(body=zstandard.compress(BODY), headers=(line,))).status == 200
    for coding, body in (("gzip", gzip.compress(BODY)), ("identity", BODY)):
        answer = ask(daemon.address, request(body=body, headers=(f"Content-Encoding: {coding}",)))
        assert answer.status == 415 and answer.header("accept-encoding") == "zstd"
