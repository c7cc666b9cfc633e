"""Which record is sent next, by whichever user asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Item(NamedTuple):
    """One record to send."""

    row: int
    """Its place in the data file, from 0."""
    body: bytes
    key: str
    """Its Idempotency-Key; never used twice in a run."""


class Feed:
    """Hands out the file's records in order: once each, or over and over.

    ``part`` and ``parts`` let several processes share a file: each takes every n-th record.
    ``limit`` ends a repeating feed after that many.
    """

    def __init__(
        self,
        bodies: Sequence[bytes],
        *,
        run: str,
        repeat: bool,
        limit: int | None = None,
        part: int = 1,
        parts: int = 1,
    ) -> None:
        self._rows = range(part - 1, len(bodies), parts)
        self._bodies = bodies
        self._run = run
        whole = None if repeat else len(self._rows)
        self.size = whole if limit is None else limit if whole is None else min(limit, whole)
        """How many it will hand out; None when there is no end."""
        if not self._rows:
            self.size = 0
        self.taken = 0
        self.settled = 0

    def next(self) -> Item | None:
        """Return the next record, or None when all have been handed out."""
        if self.size is not None and self.taken >= self.size:
            return None
        number = self.taken
        self.taken += 1
        row = self._rows[number % len(self._rows)]
        lap = number // len(self._rows)
        return Item(row, self._bodies[row], f"{self._run}-{row}-{lap}")

    def settle(self) -> None:
        """Say that one of the records handed out needs nothing more."""
        self.settled += 1

    @property
    def finished(self) -> bool:
        """Whether all were handed out and all of those settled."""
        return self.size is not None and self.settled >= self.size

    @property
    def unsent(self) -> int:
        """How many of a feed with an end were never handed out."""
        return 0 if self.size is None else self.size - self.taken
