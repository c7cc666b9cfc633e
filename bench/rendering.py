"""Requests made before the load begins, so that sending one costs a copy."""

import itertools
import json
import uuid
from collections.abc import Iterator

from loadtest.generate import records

STUDENTS, COURSES = 200_000, 400
_PRERENDERED = 20_000


class Requests:
    """An endless supply of requests for `/`; a POST has an Idempotency-Key of its own.

    Args:
        authority: the Host header.
        seed: of the records.
        posts: whether they are records at all.
        count: how many records there are before they come round again.

    """

    def __init__(
        self, authority: str, seed: int, *, posts: bool = True, count: int = _PRERENDERED
    ) -> None:
        ask = (f"GET / HTTP/1.1\r\nhost: {authority}\r\nx-number: ".encode(), b"\r\n\r\n")
        parts = list(_parts(authority, seed, count)) if posts else [ask]
        self._parts = itertools.cycle(parts)
        self._run = uuid.uuid4().hex[:16].encode()
        self._number = itertools.count()

    def next(self) -> bytes:
        """Give the next request."""
        head, tail = next(self._parts)
        return b"%b%b%016x%b" % (head, self._run, next(self._number), tail)


def _parts(authority: str, seed: int, count: int) -> Iterator[tuple[bytes, bytes]]:
    for row in records(count, seed, students=STUDENTS, course_count=COURSES):
        body = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()
        head = (
            f"POST / HTTP/1.1\r\nhost: {authority}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nidempotency-key: "
        )
        yield head.encode(), b"\r\n\r\n" + body
