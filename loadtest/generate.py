"""Make realistic grade records: the same seed gives the same file, whatever the size.

``python -m loadtest.generate --records 1000 --seed 1 > loadtest/sample.json``

One record a line inside one JSON array. Records are written as they are made and a student's
attributes are derived from the student's number, so memory doesn't grow with the file.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import random
import sys
from itertools import accumulate
from typing import IO, TYPE_CHECKING, NamedTuple

from loadtest.names import AWKWARD, FAMILY, GIVEN, OTHER_SCRIPTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SEMESTERS = (
    "primer semestre",
    "segundo semestre",
    "vacaciones de junio",
    "vacaciones de diciembre",
)
SEMESTER_WEIGHTS = (45, 40, 8, 7)
FIRST_YEAR, YEARS = 2022, 5
RECORDS_PER_STUDENT = 5
NEVER_CAME = 0.03
AWKWARD_SHARE, OTHER_SCRIPT_SHARE = 0.02, 0.1
CARNES = 10**9
"""Nine digits, written 5-4: as many students as there can be."""
_STRIDE = 618_033_989
"""Coprime to CARNES, so that multiplying by it gives every student a number of their own."""


class Student(NamedTuple):
    """What stays the same in every record of one student."""

    carne: str
    name: str
    ability: float
    """Points added to a course's usual grade."""


class Course(NamedTuple):
    """A course's code and how its grades usually fall."""

    code: str
    mean: float


def courses(seed: int, count: int) -> list[Course]:
    """``count`` courses with codes like S30; each is harder or easier than the next."""
    roll = random.Random(f"courses-{seed}")
    codes = [f"{letter}{number}" for number in range(10, 100) for letter in "SMFQLBCDEG"]
    roll.shuffle(codes)
    return [Course(code, 58 + 20 * roll.random()) for code in codes[:count]]


def student(seed: int, number: int) -> Student:
    """Return the student with this number; the same for ever under the same seed."""
    roll = random.Random(f"student-{seed}-{number}")
    digits = f"{(number * _STRIDE + seed * 7919) % CARNES:09d}"
    kind = roll.random()
    if kind < AWKWARD_SHARE:
        name = roll.choice(AWKWARD)
    elif kind < AWKWARD_SHARE + OTHER_SCRIPT_SHARE:
        name = roll.choice(OTHER_SCRIPTS)
    else:
        name = f"{roll.choice(GIVEN)} {roll.choice(FAMILY)}"
    return Student(f"{digits[:5]}-{digits[5:]}", name, roll.gauss(0, 9))


def grade(roll: random.Random, usual: float) -> int:
    """Roll a grade from 0 to 100: bell-shaped, with some who never came (0)."""
    if roll.random() < NEVER_CAME:
        return 0
    return max(0, min(100, round(roll.gauss(usual, 13))))


def records(
    count: int, seed: int, *, students: int | None = None, course_count: int = 40
) -> Iterator[dict[str, str | int]]:
    """Yield ``count`` records with the wire's field names.

    Courses are chosen by Zipf's law (the second gets half of what the first gets), semesters by
    size, students evenly. ``students`` defaults to one for each five records.
    """
    population = students or max(1, count // RECORDS_PER_STUDENT)
    catalogue = courses(seed, course_count)
    zipf = list(accumulate(1 / rank for rank in range(1, len(catalogue) + 1)))
    semesters = list(accumulate(SEMESTER_WEIGHTS))
    remembered = functools.lru_cache(maxsize=10_000)(student)
    roll = random.Random(seed)
    for _ in range(count):
        who = remembered(seed, int(roll.random() * population))
        (course,) = roll.choices(catalogue, cum_weights=zipf)
        (semester,) = roll.choices(SEMESTERS, cum_weights=semesters)
        yield {
            "carne": who.carne,
            "nombre": who.name,
            "curso": course.code,
            "nota": grade(roll, course.mean + who.ability),
            "semestre": semester,
            "year": FIRST_YEAR + int(roll.random() * YEARS),
        }


def write(rows: Iterator[dict[str, str | int]], out: IO[str]) -> None:
    """Write the rows as one JSON array, one row a line."""
    separator = "[\n"
    for row in rows:
        out.write(separator + json.dumps(row, ensure_ascii=False, separators=(",", ":")))
        separator = ",\n"
    out.write("[]\n" if separator == "[\n" else "\n]\n")


def _between(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{value} is not between {low} and {high}")
        return value

    parse.__name__ = "int"  # argparse names it so in the message for text that is no number
    return parse


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the records that the command line asks for to standard output."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.generate", description=__doc__)
    parser.add_argument("--records", type=_between(0, 10**10), default=1000, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same file")
    parser.add_argument(
        "--students", type=_between(1, CARNES), help="how many students (default: records / 5)"
    )
    parser.add_argument(
        "--courses", type=_between(1, 900), default=40, help="how many courses (default: 40)"
    )
    asked = parser.parse_args(arguments)
    # a file with names in many scripts is UTF-8 whatever the locale says
    with open(sys.stdout.fileno(), "w", encoding="utf-8", newline="\n", closefd=False) as out:
        rows = records(
            asked.records, asked.seed, students=asked.students, course_count=asked.courses
        )
        try:
            write(rows, out)
        except BrokenPipeError:  # `| head` has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
