"""What the documents promise, read from their tables."""

import re
from dataclasses import dataclass

from harness.daemon import TOP

ITEMS = ("spans", "metric_points", "log_records")
ROW = re.compile(r"^\| `([a-z0-9_]+(?:<items>)?)` \| (counter|gauge|histogram) \| ([a-z_, ]*)\| (.+) \|$", re.M)


@dataclass(frozen=True)
class Family:
    """A metric as docs/metrics.md describes it."""

    name: str
    kind: str
    labels: frozenset


def documented_metrics() -> dict[str, Family]:
    """Every family of docs/metrics.md by name, `<items>` written out."""
    families = {}
    for name, kind, labels, _ in ROW.findall((TOP / "docs/metrics.md").read_text()):
        known = frozenset(label.strip() for label in labels.split(",") if label.strip())
        for full in [name.replace("<items>", items) for items in ITEMS] if "<items>" in name else [name]:
            assert full not in families, f"{full} is documented twice"
            families[full] = Family(full, kind, known)
    return families
