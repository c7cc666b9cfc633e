"""The shadow's wiring: HTTP, and nothing behind it."""

from typing import Final

from services.core.http.arm import arm_application
from services.core.lifecycle import Lifecycle
from services.core.telemetry.metrics import make_registry
from services.core.telemetry.traces import Traces
from services.shadow.settings import ShadowSettings

NAME: Final = "shadow"


class Shadow:
    """The shadow's parts, made in the running loop."""

    def __init__(self, settings: ShadowSettings) -> None:
        registry = make_registry(NAME)
        self._traces = Traces.of(NAME, settings, registry)
        self.lifecycle = Lifecycle()
        self.application = arm_application(
            NAME,
            settings,
            submit=None,
            lifecycle=self.lifecycle,
            registry=registry,
            stores=dict,
            traces=self._traces,
        )

    async def start(self) -> None:
        """Start: there is nothing to wait for."""

    async def stop(self, limit_s: float) -> None:
        """Stop: there are only spans to send."""
        await self._traces.stop(limit_s * 0.1)
