"""Thousands of random messages, in every form that is legal, come out of otlpd as Python's protobuf understands them."""

import os
import random

import pytest
from google.protobuf.message import DecodeError

from harness import goldens, otlp
from harness.bulk import Bulk, difference, expected, from_json
from harness.messages import Generator
from harness.otlp import JSON, PROTOBUF, REQUESTS
from harness.spellings import JSONSpelling, WireForm, protobuf_json
from harness.wire import Connection, request

EXAMPLES = int(os.environ.get("OTLPD_EXAMPLES", "2000"))
SEED = os.environ.get("OTLPD_SEED", "1")
CHUNK = 100


@pytest.fixture(scope="module")
def bulk(tmp_path_factory):
    bulk = Bulk(tmp_path_factory.mktemp("bulk"))
    yield bulk
    bulk.close()


def as_python_writes_protobuf(message, _):
    return PROTOBUF, message.SerializeToString()


def as_python_writes_json(message, chance):
    return JSON, protobuf_json(message, chance)


def in_odd_protobuf(message, chance):
    return PROTOBUF, WireForm(chance).message(message)


def in_odd_json(message, chance):
    return JSON, JSONSpelling(chance).request(message)


FORMS = [as_python_writes_protobuf, as_python_writes_json, in_odd_protobuf, in_odd_json]


def chunks(count: int):
    return [range(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("signal", otlp.SIGNALS)
def test_random_messages_arrive_as_they_were_sent(bulk, signal):
    for numbers in chunks(EXAMPLES):
        names = [f"{SEED}.{signal}.{number}" for number in numbers]
        messages = [Generator(name).request(signal) for name in names]
        by_message, wanted_json = expected(signal, messages)
        wanted_protobuf = [part for parts in by_message for part in parts]
        # The message that a part is of.
        owners = [index for index, parts in enumerate(by_message) for _ in parts]
        for form in FORMS:
            bodies = [form(message, random.Random(name)) for message, name in zip(messages, names)]
            where = f"{form.__name__}, OTLPD_SEED={SEED}"
            for name, (_, body), answer in zip(names, bodies, bulk.send(signal, bodies)):
                assert answer.status == 200, f"{name}, {where}: {answer.body!r}\n{body!r}"
            protobuf, text, groups = bulk.arrived(signal, len(owners))
            for found, wanted in ((protobuf, wanted_protobuf), (text, wanted_json)):
                place = difference(found, wanted)
                if place is not None:
                    index = owners[min(place, len(owners) - 1)]
                    pytest.fail(f"{names[index]}, {where}:\n{bodies[index]}\n{found[place:][:1]}\n{wanted[place:][:1]}")
        # The JSON was the same text each time: once is enough for the slow reader.
        assert from_json(signal, groups) == wanted_protobuf


def damaged(body: bytes, chance: random.Random) -> bytes:
    data = bytearray(body)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(data)) if data else 0
        match chance.randrange(5):
            case 0:
                data[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                data[place : place + 1] = bytes([data[place] ^ 1 << chance.randrange(8)]) if data else b""
            case 2:
                del data[place : place + chance.randint(1, 8)]
            case 3:
                data[place:place] = data[place : place + chance.randint(1, 12)]
            case 4:
                data[place:place] = chance.choice((b"\x0b\x0c", b"\xff" * 9 + b"\x01", b"\x80\x80\0", b"\0", b"\x2b", b"\x0a\0"))
    return bytes(data)


def reads(signal: str, body: bytes) -> bool:
    try:
        REQUESTS[signal].FromString(body)
        return True
    except DecodeError:
        return False


@pytest.mark.parametrize("signal", otlp.SIGNALS)
def test_damaged_protobuf_is_refused_exactly_when_the_reference_refuses_it(daemon, signal):
    chance = random.Random(f"{SEED}.{signal}")
    verdicts = {True: 0, False: 0}
    with Connection(daemon.address, timeout=30) as connection:
        for numbers in chunks(EXAMPLES):
            makers = [Generator(f"{SEED}.{signal}.{number}") for number in numbers]
            bodies = [damaged(maker.request(signal).SerializeToString(), chance) for maker in makers]
            connection.send(b"".join(request(otlp.PATHS[signal], body, PROTOBUF) for body in bodies))
            for body in bodies:
                answer, is_valid = connection.answer(), reads(signal, body)
                verdicts[is_valid] += 1
                assert answer.status == (200 if is_valid else 400), f"OTLPD_SEED={SEED}: {answer.body!r}\n{body!r}"
    # Else the test would prove little.
    assert min(verdicts.values()) > EXAMPLES // 20


def test_the_golden_files_are_what_the_reference_writes():
    found = {path.name: path.read_bytes() for path in goldens.CORPUS.iterdir() if not path.name.startswith("odd.")}
    assert found == goldens.files()
