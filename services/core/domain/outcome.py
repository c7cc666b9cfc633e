"""What became of a record. Every answer to a client follows from one of these."""

from uuid import UUID

import msgspec

from services.core.domain.problems import FieldError


class Stored(msgspec.Struct, frozen=True):
    """It is committed, under this id, by this arm; ``repeated`` if an earlier request did it."""

    id: UUID
    arm: str
    repeated: bool = False


class Conflict(msgspec.Struct, frozen=True):
    """Its idempotency key already belongs to a record with other values. Nothing was stored."""


class Invalid(msgspec.Struct, frozen=True):
    """It breaks the wire's rules. Nothing was stored."""

    errors: list[FieldError]


class NotStored(msgspec.Struct, frozen=True):
    """A promise that nothing was stored, and never will be under this id."""

    reason: str
    retry_after: int = 1
    """In seconds, when it may be worth another try."""


class Unknown(msgspec.Struct, frozen=True):
    """A commit was sent, no answer came, and it could not be settled in time."""


Outcome = Stored | Conflict | Invalid | NotStored | Unknown
