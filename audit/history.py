"""What the clients know: every record that was sent, and what was said of it."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

CALM = "calm"
"""What is going on when no fault is."""


class Outcome(StrEnum):
    """What a client may conclude from one attempt."""

    ACKNOWLEDGED = "acknowledged"
    """201 or 200: it is stored, under the id that was told."""
    REFUSED = "refused"
    """This attempt stored nothing: a 503 that promises so, or nothing whole was ever sent."""
    CONFLICT = "conflict"
    """409: another record has the key."""
    UNKNOWN = "unknown"
    """No answer, or one that promises nothing. Never taken for a failure."""
    WRONG = "wrong"
    """An answer that nobody should ever get."""


class Values(NamedTuple):
    """A record's values; every record's name has a number of its own, so each is told apart."""

    student_id: str
    student_name: str
    course: str
    grade: int
    semester: str
    year: int


@dataclass(frozen=True)
class Attempt:
    """One request and what came of it."""

    during: str
    """The fault that was going on when it began."""
    door: str
    outcome: Outcome
    detail: str
    id: str | None = None
    arm: str | None = None
    repeated: bool = False
    hasty: bool = False
    """Whether the client gave up so soon that a busy machine may be all that was wrong."""


@dataclass(eq=False)
class Entry:
    """One record and all attempts to have it stored."""

    values: Values
    key: str | None
    attempts: list[Attempt] = field(default_factory=list)

    def of(self, outcome: Outcome) -> list[Attempt]:
        """Return the attempts that ended so."""
        return [each for each in self.attempts if each.outcome is outcome]


class History:
    """All records of a run, kept from before the first byte of each was sent."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.stored = 0
        """Records that are known to be stored."""
        self.tally: Counter[tuple[str, Outcome]] = Counter()
        """Attempts by the fault that was going on and by their outcome."""

    def begin(self, values: Values, key: str | None) -> Entry:
        """Keep a record that is about to be sent."""
        entry = Entry(values, key)
        self.entries.append(entry)
        return entry

    def note(self, entry: Entry, attempt: Attempt) -> None:
        """Keep what came of an attempt."""
        if attempt.outcome is Outcome.ACKNOWLEDGED and not entry.of(Outcome.ACKNOWLEDGED):
            self.stored += 1
        entry.attempts.append(attempt)
        self.tally[attempt.during, attempt.outcome] += 1

    def count(self, during: str, outcome: Outcome) -> int:
        """Count the attempts begun during a fault that ended so."""
        return self.tally[during, outcome]

    def total(self, outcome: Outcome) -> int:
        """Count the attempts that ended so."""
        return sum(count for (_, of), count in self.tally.items() if of is outcome)
