"""The balance of every sink and signal, while other servers do everything that they should not."""

from collections import Counter

import grpc

from harness import otlp
from harness.accounts import accounts
from harness.capture import Answer
from harness.daemon import config
from harness.grpc_capture import Failure
from harness.otlp import RESPONSES, SIGNALS
from harness.waiting import eventually

RETRY = {"initial_interval": "20ms", "max_interval": "100ms"}
QUEUE = {"num_consumers": 2, "batch": {"min_size": 10, "max_size": 10, "flush_timeout": "20ms"}}
COUNT, EACH = 30, 10
REJECTED = {"traces": "rejected_spans", "metrics": "rejected_data_points", "logs": "rejected_log_records"}


def names(message) -> list[str]:
    """Whose items a request holds: one name for each item."""
    found = []
    for group in [*getattr(message, "resource_spans", []), *getattr(message, "resource_metrics", []), *getattr(message, "resource_logs", [])]:
        service = next(pair.value.string_value for pair in group.resource.attributes if pair.key == "service.name")
        one = type(message)()
        getattr(one, next(iter(one.DESCRIPTOR.fields)).name).append(group)
        found += [service] * len(otlp.items(one))
    return found


class Downstream:
    """Answers that are all wrong in their own way, and what each means for the items of a request."""

    def __init__(self):
        self.taken, self.dropped, self.unsure = Counter(), Counter(), Counter()

    def takes(self, answer=None):
        """A request is taken, and perhaps oddly said so."""

        def judge(message):
            self.taken.update(names(message))
            return answer or Answer()

        return judge

    def loses(self, answer):
        """A request is taken, and the answer lost: it comes again."""

        def judge(message):
            self.unsure.update(names(message))
            return answer

        return judge

    def drops(self, answer):
        def judge(message):
            self.dropped.update(names(message))
            return answer

        return judge

    def rejects_two(self, message):
        signal = next(name for name in SIGNALS if message.DESCRIPTOR.name.lower().startswith(f"export{name.removesuffix('s')}"))
        answer = RESPONSES[signal]()
        setattr(answer.partial_success, REJECTED[signal], min(2, len(names(message))))
        self.dropped.update(names(message)[:2])
        self.taken.update(names(message)[2:])
        return Answer(body=answer.SerializeToString())

    def script(self) -> list:
        refusals = [
            Answer(429), Answer(429, {"Retry-After": "soon"}), Answer(503, {"Retry-After": "1"}), Answer(502, body=b"<html>"),
            Answer(504), Answer(503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        ]  # fmt: skip
        steps = [
            *refusals, self.takes(), self.drops(Answer(500)), self.loses(Answer(how="reset")), self.takes(Answer(how="trickle")),
            self.rejects_two, self.takes(Answer(200, {"Content-Type": "text/html"}, b"<html>fine</html>")),
            self.takes(Answer(how="last")), self.loses(Answer(how="close")), self.loses(Answer(seconds=5)), Answer(413),
            self.takes(Answer(200, body=b"\xff\xff")), Answer(400),
        ]  # fmt: skip
        return steps * 3


def test_every_item_is_accounted_for_whatever_the_other_side_does(otlpd, capture, grpc_capture):
    other = Downstream()
    http = capture(other.script(), otherwise=other.takes())
    failures = [Failure(grpc.StatusCode[code]) for code in ("UNAVAILABLE", "INTERNAL", "RESOURCE_EXHAUSTED", "ABORTED")]
    calls = grpc_capture([*failures, 5.0, *failures])
    exporters = {
        "otlp_http": {"endpoint": http.url, "timeout": "400ms", "retry_on_failure": RETRY, "sending_queue": QUEUE},
        "otlp_grpc": {"endpoint": f"http://{calls.address}", "timeout": "400ms", "retry_on_failure": RETRY, "sending_queue": QUEUE},
        "file": {"path": str(otlpd.directory / "out.jsonl"), "flush_interval": "20ms"},
        "sqlite": None,
    }
    document = config(exporters, journal={"durability": "os"})
    daemon = otlpd(document)
    sent = Counter()
    for number in range(COUNT):
        for signal in SIGNALS:
            name = f"{signal}-{number}"
            assert daemon.post(otlp.PATHS[signal], otlp.MAKERS[signal](EACH, service=name).SerializeToString())[0] == 200
            sent[name] = EACH

    def is_settled():
        books = accounts(daemon)
        assert len(books) == len(exporters) * len(SIGNALS)
        assert all(book.is_balanced for book in books.values()), books
        return all(book.pending == 0 and book.accepted == COUNT * EACH for book in books.values())

    eventually(is_settled, seconds=40)
    books = accounts(daemon)
    for exporter in ("file", "sqlite"):
        assert all(not any(books[exporter, signal].dropped.values()) for signal in SIGNALS)
    reasons = Counter()
    for signal in SIGNALS:
        reasons.update(books["otlp_http", signal].dropped)
    # The records of requests that were answered with 400 alone cannot be told from here; all others can.
    invalid, counted = reasons.pop("invalid", 0), sum(reasons.values())
    assert counted == sum(other.dropped.values()) and reasons["rejected"] > 0 and reasons["rejected_500"] > 0
    assert (other.taken + other.dropped).total() + invalid == sum(sent.values())
    assert not http.script and other.unsure, "the whole script was played"
    assert set(other.taken) | set(other.dropped) == set(sent)
    assert all(count <= sent[name] for name, count in (other.taken + other.dropped).items()), "twice without need"

    # What waits at the end of a life is what the next one recovers.
    http.otherwise = Answer(503)
    for signal in SIGNALS:
        assert daemon.post(otlp.PATHS[signal], otlp.MAKERS[signal](EACH).SerializeToString())[0] == 200
    eventually(lambda: all(accounts(daemon)["otlp_http", signal].pending == EACH for signal in SIGNALS))
    eventually(lambda: all(book.pending == 0 for (exporter, _), book in accounts(daemon).items() if exporter != "otlp_http"))
    assert daemon.terminate() == 0
    http.otherwise = Answer()
    again = otlpd(document)
    eventually(lambda: all(accounts(again)["otlp_http", signal].sent == EACH for signal in SIGNALS))
    for (exporter, _), book in accounts(again).items():
        assert book.is_balanced and book.pending == 0
        assert book.recovered == book.accepted == (EACH if exporter == "otlp_http" else 0)
