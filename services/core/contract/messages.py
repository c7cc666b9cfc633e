"""Records and outcomes as protobuf messages, and back."""

import re
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from services.core.domain.outcome import Conflict, Invalid, NotStored, Outcome, Stored, Unknown
from services.core.domain.pending import Pending
from services.core.domain.problems import FieldError, InvalidRecord
from services.core.domain.record import Record, is_surely_right, make_record
from services.stubs.grades.v1 import grades_pb2 as pb

ITEMS_MAX: Final = 1024
"""Most items or ids in one call."""
MESSAGE_BYTES_MAX: Final = 8 * 1024 * 1024
"""Most bytes of one message: the most items of the longest texts fit."""
_ID_BYTES: Final = 16
_KEY: Final = re.compile(r"[!-~]{1,255}")


def batch_request(batch: Iterable[Pending], arm: str) -> pb.RecordBatchRequest:
    """Make the message of a batch that came through an arm."""
    request = pb.RecordBatchRequest(arm=arm)
    for each in batch:
        record = each.record
        request.items.add(  # in place, for half of what making and copying one costs
            id=each.id.bytes,
            student_id=record.student_id,
            student_name=record.student_name,
            course=record.course,
            grade=record.grade,
            semester=record.semester,
            year=record.year,
            idempotency_key=each.key,
            request_id=each.request_id,
            traceparent=each.traceparent,
        )
    return request


def from_item(item: pb.RecordBatchItem, arm: str) -> Pending:
    """Read and check the message of a record.

    Raises:
        InvalidRecord: it breaks a rule; it names every wrong field.

    """
    key = item.idempotency_key if item.HasField("idempotency_key") else None
    if len(item.id) != _ID_BYTES:
        raise InvalidRecord([FieldError("id", f"expected {_ID_BYTES} bytes")])
    if key is not None and not _KEY.fullmatch(key):
        raise InvalidRecord(
            [FieldError("idempotency_key", "expected 1 to 255 visible ASCII characters")]
        )
    return Pending(
        UUID(bytes=item.id),
        _record(item),
        key,
        item.request_id,
        arm=arm,
        traceparent=item.traceparent,
    )


def batch_response(outcomes: Iterable[Outcome]) -> pb.RecordBatchResponse:
    """Make the message of what became of a batch's records, in order."""
    response = pb.RecordBatchResponse()
    for each in outcomes:
        _tell(response.outcomes.add(), each)
    return response


def _tell(message: pb.RecordOutcome, outcome: Outcome) -> None:
    match outcome:
        case Stored():
            stored = message.stored
            stored.id, stored.arm = outcome.id.bytes, outcome.arm
            stored.repeated_request = outcome.repeated
        case Conflict():
            message.conflict.SetInParent()
        case Invalid():
            message.invalid.SetInParent()
            for error in outcome.errors:
                message.invalid.field_errors.add(field=error.field, detail=error.detail)
        case NotStored():
            message.not_stored.reason = outcome.reason
            message.not_stored.retry_after = outcome.retry_after
        case Unknown():
            message.unknown.SetInParent()


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


def _record(item: pb.RecordBatchItem) -> Record:
    """Read a record's values, and check them.

    Raises:
        InvalidRecord: they break a rule; it names every wrong field.

    """
    has_grade = item.grade or item.HasField("grade")
    record = Record(
        item.student_id, item.student_name, item.course, item.grade, item.semester, item.year
    )
    if has_grade and is_surely_right(record):
        return record
    values: dict[str, object] = {
        "student_id": item.student_id,
        "student_name": item.student_name,
        "course": item.course,
        "semester": item.semester,
    }
    if has_grade:
        values["grade"] = item.grade
    if item.HasField("year"):
        values["year"] = item.year
    return make_record(values)
