"""The problems that only the reporter tells; core tells the rest."""

import logging
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from starlette.requests import HTTPConnection

from meshsplit.split.weights import SplitError
from services.core.domain.problems import MEDIA_TYPE, ProblemType, problem_body
from services.core.storage.failures import StoreFailure
from services.reporter.answers import ProblemAnswer

_log = logging.getLogger(__name__)

STORE_AWAY: Final = ProblemType("store-away", 503, "A store does not answer; try again")
ORIGIN_REFUSED: Final = ProblemType(
    "origin-refused", 403, "Pages of this origin may not open the live WebSocket"
)
NO_SPLIT: Final = ProblemType("no-split", 503, "The mesh's files hold no split to look at")
UPGRADE_REQUIRED: Final = ProblemType("upgrade-required", 426, "This path speaks WebSocket")
TOO_MANY_CLIENTS: Final = ProblemType("too-many-clients", 503, "As many watch as are let in")

RETRY_AFTER: Final = {"retry-after": "1"}
"""In seconds: stores come back, and readers leave, at any moment."""

DESCRIBED: Final[dict[int | str, dict[str, Any]]] = {
    422: {
        "model": ProblemAnswer,
        "description": "A parameter is missing or breaks a rule; `errors` names it",
    },
    503: {"model": ProblemAnswer, "description": "The ledger is away; `Retry-After` says when"},
}
"""What OpenAPI says of the problems that any route may answer with."""

WITHOUT_SPLIT: Final[dict[int | str, dict[str, Any]]] = {
    503: {"model": ProblemAnswer, "description": "No split can be read"}
}
"""What it says of those that tell of the split."""


def problem(
    kind: ProblemType,
    detail: str,
    connection: HTTPConnection,
    headers: dict[str, str] | None = None,
) -> Response:
    """Make the response that tells a problem to a request, or to a WebSocket's handshake."""
    body = problem_body(kind, detail, request_id=connection.state.request_id)
    return Response(body, kind.status, headers, MEDIA_TYPE)


def tell_when_a_store_is_away(app: FastAPI) -> None:
    """Have the application answer 503 and Retry-After when the ledger gives no answer."""

    async def away(request: Request, error: Exception) -> Response:
        _log.warning("the ledger is away", extra={"path": request.url.path, "reason": str(error)})
        return problem(STORE_AWAY, f"the ledger is away: {error}", request, RETRY_AFTER)

    app.add_exception_handler(StoreFailure, away)


def tell_when_there_is_no_split(app: FastAPI) -> None:
    """Have the application answer 503 and Retry-After while no split could ever be read."""

    async def nowhere(request: Request, error: Exception) -> Response:
        return problem(NO_SPLIT, str(error), request, RETRY_AFTER)

    app.add_exception_handler(SplitError, nowhere)
