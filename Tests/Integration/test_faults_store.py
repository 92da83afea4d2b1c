"""The store's files full, locked, damaged, deleted or failing: the journal keeps what they cannot take."""

import errno
import shutil
import sqlite3
import subprocess
import sys
import time

import pytest
from harness.faults import RETRY, rounds
from harness.waiting import eventually

thorough = pytest.mark.thorough


def day_file(trial):
    return next(trial.store.glob("telemetry-*.db"))


def set_aside(trial) -> list:
    return [path for path in trial.store.glob("telemetry-*.corrupt-*") if path.name[-1].isdigit()]


def test_a_store_on_a_full_disk_waits_while_the_journal_takes(trial, small_disk):
    disk = small_disk(4)
    trial.exporters["sqlite"] = {"directory": str(disk.path / "store"), **RETRY}
    daemon = trial.start(environment=disk.environment)
    trial.get_fresh_through()
    disk.fill()
    names = [f"log-{number}" for number in range(50)]
    assert {trial.post(name, size=10_000) for name in names} == {200}
    eventually(lambda: set(names) <= set(trial.delivered()))
    eventually(lambda: "disk is full" in daemon.log)
    assert daemon.metric("otlpd_exporter_pending_items", exporter="sqlite") == 50
    disk.free()
    trial.check()


def test_whoever_looks_into_the_file_takes_nothing_away(trial):
    trial.start()
    for number in range(5):
        trial.get_fresh_through()
        # Another process: SQLite's locks are between processes, and the last one that leaves removes the log.
        look = "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM logs'))"
        command = [sys.executable, "-c", look, day_file(trial)]
        shown = subprocess.run(command, capture_output=True, text=True, timeout=20)
        assert shown.stdout == f"({number + 1},)\n"
    trial.kill()
    trial.start()
    trial.check()


@pytest.mark.parametrize("seconds", [1, pytest.param(20, marks=thorough)])
def test_a_store_that_another_process_locks_waits(trial, seconds):
    daemon = trial.start()
    trial.get_fresh_through()
    other = sqlite3.connect(day_file(trial), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    trial.produce(each=2)
    time.sleep(seconds)
    so_far = trial.progress
    eventually(lambda: trial.progress > so_far)
    assert trial.stored(), "readers are not held up"
    other.execute("ROLLBACK")
    other.close()
    trial.rest()
    trial.check()
    assert daemon.metric("otlpd_dropped_items") == 0


def damage(path, kind: str):
    content = bytearray(path.read_bytes())
    if kind == "first page":
        content[:4096] = b"\x5a" * 4096
    elif kind == "cut":
        del content[len(content) // 2 :]
    elif kind == "no database":
        content[:] = b"not a database at all\n" * 100
    elif kind == "empty":
        content.clear()
    path.write_bytes(content)


@pytest.mark.parametrize("kind", ["first page", "cut", "no database", "empty"])
def test_a_damaged_file_is_set_aside_and_a_new_one_takes_what_comes(trial, kind):
    trial.start()
    before = [f"before-{number}" for number in range(30)]
    assert {trial.post(name, size=1000) for name in before} == {200}
    eventually(lambda: not trial.missing())
    assert trial.daemon.terminate() == 0
    damage(day_file(trial), kind)
    # What the damaged file had taken is not in the journal any more.
    trial.acknowledged["logs"] -= set(before)
    daemon = trial.start()
    after = [f"after-{number}" for number in range(30)]
    assert {trial.post(name) for name in after} == {200}
    eventually(lambda: set(after) <= set(trial.delivered()))

    def is_stored() -> bool:
        return set(after) <= set(trial.stored())

    eventually(is_stored)
    trial.get_fresh_through()
    if kind in ("first page", "no database"):
        assert len(set_aside(trial)) == 1
        assert daemon.metric("otlpd_store_corrupt_files") == 1
        assert "renamed" in daemon.log
    trial.check()


def test_a_file_of_a_newer_otlpd_is_refused_and_left_alone(trial):
    trial.start()
    trial.get_fresh_through()
    assert trial.daemon.terminate() == 0
    path = day_file(trial)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    before = path.read_bytes()
    daemon = trial.make().launch()
    assert daemon.wait() == 78
    assert "schema version 999" in daemon.log and str(path) in daemon.log
    assert path.read_bytes() == before
    assert not set_aside(trial)


@pytest.mark.parametrize("what", ["file", "directory", "replaced"])
def test_a_file_that_is_deleted_while_it_is_open_is_made_again(trial, tmp_path, what):
    store = tmp_path / "store"
    trial.exporters["sqlite"] = {"directory": str(store), **RETRY}
    daemon = trial.start()
    trial.get_fresh_through()
    # What was in it is gone with it.
    trial.acknowledged["logs"].clear()
    if what == "directory":
        shutil.rmtree(store)
    else:
        for path in store.glob("telemetry-*"):
            path.unlink()
    if what == "replaced":
        (store / path.name.split(".db")[0]).with_suffix(".db").write_bytes(b"")
    trial.get_fresh_through()
    assert daemon.metric("otlpd_store_lost_files") == 1
    trial.check()


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("call", ["sync", "write", "open"])
def test_calls_of_the_store_that_fail_lose_nothing_and_store_nothing_twice(trial, faulty, chance, call):
    trial.start(environment=faulty.environment)
    trial.produce(("logs", "traces"), lambda: chance.choice([0, 5_000]))
    for _ in range(rounds(6, 100)):
        so_far = trial.progress
        error = chance.choice([errno.EIO, errno.ENOSPC] if call != "open" else [errno.EMFILE, errno.EACCES])
        first = chance.randrange(1, 20)
        faulty.heal()
        faulty.fail(call, "telemetry-", error, first, last=first + chance.randrange(3))
        eventually(lambda: trial.progress > so_far + 20)
    faulty.heal()
    trial.kill()
    trial.start()
    trial.check()


def test_a_store_whose_disk_hangs_holds_nobody_else_up(trial, faulty):
    trial.start(environment=faulty.environment)
    trial.get_fresh_through()
    faulty.delay("sync", "telemetry-", seconds=600)
    names = [f"log-{number}" for number in range(50)]
    assert {trial.post(name) for name in names} == {200}
    eventually(lambda: set(names) <= set(trial.delivered()))
    assert trial.daemon.terminate(timeout=30) == 0
    faulty.heal()
    trial.start()
    trial.check()
