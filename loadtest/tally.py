"""What became of each record, and what to say about it at the end of a run."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import uuid

    from loadtest.answers import Acknowledged

WRONG_KEPT = 20
"""A run that goes wrong throughout keeps this many reasons; all are counted."""


class Receipt(msgspec.Struct, frozen=True):
    """An acknowledged record: its row in the data file (from 0), its id and its arm."""

    row: int
    id: uuid.UUID
    arm: str


class Report(msgspec.Struct, kw_only=True):
    """What ``--report`` writes."""

    run: str
    mode: str
    host: str
    attempted: int
    requests: int
    acknowledged: dict[str, int]
    repeated: int
    refused: int
    unknown: int
    wrong: int
    unsent: int
    wrong_answers: list[str]
    records: list[Receipt]
    refused_rows: list[int]
    unknown_rows: list[int]


class Tally:
    """Counts records by what became of them; with ``keep`` also which they were.

    A kept receipt takes about 200 bytes, so a run without end shouldn't keep them.
    """

    def __init__(self, *, keep: bool) -> None:
        self.attempted = 0
        self.requests = 0
        self.repeated = 0
        self.refused = 0
        self.unknown = 0
        self.wrong = 0
        self.acknowledged: Counter[str] = Counter()
        self.wrong_answers: list[str] = []
        self.receipts: list[Receipt] = []
        self.refused_rows: list[int] = []
        self.unknown_rows: list[int] = []
        self._keep = keep
        self._ids: set[uuid.UUID] = set()

    def acknowledge(self, row: int, answer: Acknowledged) -> bool:
        """Count a stored record; False when its id was already given to another of this run."""
        if self._keep:
            if answer.id in self._ids:
                self.wrong_answer(row, f"id {answer.id} was given to another record before")
                return False
            self._ids.add(answer.id)
            self.receipts.append(Receipt(row, answer.id, answer.arm))
        self.acknowledged[answer.arm] += 1
        self.repeated += answer.repeated
        return True

    def refuse(self, row: int) -> None:
        """Count a record that was surely not stored."""
        self.refused += 1
        if self._keep:
            self.refused_rows.append(row)

    def lose_sight(self, row: int) -> None:
        """Count a record that may have been stored or not."""
        self.unknown += 1
        if self._keep:
            self.unknown_rows.append(row)

    def wrong_answer(self, row: int, reason: str) -> None:
        """Count an answer that must not be."""
        self.wrong += 1
        if len(self.wrong_answers) < WRONG_KEPT:
            self.wrong_answers.append(f"row {row + 1}: {reason}")

    def passed(self, unsent: int) -> bool:
        """Whether every record was acknowledged and there was one at all."""
        left_over = self.refused + self.unknown + self.wrong + unsent
        return left_over == 0 and self.acknowledged.total() > 0

    def summary(self, unsent: int) -> str:
        """Return the closing lines."""
        arms = ", ".join(f"{arm} {count}" for arm, count in sorted(self.acknowledged.items()))
        lines = [
            f"attempted     {self.attempted} records in {self.requests} requests",
            f"acknowledged  {self.acknowledged.total()}" + (f" ({arms})" if arms else ""),
            f"refused       {self.refused}",
            f"unknown       {self.unknown}",
            f"wrong         {self.wrong}",
        ]
        if self.repeated:
            lines.insert(2, f"  of them {self.repeated} had been stored by an earlier try")
        if unsent:
            lines.append(f"never sent    {unsent}")
        lines += [f"  {reason}" for reason in self.wrong_answers]
        lines.append("passed" if self.passed(unsent) else "FAILED")
        return "\n".join(lines)

    def report(self, *, run: str, mode: str, host: str, unsent: int) -> Report:
        """Return everything, for ``--report``."""
        return Report(
            run=run,
            mode=mode,
            host=host,
            attempted=self.attempted,
            requests=self.requests,
            acknowledged=dict(self.acknowledged),
            repeated=self.repeated,
            refused=self.refused,
            unknown=self.unknown,
            wrong=self.wrong,
            unsent=unsent,
            wrong_answers=self.wrong_answers,
            records=self.receipts,
            refused_rows=self.refused_rows,
            unknown_rows=self.unknown_rows,
        )
