"""What otlpd says became of every item: one account per exporter and signal, out of one page of metrics."""

import re
from collections import defaultdict
from dataclasses import dataclass, field

SERIES = re.compile(r"(\w+)\{(.*)\}")
LABEL = re.compile(r'(\w+)="([^"]*)"')
SIGNAL_OF = {"spans": "traces", "metric_points": "metrics", "log_records": "logs"}


@dataclass
class Account:
    accepted: float = 0
    recovered: float = 0
    sent: float = 0
    pending: float = 0
    dropped: dict = field(default_factory=dict)

    @property
    def is_balanced(self) -> bool:
        return self.accepted == self.sent + self.pending + sum(self.dropped.values())


def accounts(daemon) -> dict[tuple[str, str], Account]:
    """By exporter and signal."""
    found = defaultdict(Account)
    for series, value in daemon.metrics().items():
        if not (match := SERIES.fullmatch(series)):
            continue
        name, labels = match[1], dict(LABEL.findall(match[2]))
        if name.startswith("otelcol_exporter_sent_"):
            found[labels["exporter"], SIGNAL_OF[name.removeprefix("otelcol_exporter_sent_")]].sent = value
        elif name == "otlpd_dropped_items":
            found[labels["exporter"], labels["signal"]].dropped[labels["reason"]] = value
        elif name.startswith("otlpd_exporter_") and name.endswith("_items"):
            setattr(found[labels["exporter"], labels["signal"]], name.split("_")[2], value)
    return found
