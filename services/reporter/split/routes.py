"""The split's route: what was asked for, what is happening, whether they agree."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from meshsplit.split.weights import SplitError
from services.reporter import problems
from services.reporter.answers import ProblemAnswer
from services.reporter.split.answer import GateAnswer, SplitAnswer, gate
from services.reporter.split.observer import SplitObserver


def split(observer: SplitObserver) -> APIRouter:
    """Make the route that tells the split's truth."""
    router = APIRouter(tags=["split"])

    @router.get(
        "/split",
        summary="Weights asked for and applied, shares observed, and the verdict",
        response_model=SplitAnswer,
        responses={503: {"model": ProblemAnswer, "description": "No split can be read"}},
    )
    async def show(request: Request) -> SplitAnswer | Response:
        try:
            return observer.report()
        except SplitError as error:
            return problems.problem(
                problems.NO_SPLIT, str(error), request, headers=problems.RETRY_AFTER
            )

    @router.get(
        "/split/verdict",
        summary="Pass, fail or insufficient, for a program that decides by it",
        response_model=GateAnswer,
        responses={503: {"model": ProblemAnswer, "description": "No split can be read"}},
    )
    async def decide(request: Request) -> GateAnswer | Response:
        answer = await show(request)
        return gate(answer) if isinstance(answer, SplitAnswer) else answer

    return router
