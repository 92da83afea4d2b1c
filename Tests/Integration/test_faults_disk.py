"""Disks that are full, slow, failing or gone under a running otlpd: it refuses in time, or ends with status 74."""

import errno
import os
import shutil
import socket
import time

import pytest
from harness import otlp
from harness.capture import Answer
from harness.faults import DOWN, rounds, segments
from harness.faults_disk import limited_to
from harness.waiting import eventually

thorough = pytest.mark.thorough


@pytest.fixture
def lagging(trial):
    """Only a sink that does not get rid of anything, so that everything stays in the journal."""
    trial.exporters.pop("sqlite")
    trial.server.otherwise = DOWN
    return trial


def is_alive(daemon) -> bool:
    return daemon.get("/healthz")[0] == 200 and "otlpd_journal_bytes" in daemon.get("/metrics")[1]


def restart(trial):
    trial.server.otherwise = Answer()
    trial.start()


# Full


def test_a_disk_that_others_fill_refuses_until_there_is_room_again(trial, small_disk):
    disk = small_disk(24)
    daemon = trial.start(data=disk.path / "data", environment=disk.environment)
    for number in range(rounds(2, 20)):
        assert trial.post(f"before-{number}", size=300_000) == 200
        disk.fill()
        assert trial.post(f"full-{number}", size=number % 2 * 300_000) == 503
        assert is_alive(daemon)
        disk.free()
        trial.get_fresh_through()
    assert daemon.metric("otlpd_journal_refused_groups", reason="no_space") > 0
    trial.kill()
    trial.start(data=disk.path / "data", environment=disk.environment)
    trial.check()


@pytest.mark.parametrize("size", [200, 100_000])
def test_a_disk_that_the_journal_fills_is_emptied_by_its_sinks(lagging, small_disk, size):
    disk = small_disk(8)
    lagging.journal["min_free_bytes"] = 0
    daemon = lagging.start(data=disk.path / "data", environment=disk.environment)
    lagging.produce(size=lambda: size, each=8)
    eventually(lambda: daemon.metric("otlpd_journal_refused_groups", reason="no_space") > 0, seconds=50)
    assert is_alive(daemon)
    lagging.server.otherwise = Answer()
    eventually(lambda: daemon.metric("otlpd_journal_bytes") < 4 << 20)
    assert lagging.rest()[503] > 0
    lagging.check()
    lagging.kill()
    lagging.start(data=disk.path / "data", environment=disk.environment)
    lagging.check()


def test_a_start_on_a_full_disk_waits_for_room(trial, small_disk):
    disk = small_disk(24)
    trial.exporters.pop("sqlite")
    trial.start(data=disk.path / "data", environment=disk.environment)
    trial.get_fresh_through()
    assert trial.daemon.terminate() == 0
    disk.fill()
    daemon = trial.start(data=disk.path / "data", environment=disk.environment)
    assert trial.post("full", size=10_000) == 503
    assert is_alive(daemon)
    disk.free()
    trial.check()


def test_a_limit_of_the_file_size_refuses_and_heals(lagging):
    # In KiB: SIGXFSZ would end the process.
    daemon = lagging.start(prefix=limited_to("f", 2048))
    statuses = []
    while 503 not in statuses and len(statuses) < 60:
        statuses.append(lagging.post(f"log-{len(statuses)}", size=100_000))
    assert 10 < len(statuses) < 25
    assert daemon.metric("otlpd_journal_refused_groups", reason="no_space") == 1
    lagging.server.otherwise = Answer()
    lagging.check()


def test_little_free_space_refuses_and_says_so(lagging, tmp_path):
    status = os.statvfs(tmp_path)
    lagging.journal["min_free_bytes"] = 2 * status.f_bavail * status.f_frsize
    daemon = lagging.start()
    assert lagging.post("one") == 503
    eventually(lambda: "the disk is full" in daemon.log)
    assert daemon.metric("otlpd_journal_refused_groups", reason="no_space") == 1
    assert lagging.balances()


# Calls that fail


