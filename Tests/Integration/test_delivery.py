"""How a network sink delivers: whatever the other side does, nothing is lost uncounted and nobody else is held up."""

import email.utils
import threading
import time

import pytest

from harness import otlp, store
from harness.capture import Answer
from harness.daemon import config
from harness.net import free_port
from harness.otlp import RESPONSES
from harness.waiting import eventually

QUICK_RETRY = {"initial_interval": "50ms", "max_interval": "200ms"}
DURABLE = {"durability": "os"}


def forward(url: str, **settings) -> dict:
    return {"endpoint": url, "compression": "none", "retry_on_failure": QUICK_RETRY, **settings}


def beside_a_store(url: str, journal=None, **settings) -> dict:
    return config({"otlp_http": forward(url, **settings), "sqlite": None}, journal=journal or {"durability": "memory"})


def post(daemon, message, signal: str = "traces"):
    assert daemon.post(otlp.PATHS[signal], message.SerializeToString())[0] == 200


def dropped(daemon, **labels) -> float:
    return daemon.metric("otlpd_dropped_items", exporter="otlp_http", **labels)


def is_balanced(daemon, items: int, exporter: str = "otlp_http") -> bool:
    """Whether everything accepted is settled, and counted exactly once."""
    sent = sum(
        daemon.metric(f"otelcol_exporter_sent_{name}", exporter=exporter)
        for name in ("spans", "metric_points", "log_records")
    )
    gone = daemon.metric("otlpd_dropped_items", exporter=exporter)
    accepted = daemon.metric("otlpd_exporter_accepted_items", exporter=exporter)
    pending = daemon.metric("otlpd_exporter_pending_items", exporter=exporter)
    assert (accepted, pending) == (items, 0)
    assert sent + gone == items
    return True


def in_a_second() -> str:
    return email.utils.formatdate(time.time() + 2, usegmt=True)


REFUSALS = {
    "429": Answer(429, {"Retry-After": "1"}),
    "429 without a time": Answer(429),
    "429 with a senseless time": Answer(429, {"Retry-After": "soon"}),
    "429 with a negative time": Answer(429, {"Retry-After": "-7"}),
    "503": Answer(503, {"Retry-After": "1"}),
    "503 with a date": Answer(503, {"Retry-After": "DATE"}),
    "503 with a date that is over": Answer(503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
    "502": Answer(502, {"Content-Type": "text/html"}, b"<html>bad gateway</html>"),
    "504": Answer(504, body=b"\xff\xfe"),
}


def last_error_age(daemon, kind: str) -> float:
    """Seconds since an attempt last failed so."""
    return time.time() - daemon.metric(
        "otlpd_exporter_last_error_timestamp_seconds", exporter="otlp_http", signal="traces", kind=kind
    )


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS.keys())
def test_what_is_refused_for_now_arrives_once(otlpd, capture, refusal):
    headers = {name: in_a_second() if value == "DATE" else value for name, value in (refusal.headers or {}).items()}
    refusal = Answer(refusal.status, headers, refusal.body)
    downstream = capture([refusal, refusal])
    daemon = otlpd(beside_a_store(downstream.url))
    message = otlp.traces(20)
    post(daemon, message)
    eventually(lambda: is_balanced(daemon, 20))
    assert [otlp.items(request.message) for request in downstream.received] == [otlp.items(message)] * 3
    assert daemon.metric("otlpd_exporter_retries", exporter="otlp_http") == 2
    assert 0 <= last_error_age(daemon, "retryable") < 60
    assert dropped(daemon) == 0
    eventually(lambda: store.count(daemon.data, "spans") == 20)


@pytest.mark.parametrize("how", ["reset", "close"])
def test_what_gets_no_answer_is_sent_again(otlpd, capture, how):
    downstream = capture([Answer(how=how)] * 3)
    daemon = otlpd(beside_a_store(downstream.url))
    message = otlp.traces(20)
    post(daemon, message)
    eventually(lambda: is_balanced(daemon, 20))
    assert otlp.items(downstream.received[-1].message) == otlp.items(message)
    assert dropped(daemon) == 0


