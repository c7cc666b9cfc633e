"""A record on its way into the ledger."""

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
    """W3C trace context of the request, "" where there is none."""
