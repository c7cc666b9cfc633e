"""Records and outcomes as protobuf messages, and back."""

import re
from typing import Final
from uuid import UUID

from services.core.domain.outcome import Conflict, Invalid, NotStored, Outcome, Stored, Unknown
from services.core.domain.pending import Pending
from services.core.domain.problems import FieldError, InvalidRecord
from services.core.domain.record import make_record
from services.stubs.grades.v1 import grades_pb2 as pb

ITEMS_MAX: Final = 1024
"""Most items or ids in one call."""
MESSAGE_BYTES_MAX: Final = 8 * 1024 * 1024
"""Most bytes of one message: the most items of the longest texts fit."""
_ID_BYTES: Final = 16
_KEY: Final = re.compile(r"[!-~]{1,255}")


def to_item(pending: Pending) -> pb.RecordBatchItem:
    """Make the message of a record."""
    record = pending.record
    return pb.RecordBatchItem(
        id=pending.id.bytes,
        student_id=record.student_id,
        student_name=record.student_name,
        course=record.course,
        grade=record.grade,
        semester=record.semester,
        year=record.year,
        idempotency_key=pending.key,
        request_id=pending.request_id,
        traceparent=pending.traceparent,
    )


def from_item(item: pb.RecordBatchItem, arm: str) -> Pending:
    """Read and check the message of a record.

    Raises:
        InvalidRecord: it breaks a rule; it names every wrong field.

    """
    values: dict[str, object] = {
        "student_id": item.student_id,
        "student_name": item.student_name,
        "course": item.course,
        "semester": item.semester,
    }
    if item.HasField("grade"):
        values["grade"] = item.grade
    if item.HasField("year"):
        values["year"] = item.year
    key = item.idempotency_key if item.HasField("idempotency_key") else None
    if len(item.id) != _ID_BYTES:
        raise InvalidRecord([FieldError("id", f"expected {_ID_BYTES} bytes")])
    if key is not None and not _KEY.fullmatch(key):
        raise InvalidRecord(
            [FieldError("idempotency_key", "expected 1 to 255 visible ASCII characters")]
        )
    return Pending(
        UUID(bytes=item.id),
        make_record(values),
        key,
        item.request_id,
        arm=arm,
        traceparent=item.traceparent,
    )


def to_outcome(outcome: Outcome) -> pb.RecordOutcome:
    """Make the message of what became of a record."""
    match outcome:
        case Stored():
            stored = pb.Stored(
                id=outcome.id.bytes, arm=outcome.arm, repeated_request=outcome.repeated
            )
            return pb.RecordOutcome(stored=stored)
        case Conflict():
            return pb.RecordOutcome(conflict=pb.Conflict())
        case Invalid():
            errors = [pb.FieldError(field=e.field, detail=e.detail) for e in outcome.errors]
            return pb.RecordOutcome(invalid=pb.Invalid(field_errors=errors))
        case NotStored():
            not_stored = pb.NotStored(reason=outcome.reason, retry_after=outcome.retry_after)
            return pb.RecordOutcome(not_stored=not_stored)
        case Unknown():
            return pb.RecordOutcome(unknown=pb.Unknown())


def from_outcome(message: pb.RecordOutcome) -> Outcome:
    """Read what became of a record; a kind this version doesn't know is unknown."""
    match message.WhichOneof("outcome"):
        case "stored":
            stored = message.stored
            return Stored(UUID(bytes=stored.id), stored.arm, stored.repeated_request)
        case "conflict":
            return Conflict()
        case "invalid":
            errors = [FieldError(e.field, e.detail) for e in message.invalid.field_errors]
            return Invalid(errors)
        case "not_stored":
            return NotStored(message.not_stored.reason, message.not_stored.retry_after)
        case _:
            return Unknown()