def test_a_connection_that_was_closed_behind_an_answer_costs_nothing(otlpd, capture):
    downstream = capture(otherwise=Answer(how="last"))
    daemon = otlpd(beside_a_store(downstream.url))
    sent = []
    for index in range(10):
        sent.append(otlp.traces(3, name=f"{index}"))
        post(daemon, sent[-1])
        eventually(lambda: is_balanced(daemon, 3 * len(sent)))
    assert otlp.items(downstream.merged("traces")) == sorted(item for message in sent for item in otlp.items(message))
    assert dropped(daemon) == 0


def test_an_answer_that_trickles_in_is_an_answer(otlpd, capture):
    partial = RESPONSES["traces"]()
    partial.partial_success.rejected_spans = 2
    partial.partial_success.error_message = "slowly refused"
    downstream = capture([Answer(body=partial.SerializeToString(), how="trickle")])
    daemon = otlpd(beside_a_store(downstream.url))
    post(daemon, otlp.traces(5))
    eventually(lambda: is_balanced(daemon, 5))
    assert dropped(daemon, reason="rejected") == 2
    assert len(downstream.received) == 1


def test_a_destination_that_hangs_holds_nobody_up(otlpd, capture):
    """Not the store, and not the other signals of the same sink."""
    hanging = threading.Event()
    downstream = capture(otherwise=lambda message: Answer(seconds=60) if hasattr(message, "resource_spans") else Answer())
    daemon = otlpd(beside_a_store(downstream.url, timeout="60s", sending_queue={"batch": {"max_size": 1, "min_size": 1}}))
    for index in range(10):
        post(daemon, otlp.traces(1))
    for index in range(10):
        post(daemon, otlp.logs(1), "logs")
    eventually(lambda: daemon.metric("otelcol_exporter_sent_log_records", exporter="otlp_http") == 10)
    eventually(lambda: store.count(daemon.data, "spans") == 10)
    assert daemon.metric("otlpd_exporter_pending_items", exporter="otlp_http", signal="traces") == 10
    hanging.set()


def test_an_absent_destination_gets_everything_when_it_comes(otlpd, capture):
    downstream = capture()
    port = free_port()
    daemon = otlpd(beside_a_store(f"http://127.0.0.1:{port}"))
    post(daemon, otlp.logs(9), "logs")
    eventually(lambda: daemon.metric("otlpd_exporter_retries", exporter="otlp_http") > 1)
    eventually(lambda: "otlp_http logs: failing" in daemon.get("/readyz")[1])
    assert daemon.get("/readyz")[0] == 200
    assert len(downstream.received) == 0


# What the other side never takes


def refuses(names: set):
    """A judge that answers 400 to every request with one of these spans."""

    def judge(message):
        spans = {span.name for group in message.resource_spans for scope in group.scope_spans for span in scope.spans}
        return Answer(400, body=b"bad span") if spans & names else Answer()

    return judge


def taken(downstream, names: set) -> list:
    """The spans of the requests that were answered with 200."""
    spans = [
        [span.name for group in message.resource_spans for scope in group.scope_spans for span in scope.spans]
        for message in downstream.messages("traces")
    ]
    return sorted(name for request in spans if not names & set(request) for name in request)


def numbered(count: int):
    message = otlp.traces(count)
    for index, span in enumerate(message.resource_spans[0].scope_spans[0].spans):
        span.name = f"{index}"
    return message


def test_one_bad_record_costs_no_other(otlpd, capture):
    bad = {"0", "333", "999"}
    downstream = capture(otherwise=refuses(bad))
    daemon = otlpd(beside_a_store(downstream.url))
    post(daemon, numbered(1000))
    eventually(lambda: is_balanced(daemon, 1000))
    assert dropped(daemon, reason="invalid") == 3
    assert taken(downstream, bad) == sorted(f"{index}" for index in range(1000) if f"{index}" not in bad)
    assert len(downstream.received) < 70
    assert "bad span" in daemon.log
    assert daemon.metric("otlpd_dropped_items", exporter="sqlite") == 0


