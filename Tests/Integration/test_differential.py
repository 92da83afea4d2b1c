"""Random valid messages, as protobuf and as JSON, come out of otlpd as Python's protobuf understands them."""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import messages, otlp
from harness.otlp import JSON, PROTOBUF

EXAMPLES = int(os.environ.get("OTLPD_EXAMPLES", "200"))
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="OTLPD_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)


def comparable(message) -> bytes:
    """NaN differs from itself, so messages are compared as deterministic bytes."""
    return message.SerializeToString(deterministic=True)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("signal", otlp.SIGNALS)
def test_a_random_message_arrives_as_it_was_sent(through, signal):
    @BOUNDED
    @given(st.data())
    def check(data):
        message = data.draw(messages.requests(signal))
        for content_type in (PROTOBUF, JSON):
            arrived = through(signal, otlp.encoded(message, content_type), content_type)
            assert comparable(arrived) == comparable(message), content_type

    check()
