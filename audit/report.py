"""What is printed and written down: a table per fault, what each process held, and the findings."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from audit.checks import Finding, summary
from audit.history import History, Outcome
from audit.nemesis import PAIR, Row
from audit.resources import TABLE

NUMBERS = re.compile(r"(?<!^)\b\d+\b")
WORDS, MOST = 70, 12
WHOM = re.compile(r"(?<=^kill -9) (?!every).*|(?<=^SIGSTOP) .*|(?<=^node) \d+")
"""Whom a fault happens to, unless it is everybody."""
KIND_HEAD = (
    "kind of fault",
    "times",
    "acknowledged",
    "refused",
    "unknown",
    "slowest recovery",
    "bound",
)
HEAD = ("fault", "held", "acknowledged", "refused", "unknown", "recovered in", "bound")
KINDS = (
    "lost",
    "doubled",
    "never sent",
    "broken promise",
    "wrong answer",
    "rollup",
    "stale Redis",
    "wrong chart",
    "nodes differ",
    "leak",
    "slow to recover",
    "fault",
)


@dataclass(frozen=True)
class Verdict:
    """All that a run found."""

    seed: int
    seconds: float
    history: History
    rows: Sequence[Row]
    uses: Sequence[tuple[str, ...]]
    counts: Sequence[str]
    """Lines that say how much was compared."""
    findings: Sequence[Finding]

    @property
    def passed(self) -> bool:
        """Whether nothing at all is wrong with whatever was tried."""
        return not self.findings

    @property
    def title(self) -> str:
        """The verdict in words, with how much of what was wanted it isn't about."""
        untried = sum(row.impossible is not None for row in self.rows)
        words = f", {untried} fault{'s' * (untried > 1)} not tried" if untried else ""
        return ("passed" if self.passed else "FAILED") + words


def line(row: Row) -> tuple[str, ...]:
    """Write a fault's row."""
    if row.impossible:
        return (row.fault, f"not tried: {row.impossible}", "", "", "", "", "")
    again = row.went_on_s
    late = " !" if row.recovered_s > row.within_s or row.complaint else ""
    return (
        row.fault,
        f"{row.held_s:.1f} s" + ("" if again is None else f", stored after {again:.1f} s"),
        str(row.acknowledged),
        str(row.refused),
        str(row.unknown),
        f"{row.recovered_s:.1f} s{late}",
        f"{row.within_s:.0f} s",
    )


def markdown(verdict: Verdict) -> str:
    """Write the whole report."""
    found = {kind: sum(f.kind == kind for f in verdict.findings) for kind in KINDS}
    history = verdict.history
    totals = ", ".join(f"{history.total(o)} {o.value}" for o in Outcome)
    return "\n".join(
        [
            f"# Audit, seed {verdict.seed}: {verdict.title}",
            "",
            f"{verdict.seconds:.0f} s, {len(history.entries)} records; attempts: {totals}.",
            "",
            *(f"- {text}" for text in (*verdict.counts, *_pairs(verdict.rows))),
            "- " + ", ".join(f"{kind}: {count}" for kind, count in found.items()),
            "",
            *_by_kind(verdict.rows),
            *_table(HEAD, [line(row) for row in verdict.rows]),
            "",
            *_table(TABLE, verdict.uses),
            "",
            *_table(("what clients were told", "", "times"), _told(history)),
            "",
            *summary(verdict.findings),
            "",
        ]
    )


def kind_of(fault: str) -> str:
    """Say what a fault is, whomever it happens to."""
    if PAIR in fault:
        return "two at once"
    what = fault.partition(": ")[0]
    return WHOM.sub("", what)


def _pairs(rows: Sequence[Row]) -> list[str]:
    """Say how often of two faults at once neither kept the other from having an effect."""
    both = [row.both for row in rows if row.both is not None]
    if not both:
        return []
    return [f"two faults came at once {len(both)} times, {sum(both)} times both had an effect"]


def _by_kind(rows: Sequence[Row]) -> list[str]:
    """Sum the faults up by kind where they came more than once, as in an hour."""
    done = [row for row in rows if not row.impossible]
    if len(done) == len({row.fault for row in done}):
        return []
    kinds: defaultdict[str, list[Row]] = defaultdict(list)
    for row in done:
        kinds[kind_of(row.fault)].append(row)
    return [*_table(KIND_HEAD, [_summed(kind, kinds[kind]) for kind in sorted(kinds)]), ""]


def _summed(kind: str, rows: Sequence[Row]) -> tuple[str, ...]:
    bounds = sorted({row.within_s for row in rows})
    return (
        kind,
        str(len(rows)),
        str(sum(row.acknowledged for row in rows)),
        str(sum(row.refused for row in rows)),
        str(sum(row.unknown for row in rows)),
        f"{max(row.recovered_s for row in rows):.1f} s",
        " to ".join(f"{bound:.0f}" for bound in dict.fromkeys((bounds[0], bounds[-1]))) + " s",
    )


def _told(history: History) -> list[tuple[str, ...]]:
    """Count the words of whatever was not simply acknowledged, numbers left out."""
    words: Counter[tuple[str, str]] = Counter()
    for entry in history.entries:
        for attempt in entry.attempts:
            if attempt.outcome is not Outcome.ACKNOWLEDGED:
                words[attempt.outcome.value, NUMBERS.sub("N", attempt.detail)[:WORDS]] += 1
    return [(said, outcome, str(count)) for (outcome, said), count in words.most_common(MOST)]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head))]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |"
        for row in (head, *rows)
    ]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]
