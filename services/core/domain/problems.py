"""What an answer other than success says, as RFC 9457 problem details.

A problem's ``type`` is a relative reference, the bare name that the wire fixes
(``outcome-unknown``). Names are never reused for something else.

::

    Refused
    ├── MalformedJSON      400 malformed-json
    └── InvalidRecord      422 invalid-record
"""

from typing import Final

import msgspec

MEDIA_TYPE: Final = "application/problem+json"


class FieldError(msgspec.Struct, frozen=True):
    """A wrong field: its name on the wire ("" is the whole document), and what was expected."""

    field: str
    detail: str


class ProblemType(msgspec.Struct, frozen=True):
    """A kind of problem: its stable name, its status and its title."""

    name: str
    status: int
    title: str


MALFORMED_JSON: Final = ProblemType("malformed-json", 400, "The body is not JSON")
INVALID_KEY: Final = ProblemType(
    "invalid-idempotency-key", 400, "The Idempotency-Key is not one the service takes"
)
BAD_REQUEST: Final = ProblemType("bad-request", 400, "The request makes no sense")
NOT_FOUND: Final = ProblemType("not-found", 404, "There is nothing at this path")
METHOD_NOT_ALLOWED: Final = ProblemType("method-not-allowed", 405, "The path has other methods")
BODY_TOO_SLOW: Final = ProblemType("body-too-slow", 408, "The body did not arrive in time")
KEY_CONFLICT: Final = ProblemType(
    "idempotency-key-conflict", 409, "The Idempotency-Key belongs to another record"
)
BODY_TOO_LARGE: Final = ProblemType("body-too-large", 413, "The body is too large")
UNSUPPORTED_MEDIA_TYPE: Final = ProblemType("unsupported-media-type", 415, "The body must be JSON")
SHADOW_REFUSED: Final = ProblemType(
    "shadow-refused", 421, "Mirrored requests are not for a service that stores"
)
INVALID_RECORD: Final = ProblemType("invalid-record", 422, "The record breaks a rule")
INVALID_REQUEST: Final = ProblemType("invalid-request", 422, "A parameter breaks a rule")
INTERNAL: Final = ProblemType("internal-error", 500, "The service made a mistake")
NOT_STORED: Final = ProblemType("not-stored", 503, "Nothing was stored; try again")
OUTCOME_UNKNOWN: Final = ProblemType(
    "outcome-unknown", 504, "Whether the record was stored is not known"
)

ALL: Final = (
    MALFORMED_JSON,
    INVALID_KEY,
    BAD_REQUEST,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    BODY_TOO_SLOW,
    KEY_CONFLICT,
    BODY_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    SHADOW_REFUSED,
    INVALID_RECORD,
    INVALID_REQUEST,
    INTERNAL,
    NOT_STORED,
    OUTCOME_UNKNOWN,
)
"""Every type there is."""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One problem document. ``instance`` is the request's id."""

    type: str
    title: str
    status: int
    detail: str
    instance: str = ""
    errors: list[FieldError] = []


_encoder: Final = msgspec.json.Encoder()


def problem_body(
    kind: ProblemType, detail: str, *, request_id: str = "", errors: list[FieldError] | None = None
) -> bytes:
    """Make the JSON text of a problem document."""
    return _encoder.encode(
        Problem(
            type=kind.name,
            title=kind.title,
            status=kind.status,
            detail=detail,
            instance=request_id,
            errors=errors or [],
        )
    )


class Refused(ValueError):  # noqa: N818 - it names what happened
    """The sender is at fault; the same request will be refused again."""

    kind: ProblemType

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class MalformedJSON(Refused):
    """The body is not JSON in UTF-8."""

    kind = MALFORMED_JSON


class InvalidRecord(Refused):
    """The body is JSON, but not a record."""

    kind = INVALID_RECORD

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__(
            "; ".join(
                f"{error.field}: {error.detail}" if error.field else error.detail
                for error in errors
            )
        )
        self.errors = errors
