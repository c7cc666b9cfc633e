"""The reporter's answers other than success, all of them problem documents (RFC 9457)."""

import logging
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from services.core.domain import problems
from services.core.domain.problems import FieldError, ProblemType, problem_body
from services.core.storage.errors import StoreAway
from services.reporter.answers import ProblemAnswer
from services.reporter.request_ids import request_id_of

_log = logging.getLogger(__name__)

INVALID_PARAMETER: Final = ProblemType("invalid-parameter", 422, "A parameter breaks a rule")
STORE_AWAY: Final = ProblemType("store-away", 503, "A store does not answer; try again")
ORIGIN_REFUSED: Final = ProblemType(
    "origin-refused", 403, "Pages of this origin may not open the live WebSocket"
)
UPGRADE_REQUIRED: Final = ProblemType("upgrade-required", 426, "This path speaks WebSocket")
TOO_MANY_CLIENTS: Final = ProblemType("too-many-clients", 503, "As many watch as are let in")

_RETRY_AFTER_S = 1

DESCRIBED: Final[dict[int | str, dict[str, Any]]] = {
    422: {
        "model": ProblemAnswer,
        "description": "a parameter is missing or breaks a rule; `errors` names it",
    },
    503: {"model": ProblemAnswer, "description": "the ledger is away; `Retry-After` says when"},
}
"""What OpenAPI says of the problems that any route may answer with."""


def problem(
    kind: ProblemType,
    detail: str,
    request: Any,
    *,
    errors: list[FieldError] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Make the response that tells a problem to a request, or to a WebSocket's handshake."""
    body = problem_body(kind, detail, request_id=request_id_of(request.scope), errors=errors)
    return Response(body, kind.status, headers, problems.MEDIA_TYPE)


def try_again(kind: ProblemType, detail: str, request: Any) -> Response:
    """Make the response that asks to come back in a moment."""
    return problem(kind, detail, request, headers={"retry-after": str(_RETRY_AFTER_S)})


def answer_with_problems(app: FastAPI) -> None:
    """Have the application tell everything that goes wrong as a problem document."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(StoreAway, _away)
    app.add_exception_handler(Exception, _mistake)


async def _invalid(request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    errors = [FieldError(str(each["loc"][-1]), str(each["msg"])) for each in found]
    detail = "; ".join(f"{each.field}: {each.detail}" for each in errors)
    return problem(INVALID_PARAMETER, detail, request, errors=errors)


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 400
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if status == HTTPStatus.NOT_FOUND:
        return problem(problems.NOT_FOUND, f"no route for {request.url.path}", request)
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = headers.get("Allow", "GET")
        return problem(
            problems.METHOD_NOT_ALLOWED, f"expected {allowed}", request, headers={"allow": allowed}
        )
    kind = ProblemType("refused", status, HTTPStatus(status).phrase)
    return problem(kind, str(getattr(error, "detail", "")), request, headers=headers)


async def _away(request: Request, error: Exception) -> Response:
    _log.warning("a store is away", extra={"path": request.url.path, "reason": str(error)})
    return try_again(STORE_AWAY, "the ledger does not answer", request)


async def _mistake(request: Request, error: Exception) -> Response:
    _log.error("a request failed", exc_info=error, extra={"path": request.url.path})
    return problem(problems.INTERNAL, "the service made a mistake; its log says which", request)
