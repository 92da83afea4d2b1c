"""otlpd is killed, stopped, frozen and started twice, under load: nothing that was acknowledged is lost."""

import random
import signal
import subprocess
import time

import pytest
from harness import otlp
from harness.capture import Answer
from harness.faults import DOWN, rounds, segments
from harness.waiting import eventually

# Bytes that lie across pages and, a few dozen of them, across segment files of 1 MiB.
SIZES = [0, 100, 5_000, 100_000]


def sizes(chance: random.Random):
    return lambda: chance.choice(SIZES)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("downstream", ["up", "comes and goes"])
def test_killed_at_any_moment(trial, chance, downstream):
    # Small segments, so that lives end while files begin and go.
    trial.journal["max_bytes"] = 16 << 20
    for _ in range(rounds(10, 100)):
        trial.start()
        if downstream == "comes and goes":
            trial.server.otherwise = chance.choice([DOWN, Answer()])
        trial.produce(otlp.SIGNALS, sizes(chance))
        time.sleep(chance.uniform(0.02, 0.5))
        trial.kill()
    trial.server.otherwise = Answer()
    trial.start()
    assert sum(len(names) for names in trial.acknowledged.values()) > 100
    trial.check()


@pytest.mark.timeout(600)
def test_killed_while_it_starts(trial, chance):
    trial.server.otherwise = DOWN
    trial.start()
    trial.produce(otlp.SIGNALS, sizes(chance))
    eventually(lambda: trial.progress > 200)
    trial.kill()
    for _ in range(rounds(15, 200)):
        daemon = trial.make().launch()
        time.sleep(chance.uniform(0, 0.06))
        daemon.process.kill()
        daemon.wait()
    trial.server.otherwise = Answer()
    trial.start()
    trial.check()


@pytest.mark.timeout(600)
def test_stopped_under_load(trial, chance):
    for _ in range(rounds(2, 20)):
        trial.start()
        trial.produce(otlp.SIGNALS, sizes(chance))
        eventually(lambda: trial.progress > 100)
        assert trial.daemon.terminate(timeout=30) == 0
        trial.rest()
    trial.start()
    trial.check()


def test_a_second_signal_ends_a_stop_that_waits_for_a_sink(trial, chance):
    trial.server.otherwise = Answer(503, seconds=60)
    trial.start()
    trial.produce(otlp.SIGNALS, sizes(chance))
    eventually(lambda: trial.progress > 100)
    trial.daemon.process.send_signal(signal.SIGTERM)
    eventually(lambda: "msg=stopping" in trial.daemon.log)
    assert trial.daemon.terminate() != 0
    trial.rest()
    trial.server.otherwise = Answer()
    trial.start()
    trial.check()


def test_frozen_and_thawed_under_load(trial, chance):
    trial.start()
    trial.produce(otlp.SIGNALS, sizes(chance))
    for _ in range(rounds(3, 30)):
        so_far = trial.progress
        eventually(lambda: trial.progress > so_far + 20)
        trial.daemon.process.send_signal(signal.SIGSTOP)
        time.sleep(chance.uniform(0.05, 0.5))
        trial.daemon.process.send_signal(signal.SIGCONT)
    trial.rest()
    trial.check()


def test_what_a_sink_took_does_not_come_again_after_a_kill(trial):
    trial.start()
    names = [f"log-{number}" for number in range(20)]
    assert {trial.post(name) for name in names} == {200}
    eventually(lambda: not trial.missing())

    def pending() -> str:
        look = [trial.daemon.command[0], "journal", "inspect", trial.daemon.data / "journal"]
        return subprocess.run(look, capture_output=True, text=True, timeout=20).stdout

    # The cursors are stored every second.
    eventually(lambda: "otlp_http logs: at 21," in pending())
    trial.kill()
    trial.start()
    trial.check()
    assert [trial.delivered()[name] for name in names] == [1] * 20


def test_a_second_daemon_changes_nothing_for_the_first(trial):
    first = trial.start()
    trial.produce(each=2)
    eventually(lambda: trial.progress > 50)
    for _ in range(3):
        second = trial.make().launch()
        assert second.wait() == 75
        assert f"in use by process {first.process.pid}" in second.log
    trial.daemon = first
    so_far = trial.progress
    eventually(lambda: trial.progress > so_far + 50)
    trial.kill()
    trial.start()
    trial.check()


@pytest.mark.thorough
def test_the_files_go_when_all_is_delivered(trial, chance):
    trial.journal["max_bytes"] = 16 << 20
    trial.start()
    trial.produce(otlp.SIGNALS, lambda: 100_000)
    eventually(lambda: trial.progress > 400, seconds=60)
    trial.rest()
    trial.check()
    eventually(lambda: sum(path.stat().st_size for path in segments(trial.daemon)) < 2 << 20)
