"""A destination whose name cannot be resolved: it is asked for again and again, and holds nobody up."""

import socket

from harness.waiting import eventually

HOST = "collector.invalid"


def without_a_name(trial, faulty):
    """A trial whose destination has a name, which the plan of `faulty` resolves or not."""
    trial.exporters["otlp_http"]["endpoint"] = trial.server.url.replace("127.0.0.1", HOST)
    trial.exporters["otlp_http"]["timeout"] = "1s"
    return trial


def test_a_name_that_is_not_known_is_asked_for_again_until_it_is(trial, faulty):
    without_a_name(trial, faulty)
    faulty.fail("resolve", HOST, socket.EAI_NONAME)
    daemon = trial.start(environment=faulty.environment)
    names = {f"log-{number}" for number in range(20)}
    assert {trial.post(name) for name in names} == {200}
    eventually(lambda: names <= set(trial.stored()))
    eventually(lambda: daemon.metric("otlpd_exporter_retries", exporter="otlp_http") > 2)
    assert HOST in daemon.log and not trial.delivered()
    faulty.heal()
    trial.check()


def test_a_resolver_that_does_not_answer_holds_neither_the_store_nor_the_end_up(trial, faulty):
    without_a_name(trial, faulty)
    faulty.delay("resolve", HOST, seconds=600)
    daemon = trial.start(environment=faulty.environment)
    names = {f"log-{number}" for number in range(20)}
    assert {trial.post(name) for name in names} == {200}
    eventually(lambda: names <= set(trial.stored()))
    eventually(lambda: daemon.metric("otlpd_exporter_retries", exporter="otlp_http") > 0)
    assert daemon.terminate(timeout=30) == 0
    faulty.heal()
    trial.start(environment=faulty.environment)
    trial.check()
