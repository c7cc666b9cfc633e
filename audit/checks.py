"""The set checker: what the clients were told, held against what the stores hold."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from audit.history import Entry, History, Outcome, Values
from audit.ledger import Ledger, Live, Rollups, Stored
from audit.recount import charts, live_of, recount

EXAMPLES = 5
_ROLLUPS = tuple(Rollups.__dataclass_fields__)


class Finding(NamedTuple):
    """Something that is wrong: which promise was broken, and how."""

    kind: str
    detail: str


def check(history: History, ledger: Ledger) -> list[Finding]:
    """Hold every answer against the ledger: nothing lost, doubled, or stored unasked."""
    by_values: defaultdict[Values, list[Stored]] = defaultdict(list)
    for stored in ledger.records:
        by_values[stored.values].append(stored)
    by_key: defaultdict[str, list[Entry]] = defaultdict(list)
    findings = []
    for entry in history.entries:
        findings += _check_entry(entry, by_values[entry.values])
        if entry.key is not None:
            by_key[entry.key].append(entry)
    for key, entries in by_key.items():
        findings += _check_key(key, entries, by_values, ledger.keys)
    sent = {entry.values for entry in history.entries}
    findings += [
        Finding("never sent", f"{stored.id} {stored.values}")
        for stored in ledger.records
        if stored.values not in sent
    ]
    findings += [Finding("never sent", f"key {key}") for key in ledger.keys if key not in by_key]
    return findings


def _check_entry(entry: Entry, stored: Sequence[Stored]) -> list[Finding]:
    findings = [Finding("wrong answer", f"{a.door}: {a.detail}") for a in entry.of(Outcome.WRONG)]
    told = entry.of(Outcome.ACKNOWLEDGED)
    name = entry.values.student_name
    if len(stored) > 1:
        findings.append(Finding("doubled", f"{name}: {[each.id for each in stored]}"))
    if told and not stored:
        findings.append(Finding("lost", f"{name}, acknowledged as {told[0].id} by {told[0].door}"))
    ids = {(each.id, each.arm) for each in stored}
    for attempt in told if stored else []:
        if (attempt.id, attempt.arm) not in ids:
            words = f"{name}: {attempt.door} told {attempt.id} of {attempt.arm}, stored: {ids}"
            findings.append(Finding("wrong answer", words))
    if entry.key is not None and sum(not attempt.repeated for attempt in told) > 1:
        findings.append(Finding("wrong answer", f"{name}: answered as new more than once"))
    if stored and not told and not entry.of(Outcome.UNKNOWN):
        said = sorted({attempt.detail for attempt in entry.attempts})
        findings.append(Finding("broken promise", f"{name} is stored, though told only {said}"))
    return findings


def _check_key(
    key: str,
    entries: Sequence[Entry],
    by_values: Mapping[Values, Sequence[Stored]],
    keys: Mapping[str, str],
) -> list[Finding]:
    """Check records that share a key: at most one is stored, and a 409 says that one is."""
    findings = []
    holders = [entry for entry in entries if by_values.get(entry.values)]
    if len(holders) > 1:
        names = [entry.values.student_name for entry in holders]
        findings.append(Finding("doubled", f"key {key} has stored {names}"))
    for entry in entries:
        if entry.of(Outcome.CONFLICT) and holders in ([], [entry]):
            words = f"{entry.values.student_name}: 409, but no other record has key {key}"
            findings.append(Finding("wrong answer", words))
    ids = {stored.id for entry in holders for stored in by_values[entry.values]}
    if ids != ({keys[key]} if key in keys else set()):
        findings.append(Finding("lost", f"key {key} leads to {keys.get(key)}, stored: {ids}"))
    return findings


def check_rollups(ledger: Ledger) -> list[Finding]:
    """Hold every figure that is kept against a recount of the records."""
    counted, kept = recount(ledger.records), ledger.rollups
    return [
        Finding("rollup", f"{name}: {difference}")
        for name in _ROLLUPS
        for difference in _differences(getattr(kept, name), getattr(counted, name))
    ]


def check_alike(first: Ledger, other: Ledger, name: str) -> list[Finding]:
    """Hold what one node of a cluster has against another's."""
    pairs = [
        ({each.id: each for each in first.records}, {each.id: each for each in other.records}),
        (first.keys, other.keys),
        *((getattr(first.rollups, f), getattr(other.rollups, f)) for f in _ROLLUPS),
    ]
    return [
        Finding("nodes differ", f"{name}: {difference}")
        for here, there in pairs
        for difference in _differences(there, here)
    ]


def check_live(ledger: Ledger, live: Live, mirrored: frozenset[str]) -> list[Finding]:
    """Hold Redis against the records of the arms that it mirrors, whatever the outbox says."""
    expected = live_of(ledger.records, mirrored)
    findings = [
        Finding("stale Redis", f"{name}: {difference}")
        for name in ("records", "students")
        for difference in _differences(getattr(live, name), getattr(expected, name))
    ]
    if ledger.unapplied:
        findings.append(Finding("stale Redis", f"{ledger.unapplied} batches wait in the outbox"))
    if not live.complete:
        findings.append(Finding("stale Redis", "it isn't declared complete"))
    return findings


def check_charts(
    ledger: Ledger, answers: Mapping[str, Any], arms: Sequence[str], pass_mark: int
) -> list[Finding]:
    """Hold each chart's answer, by its path, against a recount."""
    expected = charts(ledger.records, arms, pass_mark)
    return [Finding("wrong chart", text) for text in _differences(answers, expected)]


def _differences(got: Mapping[Any, Any], expected: Mapping[Any, Any]) -> Iterable[str]:
    for key in got.keys() | expected.keys():
        if got.get(key) != expected.get(key):
            yield f"{key!r} is {got.get(key)!r}, expected {expected.get(key)!r}"


def summary(findings: Sequence[Finding]) -> list[str]:
    """Write the findings, a few examples of each kind."""
    lines = []
    for kind, count in sorted(Counter(each.kind for each in findings).items()):
        lines.append(f"{kind}: {count}")
        of_kind = [each.detail for each in findings if each.kind == kind]
        lines += [f"    {detail[:400]}" for detail in of_kind[:EXAMPLES]]
    return lines
