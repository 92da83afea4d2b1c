"""Items that cannot be taken are dropped, counted and told; the others of the request go on."""

import json

import pytest

from harness import otlp
from harness.otlp import JSON, PROTOBUF, RESPONSES
from harness.wire import ask, request

BAD_TRACE_ID = b"short"


def damaged(signal: str, good: int, bad: int):
    """A request whose last `bad` items have an id of the wrong length."""
    message = otlp.MAKERS[signal](good + bad)
    if signal == "traces":
        for span in message.resource_spans[0].scope_spans[0].spans[good:]:
            span.trace_id = BAD_TRACE_ID
    if signal == "metrics":
        for point in message.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[good:]:
            point.exemplars.add(trace_id=BAD_TRACE_ID, as_int=1)
    return message


REJECTED = {"traces": "rejected_spans", "metrics": "rejected_data_points"}


@pytest.mark.parametrize("signal", REJECTED)
def test_items_with_ids_of_a_wrong_length_are_rejected_and_counted(through, signal):
    answer = through.send(signal, damaged(signal, 3, 2).SerializeToString(), PROTOBUF)
    assert answer.status == 200
    partial = RESPONSES[signal].FromString(answer.body).partial_success
    assert getattr(partial, REJECTED[signal]) == 2
    assert partial.error_message


@pytest.mark.parametrize("signal", REJECTED)
def test_the_good_items_of_such_a_request_arrive(through, signal):
    from harness.waiting import eventually

    through.send(signal, damaged(signal, 3, 2).SerializeToString(), PROTOBUF)
    arrived = eventually(lambda: through.capture.messages(signal))[0]
    assert len(otlp.items(arrived)) == 3


@pytest.mark.parametrize("signal", REJECTED)
def test_in_json_the_count_is_a_string(daemon, signal):
    answer = ask(daemon.address, request(otlp.PATHS[signal], otlp.as_json(damaged(signal, 3, 2)), JSON))
    assert answer.status == 200
    partial = json.loads(answer.body)["partialSuccess"]
    name = {"traces": "rejectedSpans", "metrics": "rejectedDataPoints"}[signal]
    assert partial[name] == "2"
    assert partial["errorMessage"]


def test_a_request_of_rejected_items_only_is_still_a_partial_success(daemon):
    answer = ask(daemon.address, request(body=damaged("traces", 0, 4).SerializeToString()))
    assert answer.status == 200
    assert RESPONSES["traces"].FromString(answer.body).partial_success.rejected_spans == 4


def test_rejected_items_are_counted_in_the_metrics(daemon):
    before = daemon.metric("otlpd_rejected_items")
    ask(daemon.address, request(body=damaged("traces", 1, 4).SerializeToString()))
    assert daemon.metric("otlpd_rejected_items") == before + 4


def test_a_log_record_with_a_bad_id_is_kept_without_it(through):
    message = otlp.logs(2)
    record = message.resource_logs[0].scope_logs[0].log_records[1]
    record.trace_id, record.span_id = BAD_TRACE_ID, b"s" * 8
    arrived = through("logs", message.SerializeToString(), PROTOBUF)
    records = arrived.resource_logs[0].scope_logs[0].log_records
    assert len(records) == 2
    assert records[1].trace_id == b"" and records[1].body.string_value == "hello"


def test_ids_of_zeros_do_no_harm(daemon):
    message = otlp.traces(1)
    span = message.resource_spans[0].scope_spans[0].spans[0]
    span.trace_id, span.span_id = bytes(16), bytes(8)
    assert ask(daemon.address, request(body=message.SerializeToString())).status == 200


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
@pytest.mark.parametrize("signal", otlp.SIGNALS)
def test_full_success_says_nothing_of_partial_success(daemon, signal, content_type):
    body = otlp.encoded(otlp.MAKERS[signal](2), content_type)
    answer = ask(daemon.address, request(otlp.PATHS[signal], body, content_type))
    assert answer.body in (b"", b"{}")
