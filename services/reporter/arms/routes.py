"""The route of the arms compared."""

from fastapi import APIRouter

from services.reporter import problems
from services.reporter.arms.answer import ArmsAnswer
from services.reporter.arms.observer import ArmsObserver


def arms(observer: ArmsObserver) -> APIRouter:
    """Make the route that compares the arms."""
    router = APIRouter(tags=["split"])

    @router.get(
        "/split/arms",
        summary="Errors, p50, p99 and CPU per record of each arm, and what may be concluded",
        responses=problems.WITHOUT_SPLIT,
    )
    async def compare() -> ArmsAnswer:
        return observer.report()

    return router
