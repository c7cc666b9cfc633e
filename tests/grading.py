"""Random records of a few students in a few courses, so that they meet."""

import random

from services.core.domain.ids import IdMaker
from services.core.domain.pending import Pending
from services.core.domain.record import Record

_ids = IdMaker()


def some_record(dice: random.Random) -> Record:
    """Roll a record."""
    student = dice.randrange(12)
    return Record(
        student_id=f"{student:05}-61",
        student_name=dice.choice(["Nannie", "Ñandú", "Zoë", "李 雷", "\U0001d49cna", "o'B\\r%s"]),
        course=dice.choice(["S30", "s30", "Química/2", "100%"]),
        grade=dice.choice([0, 60, 61, 99, 100, dice.randrange(101)]),
        semester=dice.choice(["slider", "Slider", "2º"]),
        year=dice.choice([1900, 2002, 2200]),
    )


def pending(record: Record, *, key: str | None = None, arm: str | None = None) -> Pending:
    """Give a record an id."""
    return Pending(id=_ids.new(), record=record, key=key, request_id="test", arm=arm)


def some_batch(dice: random.Random, size: int) -> list[Pending]:
    """Roll a batch without keys."""
    return [pending(some_record(dice)) for _ in range(size)]
