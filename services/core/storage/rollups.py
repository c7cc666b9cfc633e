"""What the rollups' rows mean: which count everything, how averages rank, who is enrolled."""

from functools import lru_cache
from hashlib import blake2b

ALL_TIME = (0, "")
"""Year and semester of the student rows that count everything; no record can have these."""

RANK_SCALE = 10**16
"""Averages that differ at all get different ranks up to 10^8 records a student: two fractions
with denominators n and m differ by at least 1/(n·m)."""

_COURSES_KEPT = 4096


def enrolment_key(year: int, semester: str, course: str, student_id: str) -> bytes:
    """Name an enrolment in 20 bytes: four of its course, for locality, and sixteen of it all.

    The fields joined by a control character, which none of them can hold, are told apart.
    """
    of_course, place = _course(year, semester, course)
    return place + blake2b(of_course + student_id.encode(), digest_size=16).digest()


@lru_cache(_COURSES_KEPT)
def _course(year: int, semester: str, course: str) -> tuple[bytes, bytes]:
    text = f"{year}\0{semester}\0{course}".encode()
    return text + b"\0", blake2b(text, digest_size=4).digest()
