"""What the records' route reads from a request's headers, in one pass."""

import re
from collections.abc import Iterable
from typing import Final
from uuid import uuid4

import msgspec

from services.core.domain import problems
from services.core.domain.problems import ProblemType
from services.core.telemetry.trace_context import TraceParent, read_traceparent

KEY_MAX: Final = 255
_KEY: Final = re.compile(rb"[\x21-\x7e]{1,255}")
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")
_JSON: Final = re.compile(rb"application/(?:[a-z0-9!#$&^_.+-]+\+)?json", re.IGNORECASE)


class Refusal(msgspec.Struct, frozen=True):
    """Why a request is refused before its body is looked at."""

    kind: ProblemType
    detail: str


class Head(msgspec.Struct):
    """The headers that matter, raw."""

    request_id: bytes = b""
    content_type: bytes | None = None
    content_encoding: bytes = b""
    content_length: int | None = None
    expects_continue: bool = False
    host: bytes = b""
    key: bytes | None = None
    keys: int = 0
    parent: TraceParent | None = None
    """The span it comes from."""
    trace_id: bytes = b""
    """The trace it belongs to, b"" for none."""
    traceparent: str = ""
    """What is handed on with its record: only where it is traced, else ""."""


def read_head(headers: Iterable[tuple[bytes, bytes]]) -> Head:  # noqa: C901 - a case a header
    """Pick the headers that matter; a request id that is missing or no sane one is made."""
    head = Head()
    traceparent = b""
    for name, value in headers:
        match name:
            case b"content-type":
                head.content_type = value
            case b"content-length":
                head.content_length = int(value) if value.isdigit() else None
            case b"x-request-id" if not head.request_id:
                head.request_id = value if _REQUEST_ID.fullmatch(value) else b""
            case b"idempotency-key":
                head.key = value.strip(b" \t")
                head.keys += 1
            case b"host":
                head.host = value
            case b"traceparent":
                traceparent += value  # two of them make none
            case b"content-encoding":
                head.content_encoding = value
            case b"expect":
                head.expects_continue = True
    head.request_id = head.request_id or str(uuid4()).encode()
    if traceparent:
        _take_trace(head, traceparent)
    return head


def _take_trace(head: Head, traceparent: bytes) -> None:
    head.parent = parent = read_traceparent(traceparent)
    if parent is not None:
        head.trace_id = parent.trace_id
        head.traceparent = parent.text if parent.sampled else ""


def check_head(head: Head, *, body_limit: int, stores: bool = True) -> Refusal | None:
    """Say what is wrong with a POST's headers, the first thing only; None: nothing.

    A service that ``stores`` takes no mirror's copy.
    """
    if stores and is_shadow(head.host):
        return Refusal(
            problems.SHADOW_REFUSED,
            "the authority ends in -shadow, so the request is a mirror's; this service stores",
        )
    if head.content_type != b"application/json" and not _is_json(head.content_type):
        return Refusal(problems.UNSUPPORTED_MEDIA_TYPE, "expected application/json")
    if head.content_encoding.strip().lower() not in {b"", b"identity"}:
        return Refusal(problems.UNSUPPORTED_MEDIA_TYPE, "expected a body without content coding")
    if head.key is not None and (head.keys > 1 or not _KEY.fullmatch(head.key)):
        return Refusal(
            problems.INVALID_KEY,
            f"expected at most one, of 1 to {KEY_MAX} visible ASCII characters",
        )
    if head.content_length is not None and head.content_length > body_limit:
        return too_large(body_limit)
    return None


def _is_json(content_type: bytes | None) -> bool:
    return bool(content_type and _JSON.fullmatch(content_type.partition(b";")[0].strip()))


def too_large(body_limit: int) -> Refusal:
    """Say that the body has too many bytes."""
    return Refusal(problems.BODY_TOO_LARGE, f"expected at most {body_limit} bytes")


def is_shadow(authority: bytes) -> bool:
    """Whether an authority is a mirror's; proxies put ``-shadow`` before or after the port."""
    if b"-shadow" not in authority:
        return False
    return authority.endswith(b"-shadow") or authority.rpartition(b":")[0].endswith(b"-shadow")
