"""One attempt to store a record, and what may be concluded from its answer."""

import json
import random
from dataclasses import dataclass

from audit.history import Attempt, Entry, History, Outcome
from audit.records import encode
from audit.wire import Answer, Connection, NoAnswer, NotSent

PROBLEM = "application/problem+json"
STORED, REPEATED, CONFLICTING, AWAY, LATE = 201, 200, 409, 503, 504
PATIENT_S = 1.0
"""Whoever waits so long gets an answer from a system that nothing is wrong with."""
FROM_A_PROXY = frozenset({502, AWAY, LATE})


@dataclass(frozen=True)
class Door:
    """Where records are taken: the gateway, or an arm's own port."""

    name: str
    port: int


async def post(
    history: History,
    entry: Entry,
    connection: Connection,
    door: Door,
    *,
    during: str,
    limit_s: float,
) -> Attempt:
    """Send a record once, and keep what came of it."""
    try:
        answer = await connection.ask(
            "POST", "/", headers=headers_of(entry), body=encode(entry.values), limit_s=limit_s
        )
    except NotSent as error:
        attempt = Attempt(during, door.name, Outcome.REFUSED, f"not sent: {error}")
    except NoAnswer as error:
        hasty = isinstance(error.__cause__, TimeoutError) and limit_s < PATIENT_S
        said = f"no answer: {error}"
        attempt = Attempt(during, door.name, Outcome.UNKNOWN, said, hasty=hasty)
    else:
        attempt = conclude(answer, during=during, door=door.name)
    history.note(entry, attempt)
    return attempt


async def leave(
    history: History,
    entry: Entry,
    connection: Connection,
    door: Door,
    *,
    during: str,
    dice: random.Random,
) -> None:
    """Begin to send a record and hang up; what was not sent whole is certainly not stored."""
    body = encode(entry.values)
    whole = dice.random() < 0.5  # noqa: PLR2004  # half of them
    sent = len(body) if whole else dice.randrange(len(body))
    try:
        await connection.leave(
            headers_of(entry), body, sent=sent, stay_s=dice.random() * 0.02, limit_s=2
        )
    except NotSent as error:
        attempt = Attempt(during, door.name, Outcome.REFUSED, f"not sent: {error}")
    else:
        outcome = Outcome.UNKNOWN if whole else Outcome.REFUSED
        attempt = Attempt(during, door.name, outcome, f"left after {sent} of {len(body)} bytes")
    history.note(entry, attempt)


def headers_of(entry: Entry) -> dict[str, str]:
    """Return the headers that a record is sent with."""
    headers = {"content-type": "application/json"}
    if entry.key is not None:
        headers["idempotency-key"] = entry.key
    return headers


def conclude(answer: Answer, *, during: str, door: str) -> Attempt:
    """Say what an answer means; a proxy's own 504, or 503 without Retry-After, means nothing."""
    of_ours = answer.headers.get("content-type", "").startswith(PROBLEM)
    try:
        told = json.loads(answer.body) if of_ours or answer.status in {STORED, REPEATED} else {}
        if answer.status in {STORED, REPEATED}:
            return Attempt(
                during,
                door,
                Outcome.ACKNOWLEDGED,
                str(answer.status),
                id=str(told["id"]),
                arm=str(told["arm"]),
                repeated=answer.status == REPEATED,
            )
        kind = str(told.get("type", ""))
    except (ValueError, LookupError, TypeError, AttributeError):
        return Attempt(during, door, Outcome.WRONG, f"{answer.status} {answer.body[:200]!r}")
    detail = f"{answer.status} {kind} {told.get('detail', '')}".strip()
    outcome = Outcome.WRONG
    match answer.status, kind:
        case 503, "not-stored" if int(answer.headers.get("retry-after", "0")) >= 1:
            outcome = Outcome.REFUSED
        case 503, "" if "retry-after" in answer.headers:  # the gateway's promise, held to it too
            outcome = Outcome.REFUSED
            detail = f"503 {answer.body.decode(errors='replace')}"
        case 504, "outcome-unknown":
            outcome = Outcome.UNKNOWN
        case 409, "idempotency-key-conflict":
            outcome = Outcome.CONFLICT
        case status, "" if status in FROM_A_PROXY:
            outcome = Outcome.UNKNOWN
            detail = f"{status} {answer.body.decode(errors='replace')}"
        case _:
            detail = f"{answer.status} {answer.body[:200]!r}"
    return Attempt(during, door, outcome, detail)
