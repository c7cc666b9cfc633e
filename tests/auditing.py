"""A history and the stores that it leads to, for tests that then plant a defect in one of them."""

import random
from uuid import UUID

from audit.history import CALM, Attempt, Entry, History, Outcome
from audit.ledger import Ledger, Live, Stored
from audit.records import Records
from audit.recount import live_of, recount

ARMS = ("one", "two")
TOLD = frozenset({"one"})
"""The arm whose records Redis holds."""


def attempt(outcome: Outcome, stored: Stored | None = None, *, repeated: bool = False) -> Attempt:
    if stored is None:
        return Attempt(CALM, "gateway", outcome, "said so")
    return Attempt(CALM, "gateway", outcome, "201", stored.id, stored.arm, repeated)


class Sent:
    """Forty records sent with keys, each acknowledged and stored."""

    def __init__(self) -> None:
        dice = random.Random(1)
        self.records = Records(dice)
        self.history = History()
        self.rows: list[Stored] = []
        self.keys: dict[str, str] = {}
        for number in range(40):
            entry = self.history.begin(self.records.roll(), f"key-{number}")
            self.history.note(
                entry, attempt(Outcome.ACKNOWLEDGED, self.store(entry, ARMS[number % 2]))
            )

    @property
    def entry(self) -> Entry:
        return self.history.entries[7]

    def store(self, entry: Entry, arm: str = "one") -> Stored:
        row = Stored(str(UUID(int=len(self.rows) + 1)), entry.values, arm)
        self.rows.append(row)
        if entry.key is not None:
            self.keys.setdefault(entry.key, row.id)
        return row

    def begin(self, *outcomes: Outcome, key: str | None = "another") -> Entry:
        entry = self.history.begin(self.records.roll(), key)
        for outcome in outcomes:
            self.history.note(entry, attempt(outcome))
        return entry

    def ledger(self) -> Ledger:
        return Ledger(self.rows, self.keys, recount(self.rows), unapplied=0)

    def live(self) -> Live:
        return live_of(self.rows, TOLD)