def test_a_destination_that_refuses_every_record_is_not_hammered(otlpd, capture):
    downstream = capture(otherwise=Answer(400))
    daemon = otlpd(beside_a_store(downstream.url))
    post(daemon, numbered(5000))
    eventually(lambda: is_balanced(daemon, 5000))
    assert dropped(daemon, reason="invalid") == 5000
    assert len(downstream.received) < 100


def test_too_large_a_batch_is_sent_in_smaller_ones_and_later_ones_are_small_at_once(otlpd, capture):
    bytes_max = 100_000
    downstream = capture(otherwise=lambda message: Answer(413 if message.ByteSize() > bytes_max else 200))
    daemon = otlpd(beside_a_store(downstream.url))
    first, second = numbered(5000), numbered(5000)
    post(daemon, first)
    eventually(lambda: is_balanced(daemon, 5000))
    tried = len(downstream.received)
    post(daemon, second)
    eventually(lambda: is_balanced(daemon, 10_000))
    sizes = [len(request.body) for request in downstream.received]
    assert max(sizes[:tried]) > bytes_max
    assert max(sizes[tried:]) <= bytes_max
    spans = [span for size, message in zip(sizes, downstream.messages("traces")) if size <= bytes_max for span in otlp.items(message)]
    assert sorted(spans) == sorted(otlp.items(first) + otlp.items(second))
    assert dropped(daemon) == 0


def test_a_single_record_that_is_too_large_is_dropped_alone(otlpd, capture):
    downstream = capture(otherwise=lambda message: Answer(413 if message.ByteSize() > 200_000 else 200))
    daemon = otlpd(beside_a_store(downstream.url))
    message = otlp.traces(3)
    message.resource_spans[0].scope_spans[0].spans[1].attributes.add(key="huge").value.string_value = "x" * 300_000
    post(daemon, message)
    eventually(lambda: is_balanced(daemon, 3))
    assert dropped(daemon, reason="too_large") == 1
    assert 0 <= last_error_age(daemon, "too_large") < 60
    delivered = [otlp.items(request.message) for request in downstream.received if len(request.body) <= 200_000]
    assert sum(map(len, delivered)) == 2


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_destination_that_takes_nothing_of_a_signal_pauses_it_and_loses_nothing(otlpd, capture, status):
    downstream = capture(otherwise=lambda message: Answer(status if hasattr(message, "resource_spans") else 200))
    daemon = otlpd(beside_a_store(downstream.url, DURABLE))
    post(daemon, otlp.traces(5))
    eventually(lambda: daemon.metric("otlpd_exporter_paused", signal="traces", exporter="otlp_http") == 1)
    for _ in range(5):
        post(daemon, otlp.traces(5))
        post(daemon, otlp.logs(5), "logs")
    eventually(lambda: daemon.metric("otelcol_exporter_sent_log_records", exporter="otlp_http") == 25)
    status_code, page, _ = daemon.get("/readyz")
    assert status_code == 200
    assert "otlp_http traces: paused" in page and str(status) in page
    assert daemon.metric("otlpd_exporter_pending_items", exporter="otlp_http", signal="traces") == 30
    assert len(downstream.messages("traces")) == 1
    assert 0 <= last_error_age(daemon, "blocked") < 60
    assert dropped(daemon) == 0
    assert daemon.terminate() == 0
    downstream.otherwise = Answer()
    again = otlpd(beside_a_store(downstream.url, DURABLE), data=daemon.data)
    eventually(lambda: again.metric("otelcol_exporter_sent_spans", exporter="otlp_http") == 30)


# Batches


def test_several_requests_are_in_flight_at_once(otlpd, capture):
    lock = threading.Lock()
    running, most = [0], [0]
    full = threading.Event()

    def judge(message):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
            if running[0] == 4:
                full.set()
        full.wait(10)
        time.sleep(0.02)
        with lock:
            running[0] -= 1
        return Answer()

    downstream = capture(otherwise=judge)
    exporter = forward(downstream.url, sending_queue={"batch": {"min_size": 10, "max_size": 10}})
    pipelines = {"traces": {"receivers": ["otlp"], "exporters": ["otlp_http"]}}
    daemon = otlpd(config({"otlp_http": exporter}, journal={"durability": "memory"}, pipelines=pipelines))
    sent = [otlp.traces(10, service=f"{index}") for index in range(40)]
    for message in sent:
        post(daemon, message)
    eventually(lambda: is_balanced(daemon, 400))
    assert most[0] == 4
    assert otlp.items(downstream.merged("traces")) == sorted(item for message in sent for item in otlp.items(message))


