"""Files that were damaged while otlpd was not looking: it starts, counts what is lost, and goes on."""

import random
import re
import shutil
import struct
import zlib
from pathlib import Path

import pytest
from harness import otlp
from harness.capture import Answer
from harness.faults import DOWN, rounds, segments
from harness.waiting import eventually

DATA = Path(__file__).parent / "data"
COUNT = 80
HEADER_BYTES = 64
# The last request is small: damage before it is known to be damage, and behind it might be an unfinished end.
LAST_BYTES = 512


@pytest.fixture
def full(trial, chance):
    """A journal of a few segment files that nobody has read, of a daemon that was killed."""
    trial.exporters.pop("sqlite")
    trial.journal["max_bytes"] = 16 << 20
    trial.server.otherwise = DOWN
    trial.start()
    sizes = [0, 100, 5_000, 100_000] * (COUNT // 4)
    chance.shuffle(sizes)
    assert {trial.post(f"log-{number}", size=size) for number, size in enumerate([*sizes, 0])} == {200}
    trial.kill()
    assert len(segments(trial.daemon)) > 1
    return trial


def restart(trial):
    # What the killed daemon was sending is refused, too: else it would be delivered, and its record may be damaged.
    eventually(lambda: trial.server.open_connections == 0)
    trial.server.otherwise = Answer()
    return trial.start()


def lost(daemon) -> int:
    return int(daemon.metric("otlpd_journal_missing_records"))


def damage_tail(content: bytearray, kind: str, chance: random.Random):
    if kind == "garbage":
        content += chance.randbytes(chance.randrange(1, 10_000))
    elif kind == "zeros":
        content += bytes(chance.randrange(1, 10_000))
    elif kind == "half a record again":
        content += content[HEADER_BYTES : chance.randrange(HEADER_BYTES + 1, len(content))]
    else:
        raise AssertionError(kind)


@pytest.mark.parametrize("kind", ["garbage", "zeros", "half a record again"])
def test_an_unfinished_end_costs_nothing(full, chance, kind):
    file = segments(full.daemon)[-1]
    content = bytearray(file.read_bytes())
    damage_tail(content, kind, chance)
    file.write_bytes(content)
    daemon = restart(full)
    assert daemon.metric("otlpd_journal_truncated_bytes") > 0
    full.check()
    assert lost(daemon) == 0


def test_an_end_that_was_cut_costs_what_was_cut(full):
    file = segments(full.daemon)[-1]
    content = file.read_bytes()
    file.write_bytes(content[:-20])
    restart(full)
    # Bytes that are gone cannot be told from bytes that were never written.
    full.check(lost=1)


def test_an_end_of_zeros_costs_what_lay_in_it(full):
    file = segments(full.daemon)[-1]
    content = bytearray(file.read_bytes())
    content[-4096:] = bytes(4096)
    file.write_bytes(content)
    restart(full)
    full.get_fresh_through()
    missing = full.missing()
    assert missing == {f"log-{number}" for number in range(COUNT + 1 - len(missing), COUNT + 1)}
    full.check(lost=len(missing))


def each_start(trial, directory):
    """Starts from the same files again and again; yields before each."""
    saved = directory / "saved"
    shutil.copytree(trial.daemon.data, saved)
    while True:
        shutil.rmtree(trial.daemon.data)
        shutil.copytree(saved, trial.daemon.data)
        trial.forget()
        yield
        trial.daemon.process.kill()
        trial.daemon.wait()


@pytest.mark.timeout(1800)
def test_a_flipped_bit_costs_one_record_which_is_counted(full, chance, tmp_path):
    starts = each_start(full, tmp_path)
    for _ in range(rounds(12, 300)):
        next(starts)
        file = chance.choice([path for path in segments(full.daemon) if path.stat().st_size > 4 * LAST_BYTES])
        content = bytearray(file.read_bytes())
        place = chance.randrange(HEADER_BYTES, len(content) - LAST_BYTES)
        content[place] ^= 1 << chance.randrange(8)
        file.write_bytes(content)
        daemon = restart(full)
        missing = lost(daemon)
        assert missing <= 1, (file.name, place)
        full.check(lost=missing)
        if missing:
            assert daemon.metric("otlpd_journal_quarantined_bytes") > 0


@pytest.mark.timeout(1800)
def test_a_sector_that_reads_as_garbage_costs_what_lay_in_it(full, chance, tmp_path):
    starts = each_start(full, tmp_path)
    for _ in range(rounds(4, 100)):
        next(starts)
        file = chance.choice([path for path in segments(full.daemon) if path.stat().st_size > 4 * LAST_BYTES])
        content = bytearray(file.read_bytes())
        place = chance.randrange(1, (len(content) - LAST_BYTES) // 512) * 512
        content[place : place + 512] = chance.choice([bytes(512), chance.randbytes(512)])
        file.write_bytes(content)
        daemon = restart(full)
        full.check(lost=lost(daemon))
        assert daemon.metric("otlpd_journal_quarantined_bytes") > 0


@pytest.mark.parametrize("which", [0, -1])
def test_a_damaged_file_header_costs_nothing(full, chance, which):
    file = segments(full.daemon)[which]
    content = bytearray(file.read_bytes())
    content[chance.randrange(HEADER_BYTES)] ^= 1 << chance.randrange(8)
    file.write_bytes(content)
    daemon = restart(full)
    full.check()
    assert lost(daemon) == 0


@pytest.mark.parametrize("damage", ["empty", "deleted"])
def test_a_lost_file_is_counted(full, damage):
    file = segments(full.daemon)[0]
    if damage == "empty":
        file.write_bytes(b"")
    else:
        file.unlink()
    daemon = restart(full)
    eventually(lambda: daemon.metric("otlpd_exporter_pending_items") == 0)
    missing = lost(daemon)
    assert 0 < missing < COUNT
    full.check(lost=missing)


@pytest.mark.parametrize("damage", ["flipped", "empty", "deleted", "garbage", "of another journal"])
def test_damaged_cursors_deliver_again_and_lose_nothing(trial, chance, damage):
    trial.start()
    assert {trial.post(f"taken-{number}") for number in range(10)} == {200}
    eventually(lambda: not trial.missing())
    trial.server.otherwise = DOWN
    assert {trial.post(f"waiting-{number}") for number in range(10)} == {200}
    eventually(lambda: len(trial.stored()) == 20)
    trial.kill()
    file = trial.daemon.data / "journal/cursors"
    content = bytearray(file.read_bytes())
    if damage == "flipped":
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    elif damage == "garbage":
        content = bytearray(chance.randbytes(100))
    elif damage == "empty":
        content = bytearray()
    elif damage == "of another journal":
        content[16:24] = chance.randbytes(8)
        content[-4:] = struct.pack("<I", zlib.crc32(content[:-4]))
    file.write_bytes(content)
    if damage == "deleted":
        file.unlink()
    restart(trial)
    trial.check()


@pytest.mark.parametrize("name", ["cursors.tmp", "notes.txt", "00000000000000ff.segment", "LOCK"])
def test_files_that_somebody_left_there_are_no_obstacle(full, chance, name):
    (full.daemon.data / "journal" / name).write_bytes(chance.randbytes(3000))
    restart(full)
    full.check()


@pytest.mark.parametrize("field", ["version", "features"])
@pytest.mark.parametrize("which", ["segment", "cursors"])
def test_files_of_a_newer_otlpd_are_left_alone(full, which, field):
    file = segments(full.daemon)[-1] if which == "segment" else full.daemon.data / "journal/cursors"
    content = bytearray(file.read_bytes())
    place = 8 if field == "version" else 12
    content[place] = 0x77
    end = HEADER_BYTES - 4 if which == "segment" else len(content) - 4
    content[end : end + 4] = struct.pack("<I", zlib.crc32(content[:end]))
    file.write_bytes(content)
    before = {path.name: path.read_bytes() for path in file.parent.iterdir() if path.name != "LOCK"}
    daemon = full.make().launch()
    assert daemon.wait() == 78
    assert file.name in daemon.log
    assert {path.name: path.read_bytes() for path in file.parent.iterdir() if path.name != "LOCK"} == before


def test_a_file_damaged_under_a_sink_that_lags_costs_that_record_only(full):
    # Small batches: the sink has not read to the end, and what it reads is not in memory after a start.
    full.exporters["otlp_http"]["sending_queue"] = {"batch": {"min_size": 1, "max_size": 5}}
    daemon = full.start()
    file = segments(daemon)[-1]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    full.server.otherwise = Answer()
    full.check(lost=1)
    assert daemon.metric("otlpd_dropped_items", exporter="otlp_http", reason="damaged") == 1
    assert daemon.metric("otlpd_journal_unreadable_records") == 1


def test_a_journal_of_the_first_format_is_delivered(trial):
    # Written by the first otlpd that had a journal in files: one record per signal for `otlp_http`, none delivered.
    trial.exporters.pop("sqlite")
    daemon = trial.make()
    shutil.copytree(DATA / "journal-1", daemon.data / "journal")
    for signal in otlp.SIGNALS:
        trial.sent[signal].add(f"{signal}-kept")
        trial.acknowledged[signal].add(f"{signal}-kept")
    daemon.start()
    assert daemon.metric("otlpd_journal_recovered_records") == 3
    trial.check()


def test_every_row_of_the_fault_matrix_names_tests_that_exist():
    rows = (Path(__file__).parent / "faults/README.md").read_text()
    named = set(re.findall(r"`(test_\w+)`", rows))
    tests = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        tests.update(re.findall(r"^def (test_\w+)", path.read_text(), flags=re.M))
    assert len(named) > 50 and named <= tests, named - tests
