"""What somebody should be told: alerts, made from the named queries and from nothing else.

The objectives: of 1,000 of the gateway's answers for a host 999 are no 5xx, and of 100 records of
an arm 99 take at most half a second; both over 30 days. Burn rates are those of the Google SRE
Workbook, chapter 5: a long window that means it, and a short one that ends it. A budget that is
used up in two or five days is a page, in ten or thirty a ticket.
"""

from dataclasses import dataclass
from typing import Any, Final

from observability.queries import QUERIES

_UNAVAILABLE: Final = 0.001
_LATE: Final = 0.01
_PAGE: Final = ((14.4, "1h", "5m"), (6, "6h", "30m"))
_TICKET: Final = ((3, "1d", "2h"), (1, "3d", "6h"))
"""How many times too fast the budget is used up, in a long window and in a short one."""
_FEW: Final = 20
"""Fewer bad answers than this in the long window say nothing of a share."""
_FEW_RECORDS: Final = 100


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to be told, when its expression has held for a while."""

    name: str
    expression: str
    holds: str
    severity: str
    """``page``: now; ``ticket``: in working hours."""
    summary: str

    def rule(self) -> dict[str, Any]:
        """Return it as Prometheus writes a rule."""
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.holds,
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "runbook": f"docs/runbook.md#{self.name.lower()}",
            },
        }


def _ask(name: str, window: str = "5m") -> str:
    return f"({QUERIES[name].over(window)})"


def _burning(
    share: str, seen: str, budget: float, rates: tuple[tuple[float, str, str], ...]
) -> str:
    """Whether a share is over its limit in both windows of any rate, with enough to go by."""
    return " or ".join(
        f"{_ask(share, long)} > {round(rate * budget, 6)}"
        f" and {_ask(share, short)} > {round(rate * budget, 6)}"
        f" and {_ask(seen, long)} > {_FEW}"
        for rate, long, short in rates
    )


OBJECTIVES: Final = (
    Alert(
        "RecordsUnavailableFast",
        _burning("unavailable_share", "unavailable_seen", _UNAVAILABLE, _PAGE),
        "0s",
        "page",
        '{{ or $labels.host "the gateway" }}: 5xx use up a month\'s budget within five days',
    ),
    Alert(
        "RecordsUnavailableSlow",
        _burning("unavailable_share", "unavailable_seen", _UNAVAILABLE, _TICKET),
        "0s",
        "ticket",
        '{{ or $labels.host "the gateway" }}: 5xx use up a month\'s budget within the month',
    ),
    Alert(
        "RecordsLateFast",
        _burning("late_share", "late_seen", _LATE, _PAGE),
        "0s",
        "page",
        "{{ $labels.arm }}: records over half a second use up a month's budget within five days",
    ),
    Alert(
        "RecordsLateSlow",
        _burning("late_share", "late_seen", _LATE, _TICKET),
        "0s",
        "ticket",
        "{{ $labels.arm }}: records over half a second use up a month's budget within the month",
    ),
)
ALERTS: Final = (
    Alert(
        "SplitSkewed",
        f"{_ask('split_fails')} == 1",
        "1m",
        "ticket",
        "The split isn't what was asked for, beyond chance",
    ),
    Alert(
        "ArmSilent",
        f"{_ask('requests_expected')} > 20 unless on (arm) {_ask('requests_seen')} > 0",
        "1m",
        "page",
        "{{ $labels.arm }} gets no requests, though its weight says that it should",
    ),
    Alert(
        "CommitSlow",
        f"{_ask('commit_p99')} > 1",
        "5m",
        "ticket",
        "{{ $labels.job }}: the slowest hundredth of commits takes over a second",
    ),
    Alert(
        "QueueNearlyFull",
        f"{_ask('queue_fill')} > 0.8",
        "1m",
        "page",
        "{{ $labels.job }}: its queue is over 80 % full; at 100 % it refuses records",
    ),
    Alert(
        "LiveViewBehind",
        f"{_ask('redis_behind')} > 30",
        "1m",
        "ticket",
        "The live figures are over 30 s behind the ledger",
    ),
    Alert(
        "RepeatsSurge",
        f"{_ask('repeated_share')} > 0.2 and {_ask('records_seen')} > {_FEW_RECORDS}",
        "5m",
        "ticket",
        "Over a fifth of the records had been stored before: a client sends again and again",
    ),
    Alert(
        "ExporterFailing",
        f"{_ask('spans_lost_share')} > 0.05",
        "5m",
        "ticket",
        "{{ $labels.job }}: spans are lost; the collector is away or too slow",
    ),
    Alert(
        "StoreAway",
        f"{_ask('stores_up')} == 0",
        "30s",
        "page",
        "{{ $labels.job }} doesn't reach {{ $labels.store }}",
    ),
    Alert(
        "TargetDown",
        f"{_ask('targets_up')} == 0",
        "1m",
        "page",
        "Prometheus doesn't reach {{ $labels.job }}",
    ),
)