SHORTAGES = {"ENOSPC": errno.ENOSPC, "EFBIG": errno.EFBIG, "EDQUOT": errno.EDQUOT}


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("shortage", SHORTAGES)
@pytest.mark.parametrize("is_torn", [False, True], ids=["whole", "torn"])
def test_a_write_without_room_is_refused_and_leaves_nothing_torn(lagging, faulty, chance, shortage, is_torn):
    daemon = lagging.start(environment=faulty.environment)
    for _ in range(rounds(1, 8)):
        call = chance.randrange(1, 8)
        if is_torn:
            faulty.write_half(".segment", first=call)
        faulty.fail("write", ".segment", SHORTAGES[shortage], first=call + is_torn)
        statuses = [lagging.post(f"{call}-{number}", size=5_000) for number in range(call)]
        assert statuses == [200] * (call - 1) + [503]
        assert is_alive(daemon)
        faulty.heal()
        assert lagging.post(f"{call}-healed") == 200
    lagging.kill()
    lagging.server.otherwise = Answer()
    daemon = lagging.start()
    lagging.check()
    assert daemon.metric("otlpd_journal_quarantined_bytes") == 0
    assert daemon.metric("otlpd_journal_missing_records") == 0


def test_short_and_interrupted_writes_are_finished(trial, faulty):
    trial.start(environment=faulty.environment)
    for call in range(1, 40, 4):
        faulty.write_half(".segment", first=call)
        faulty.fail("write", ".segment", errno.EINTR, first=call + 2, last=call + 2)
    trial.produce(size=lambda: 5_000)
    eventually(lambda: trial.progress > 100)
    trial.kill()
    trial.start()
    trial.check()


@pytest.mark.timeout(1200)
def test_a_failed_sync_ends_with_74_and_acknowledges_nothing(lagging, faulty):
    for call in range(1, rounds(3, 50) + 1):
        faulty.heal()
        daemon = lagging.start(environment=faulty.environment)
        faulty.fail("sync", ".segment", errno.EIO, first=call)
        assert [lagging.post(f"{call}-{number}") for number in range(call)] == [200] * (call - 1) + [503]
        assert daemon.wait() == 74
        assert "the journal's disk failed" in daemon.log
    restart(lagging)
    lagging.check()


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("call", "path"),
    [("sync", "/journal$"), ("sync", "cursors.tmp"), ("rename", "cursors"), ("truncate", ".segment")],
)
def test_a_failure_that_leaves_the_disk_unknown_ends_with_74(trial, faulty, call, path):
    trial.journal["max_bytes"] = 16 << 20
    for number in range(1, rounds(1, 10) + 1):
        faulty.heal()
        daemon = trial.start(environment=faulty.environment)
        trial.get_fresh_through()
        if call == "truncate":
            # What could not be written whole is cut off again.
            faulty.write_half(".segment", first=2)
            faulty.fail("write", ".segment", errno.ENOSPC, first=3, last=3)
        faulty.fail(call, path, errno.EIO, first=1 if call == "truncate" else number)
        trial.produce(size=lambda: 100_000, each=2)
        assert daemon.wait(timeout=30 + number) == 74
        trial.rest()
        assert "the journal's disk failed" in daemon.log
    restart(trial)
    trial.check()


# What otlpd asks of the disk, and what may go wrong with it.
CALLS = {
    "write": ("journal", "cursors.tmp", ".segment"),
    "open": (".segment", "cursors.tmp"),
    "rename": ("cursors",),
    "remove": (".segment", "cursors.tmp"),
    "truncate": (".segment",),
    "reserve": (".segment",),
    "space": ("*",),
    "sync": ("*",),
}
ERRORS = [errno.EIO, errno.ENOSPC, errno.EMFILE, errno.EACCES]


@pytest.mark.timeout(1200)
def test_any_call_that_fails_at_any_time_loses_nothing(trial, faulty, chance):
    """One fault after the other, drawn at random; a run either goes on or ends with 74, never otherwise."""
    trial.journal["max_bytes"] = 16 << 20
    for _ in range(rounds(8, 100)):
        faulty.heal()
        daemon = trial.start(environment=faulty.environment)
        call = chance.choice(list(CALLS))
        path, error = chance.choice(CALLS[call]), chance.choice(ERRORS)
        first = chance.randrange(1, 30)
        trial.server.otherwise = chance.choice([Answer(), Answer(), DOWN])
        faulty.fail(call, path, error, first, last=first)
        trial.produce(otlp.SIGNALS, lambda: chance.choice([0, 5_000, 100_000]))
        time.sleep(chance.uniform(0.2, 1.2))
        what = (call, path, errno.errorcode[error], first)
        if daemon.process.poll() is None:
            trial.kill()
        else:
            assert daemon.wait() == 74, (what, daemon.log[-2000:])
            trial.rest()
    faulty.heal()
    restart(trial)
    trial.check()


