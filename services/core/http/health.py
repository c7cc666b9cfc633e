"""The routes that the platform asks, not the clients: liveness, readiness, health, metrics."""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Final

import msgspec
from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import choose_encoder
from starlette.responses import PlainTextResponse, Response

from services.core.lifecycle import Lifecycle
from services.core.telemetry.metrics import project_version

PATHS: Final = frozenset({"/livez", "/readyz", "/healthz", "/metrics"})
"""They are asked every few seconds, and never traced."""

StoreStates = Callable[[], dict[str, str]]
"""Says each store's state: "up", or what went wrong."""


def health_routes(
    service: str, lifecycle: Lifecycle, registry: CollectorRegistry, stores: StoreStates
) -> APIRouter:
    """Make ``/livez``, ``/readyz``, ``/healthz`` and ``/metrics``."""
    router = APIRouter(tags=["health"])
    lag = Gauge(
        "meshsplit_loop_lag_seconds",
        "Time the event loop took to come round when this was asked, in seconds",
        registry=registry,
    )

    @router.get("/livez", summary="The process answers; asks nothing of others")
    async def livez() -> Response:
        return _json(200, {"status": "alive"})

    @router.get(
        "/readyz",
        summary="Whether requests should come here",
        responses={503: {"description": "Not now; the reasons are listed"}},
    )
    async def readyz() -> Response:
        return _json(
            200 if lifecycle.ready else 503,
            {"ready": lifecycle.ready, "reasons": lifecycle.reasons},
        )

    @router.get("/healthz", summary="Details for people, stores among them")
    async def healthz() -> Response:
        states = stores()
        well = lifecycle.ready and all(state == "up" for state in states.values())
        return _json(
            200,
            {
                "status": "well" if well else "degraded",
                "service": service,
                "version": project_version(),
                "ready": lifecycle.ready,
                "reasons": lifecycle.reasons,
                "stores": states,
            },
        )

    @router.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
    async def metrics(request: Request) -> Response:
        asked = perf_counter()
        await asyncio.sleep(0)  # the turn of everything that waits for one
        lag.set(perf_counter() - asked)
        # Only OpenMetrics has exemplars, and Prometheus asks for it.
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": content_type})

    return router


def _json(status: int, content: object) -> Response:
    return Response(
        msgspec.json.encode(content),
        status,
        media_type="application/json",
        headers={"cache-control": "no-store"},
    )