@pytest.mark.parametrize("signal", otlp.SIGNALS)
@pytest.mark.parametrize(("sizer", "size"), [("items", 100), ("bytes", 5000)])
def test_a_maximum_is_a_maximum_and_alters_nothing(otlpd, capture, signal, sizer, size):
    downstream = capture()
    queue = {"sizer": sizer, "queue_size": 100_000, "batch": {"min_size": 1, "max_size": size, "sizer": sizer}}
    daemon = otlpd(beside_a_store(downstream.url, sending_queue=queue))
    message = otlp.MAKERS[signal](1000, service="large")
    message.MergeFrom(otlp.MAKERS[signal](50, service="small"))
    expected = otlp.items(message)
    post(daemon, message, signal)
    eventually(lambda: is_balanced(daemon, len(expected)))
    assert otlp.items(downstream.merged(signal)) == expected
    for request in downstream.received:
        assert (len(request.body) if sizer == "bytes" else len(otlp.items(request.message))) <= size


def test_small_requests_of_one_service_are_written_as_one(otlpd, capture):
    downstream = capture()
    queue = {"sizer": "items", "queue_size": 1000, "batch": {"min_size": 100, "flush_timeout": "10s"}}
    daemon = otlpd(beside_a_store(downstream.url, sending_queue=queue))
    sent = [otlp.traces(2, service="one") for _ in range(50)]
    for message in sent:
        post(daemon, message)
    eventually(lambda: is_balanced(daemon, 100))
    assert otlp.items(downstream.merged("traces")) == sorted(item for message in sent for item in otlp.items(message))
    assert len(downstream.merged("traces").resource_spans) == len(downstream.received)


def test_a_kill_with_requests_in_flight_loses_nothing(otlpd, capture):
    downstream = capture(otherwise=Answer(seconds=0.2))
    settings = {"sending_queue": {"batch": {"min_size": 5, "max_size": 5}}}
    daemon = otlpd(beside_a_store(downstream.url, DURABLE, **settings))
    sent = [otlp.logs(5, body=f"{index} ") for index in range(30)]
    for message in sent:
        post(daemon, message, "logs")
    eventually(lambda: len(downstream.received) >= 6)
    daemon.process.kill()
    daemon.wait()
    downstream.otherwise = Answer()
    again = otlpd(beside_a_store(downstream.url, DURABLE, **settings), data=daemon.data)
    expected = {item for message in sent for item in otlp.items(message)}
    eventually(lambda: set(otlp.items(downstream.merged("logs"))) == expected)
    eventually(lambda: again.metric("otlpd_exporter_pending_items", exporter="otlp_http") == 0)


@pytest.mark.parametrize("sink", ["otlp_http", "otlp_grpc"])
def test_an_endpoint_that_is_otlpds_own_gets_nothing(otlpd, sink):
    listener = {"endpoint": f"127.0.0.1:{free_port()}"}
    exporters = {sink: forward(listener["endpoint"].replace("127.0.0.1", "http://localhost")), "sqlite": None}
    doors = {"http": listener} if sink == "otlp_http" else {"grpc": listener}
    daemon = otlpd(config(exporters, journal={"durability": "memory"}, **doors))
    assert "own listener" in daemon.log
    post(daemon, otlp.traces(7))
    eventually(lambda: is_balanced(daemon, 7, sink))
    assert daemon.metric("otlpd_dropped_items", exporter=sink, reason="self_loop") == 7
    assert f"{sink} traces: sends nothing" in daemon.get("/readyz")[1]
    eventually(lambda: store.count(daemon.data, "spans") == 7)
    assert daemon.metric("otelcol_receiver_accepted_spans") == 7
