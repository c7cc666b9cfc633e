"""What an answer to ``POST /`` means for the record that was sent.

The one question that matters after a failure is whether the record may have been stored:

- 201, or 200 for a repeat: stored, under the id in the body. :class:`Acknowledged`
- 503 with Retry-After: the promise that nothing was stored, a service's or the gateway's, which
  lets no more through than an arm can take; so is a connection never made. :class:`Refused`
- a time-out, a cut connection, 504, or a 502 or 503 that the gateway made up by itself: it may
  have been stored or not. :class:`Unknown`
- anything else: :class:`Wrong`, and the run fails.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import re
import uuid
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,255}")
_ARM = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_ID_LENGTH = 36
_STORED, _REPEATED = 201, 200
_NOT_STORED = 503
_IN_DOUBT = {502, 503, 504}


class Acknowledged(msgspec.Struct, frozen=True):
    """The record is committed."""

    id: uuid.UUID
    arm: str
    repeated: bool


class Refused(msgspec.Struct, frozen=True):
    """Nothing was stored; worth another try after ``wait`` seconds."""

    wait: float
    reason: str


class Unknown(msgspec.Struct, frozen=True):
    """It may have been stored; only the same key can find out."""

    reason: str


class Wrong(msgspec.Struct, frozen=True):
    """An answer that must not be: it makes the run fail."""

    reason: str


Answer = Acknowledged | Refused | Unknown | Wrong


class _Body(msgspec.Struct):
    id: str
    arm: str


def judge(status: int, headers: Mapping[str, str], body: bytes, *, arms: Collection[str]) -> Answer:
    """Say what one answer means.

    ``headers`` must find names in lower case. ``arms`` are the arms that may answer; when it is
    empty any well-formed name will do.
    """
    if status in {_STORED, _REPEATED}:
        return _acknowledged(headers, body, arms, repeated=status == _REPEATED)
    if status == _NOT_STORED and "retry-after" in headers:
        wait = _seconds(headers["retry-after"])
        if wait is None:
            return Wrong(f"503 with Retry-After {headers['retry-after']!r}")
        return Refused(wait, _excerpt(body))
    if status in _IN_DOUBT:
        return Unknown(f"{status}: {_excerpt(body)}")
    return Wrong(f"unexpected status {status}: {_excerpt(body)}")


def _acknowledged(
    headers: Mapping[str, str], body: bytes, arms: Collection[str], *, repeated: bool
) -> Answer:
    try:
        stored = msgspec.json.decode(body, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Wrong(f"body {_excerpt(body)}: {error}")
    complaint = _wrong_header(headers) or _wrong_id(stored.id) or _wrong_arm(stored.arm, arms)
    return (
        Wrong(complaint) if complaint else Acknowledged(uuid.UUID(stored.id), stored.arm, repeated)
    )


def _wrong_header(headers: Mapping[str, str]) -> str | None:
    if not _REQUEST_ID.fullmatch(headers.get("x-request-id", "")):
        return f"x-request-id is {headers.get('x-request-id')!r}"
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return None if media_type == "application/json" else f"content-type is {media_type!r}"


def _wrong_id(text: str) -> str | None:
    try:
        # UUID() also takes braces and leaves hyphens out
        known = len(text) == _ID_LENGTH and bool(uuid.UUID(text))
    except ValueError:
        known = False
    return None if known else f"id {text[:80]!r} is no UUID"


def _wrong_arm(name: str, arms: Collection[str]) -> str | None:
    if arms and name not in arms:
        return f"arm {name[:80]!r} is none of {', '.join(sorted(arms))}"
    return None if _ARM.fullmatch(name) else f"arm {name[:80]!r} is no arm's name"


def _seconds(retry_after: str) -> float | None:
    """Seconds from a Retry-After, which may be a number or a date; None if it is neither."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        when = email.utils.parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=dt.UTC)
    return max(0.0, (when - dt.datetime.now(dt.UTC)).total_seconds())


def _excerpt(body: bytes) -> str:
    return body[:200].decode("utf-8", "backslashreplace").strip() or "(no body)"
