"""The split's route: what was asked for, what is happening, whether they agree."""

from fastapi import APIRouter

from services.reporter import problems
from services.reporter.split.answer import GateAnswer, SplitAnswer, gate
from services.reporter.split.observer import SplitObserver


def split(observer: SplitObserver) -> APIRouter:
    """Make the route that tells the split's truth."""
    router = APIRouter(tags=["split"])

    @router.get(
        "/split",
        summary="Weights asked for and applied, shares observed, and the verdict",
        responses=problems.WITHOUT_SPLIT,
    )
    async def show() -> SplitAnswer:
        return observer.report()

    @router.get(
        "/split/verdict",
        summary="Pass, fail or insufficient, for a program that decides by it",
        responses=problems.WITHOUT_SPLIT,
    )
    async def decide() -> GateAnswer:
        return gate(observer.report())

    return router
