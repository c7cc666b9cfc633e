"""Answers as they go onto the wire, made from outcomes and problems."""

from typing import Final

import msgspec

from services.core.domain import problems
from services.core.domain.outcome import Conflict, Invalid, NotStored, Outcome, Stored, Unknown
from services.core.domain.problems import FieldError, ProblemType, Refused, problem_body

Headers = list[tuple[bytes, bytes]]

_JSON: Final[Headers] = [(b"content-type", b"application/json")]
_PROBLEM: Final[Headers] = [(b"content-type", problems.MEDIA_TYPE.encode())]


class Answer(msgspec.Struct, frozen=True):
    """A status, the headers of its own, and a body."""

    status: int
    headers: Headers
    body: bytes
    problem: str = ""
    """The problem's name; "" where there is none."""
    reason: str = ""
    """Why nothing was stored, where that is the problem."""


def json_answer(status: int, body: bytes) -> Answer:
    """Make an answer of JSON text."""
    return Answer(status, _JSON, body)


CHECKED: Final = json_answer(200, b'{"stored":false}')
"""A shadow's answer to a record: it is one, and it was thrown away."""


def problem(
    kind: ProblemType,
    detail: str,
    *,
    request_id: str,
    errors: list[FieldError] | None = None,
    headers: Headers | None = None,
    reason: str = "",
) -> Answer:
    """Make an answer of a problem."""
    return Answer(
        kind.status,
        _PROBLEM + (headers or []),
        problem_body(kind, detail, request_id=request_id, errors=errors),
        kind.name,
        reason,
    )


def refused(error: Refused, *, request_id: str) -> Answer:
    """Make the answer to a body that is no record."""
    errors = error.errors if isinstance(error, problems.InvalidRecord) else None
    return problem(error.kind, error.detail, request_id=request_id, errors=errors)


def of_outcome(outcome: Outcome, *, request_id: str) -> Answer:
    """Make the answer to what became of a record."""
    match outcome:
        case Stored():
            body = b'{"id":"%b","arm":"%b"}' % (str(outcome.id).encode(), outcome.arm.encode())
            return Answer(200 if outcome.repeated else 201, _JSON, body)
        case Conflict():
            return problem(
                problems.KEY_CONFLICT,
                "a record with other values was stored under this Idempotency-Key",
                request_id=request_id,
            )
        case Invalid():
            return refused(problems.InvalidRecord(outcome.errors), request_id=request_id)
        case NotStored():
            return problem(
                problems.NOT_STORED,
                outcome.reason,
                request_id=request_id,
                headers=[(b"retry-after", str(outcome.retry_after).encode())],
                reason=outcome.reason,
            )
        case Unknown():
            return problem(
                problems.OUTCOME_UNKNOWN,
                "the record was sent to be stored, and no answer came in time; "
                "with an Idempotency-Key it is safe to send it again",
                request_id=request_id,
            )
