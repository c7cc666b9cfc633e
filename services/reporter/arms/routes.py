"""The route of the arms compared."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from meshsplit.split.weights import SplitError
from services.reporter import problems
from services.reporter.answers import ProblemAnswer
from services.reporter.arms.answer import ArmsAnswer
from services.reporter.arms.observer import ArmsObserver


def arms(observer: ArmsObserver) -> APIRouter:
    """Make the route that compares the arms."""
    router = APIRouter(tags=["split"])

    @router.get(
        "/split/arms",
        summary="Errors, p50, p99 and CPU per record of each arm, and what may be concluded",
        response_model=ArmsAnswer,
        responses={503: {"model": ProblemAnswer, "description": "No split can be read"}},
    )
    async def compare(request: Request) -> ArmsAnswer | Response:
        try:
            return observer.report()
        except SplitError as error:
            return problems.problem(
                problems.NO_SPLIT, str(error), request, headers=problems.RETRY_AFTER
            )

    return router
