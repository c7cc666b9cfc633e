"""A record on its way into the ledger."""

from collections.abc import Iterable
from itertools import islice
from typing import Final
from uuid import UUID

import msgspec

from services.core.domain.record import Record


class Pending(msgspec.Struct):
    """A valid record that waits for a transaction."""

    id: UUID
    """Made in the arm, UUIDv7."""
    record: Record
    key: str | None
    """The client's Idempotency-Key."""
    request_id: str
    arm: str | None = None
    """The arm it came through, where the writer serves several; None: the writer's own."""
    traceparent: str = ""
    """W3C trace context under which it is traced, "" where it isn't."""


_TRACES_MAX: Final = 10
_TRACE_ID: Final = slice(3, 35)


def traces_of(batch: Iterable[Pending]) -> list[str]:
    """Give the ids of the traces that a batch's records belong to, of the first ten."""
    found = (each.traceparent[_TRACE_ID] for each in batch if each.traceparent)
    return list(islice(found, _TRACES_MAX))
