"""Records to send: few students and courses, so that they meet; each told apart by its name."""

import json
import random

from audit.history import Values

GIVEN = ("Nannie", "Ñandú", "Zoë", "李雷", "o'B\\r%s", "Łukasz", "🦉 owl")
COURSES = ("S30", "s30", "Química/2", "100%", "Físico", "数学", "A B")
SEMESTERS = (("slider", 2002), ("Slider", 2002), ("2º", 2024))
STUDENTS = 400
FAT = "\U0001d49c" * 120
"""Half a kilobyte in UTF-8: what fills a disk."""


class Records:
    """Rolls records that nobody has rolled before."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._number = 0

    def roll(self, *, fat: bool = False) -> Values:
        """Make a record; a fat one takes its room on disk, and is of a student of its own."""
        self._number += 1
        dice = self._dice
        semester, year = dice.choice(SEMESTERS)
        student = f"{dice.randrange(STUDENTS):05}-61"
        name = f"{dice.choice(GIVEN)} {self._number}"
        if fat:
            student, name = f"{FAT}{self._number}", f"{name} {FAT}"
        return Values(student, name, dice.choice(COURSES), dice.randrange(101), semester, year)


def encode(values: Values) -> bytes:
    """Write a record as it goes over the wire."""
    return json.dumps(
        {
            "carne": values.student_id,
            "nombre": values.student_name,
            "curso": values.course,
            "nota": values.grade,
            "semestre": values.semester,
            "year": values.year,
        }
    ).encode()