@pytest.mark.timeout(1200)
def test_any_call_that_fails_at_the_start_is_survived_by_the_next_start(lagging, faulty, chance):
    lagging.start()
    lagging.produce(otlp.SIGNALS, lambda: chance.choice([0, 5_000, 100_000]))
    eventually(lambda: lagging.progress > 100)
    lagging.kill()
    for _ in range(rounds(12, 200)):
        faulty.heal()
        call = chance.choice(list(CALLS))
        path = chance.choice(["cursors", ".segment", "LOCK", "/journal$"]) if call == "open" else "*"
        faulty.fail(call, path, chance.choice(ERRORS), chance.randrange(1, 4))
        daemon = lagging.make(environment=faulty.environment).launch()
        eventually(lambda: daemon.process.poll() is not None or "msg=ready" in daemon.log)
        if daemon.process.poll() is None:
            lagging.kill()
        else:
            assert daemon.wait() in (74, 77), daemon.log
            assert "level=error" in daemon.log or "level=critical" in daemon.log
    faulty.heal()
    restart(lagging)
    lagging.check()


# Slow


def test_a_slow_disk_slows_the_answers_and_nothing_else(trial, faulty):
    daemon = trial.start(environment=faulty.environment)
    faulty.delay("sync", ".segment", seconds=3)
    trial.produce(otlp.SIGNALS, each=3)
    for _ in range(3):
        assert is_alive(daemon)
    assert trial.progress == 0, "every answer to a request waits for its sync"
    eventually(lambda: trial.progress > 0)
    faulty.heal()
    trial.kill()
    trial.start()
    trial.check()


# Gone


@thorough
@pytest.mark.parametrize("what", ["moved", "deleted", "replaced"])
def test_a_directory_that_is_gone_ends_with_74(lagging, what):
    daemon = lagging.start()
    assert {lagging.post(f"log-{number}") for number in range(10)} == {200}
    journal, elsewhere = daemon.data / "journal", daemon.data / "elsewhere"
    journal.rename(elsewhere)
    if what == "replaced":
        shutil.copytree(elsewhere, journal)
    if what == "deleted":
        shutil.rmtree(elsewhere)
    # Looked for every 10 seconds.
    assert daemon.wait(timeout=40) == 74
    assert str(journal) in daemon.log
    if what == "moved":
        elsewhere.rename(journal)
    if what == "deleted":
        lagging.acknowledged["logs"].clear()
    restart(lagging)
    lagging.check()


def test_a_disk_that_turns_read_only_ends_with_74(lagging, faulty):
    # As the kernel does after an error; nobody can remount a file system with files that are open for writing.
    daemon = lagging.start(environment=faulty.environment)
    lagging.produce(each=2)
    eventually(lambda: lagging.progress > 50)
    for call in ("write", "open", "rename", "remove", "truncate", "reserve"):
        faulty.fail(call, "data", errno.EROFS)
    assert daemon.wait(timeout=30) == 74
    lagging.rest()
    assert "read-only" in daemon.log
    again = lagging.make(environment=faulty.environment).launch()
    assert again.wait() == 77
    assert str(daemon.data) in again.log and "read-only" in again.log
    restart(lagging)
    lagging.check()


# Descriptors and clocks


def test_without_descriptors_nothing_is_lost_and_it_goes_on_by_itself(trial):
    daemon = trial.start(prefix=limited_to("n", 40))
    trial.produce(otlp.SIGNALS)
    eventually(lambda: trial.progress > 20)
    idle = []
    for _ in range(60):
        connection = socket.socket()
        connection.settimeout(0.5)
        try:
            connection.connect(daemon.address)
        except OSError:
            pass
        idle.append(connection)
    so_far = trial.progress
    eventually(lambda: trial.progress > so_far + 20)
    for connection in idle:
        connection.close()
    trial.rest()
    trial.check()


@pytest.mark.parametrize("hours", [-24 * 365 * 60, -1, 1, 24 * 365 * 70])
def test_a_wall_clock_that_jumps_stops_nothing(trial, faulty, hours):
    trial.start(environment=faulty.environment)
    trial.get_fresh_through()
    faulty.shift_clock(hours * 3600)
    for signal in otlp.SIGNALS:
        trial.get_fresh_through(signal)
    trial.kill()
    trial.start(environment=faulty.environment)
    trial.get_fresh_through()
    faulty.heal()
    trial.check()
