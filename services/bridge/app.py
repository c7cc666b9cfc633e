"""The bridge's wiring: HTTP → queue → one call at a time to the recorder."""

from typing import Final

from services.bridge.recorder_client import RecorderClient
from services.bridge.settings import BridgeSettings
from services.core.http.arm import arm_application
from services.core.lifecycle import Lifecycle
from services.core.telemetry.metrics import WriteMetrics, make_registry
from services.core.telemetry.stores import StoreWatch
from services.core.telemetry.traces import Traces
from services.core.writing.batcher import Batcher

NAME: Final = "bridge"


class Bridge:
    """The bridge's parts, made in the running loop."""

    def __init__(self, settings: BridgeSettings) -> None:
        registry = make_registry(NAME)
        self._traces = Traces.of(NAME, settings, registry)
        self.lifecycle = Lifecycle()
        self._recorder = RecorderClient(
            settings.recorder,
            arm=settings.arm,
            timeout_s=settings.store_timeout_s,
            traces=self._traces,
        )
        self._batcher = Batcher(
            self._recorder.store,
            queue_limit=settings.queue_limit,
            batch_limit=settings.batch_limit,
            linger_s=settings.batch_linger_ms / 1000,
            wait_limit_s=settings.wait_limit_s,
            metrics=WriteMetrics(registry, queue_limit=settings.queue_limit),
            arm=settings.arm,
            traces=self._traces,
        )
        self._stores = StoreWatch({"recorder": self._recorder.check}, registry)
        self.application = arm_application(
            NAME,
            settings,
            submit=self._batcher.submit,
            lifecycle=self.lifecycle,
            registry=registry,
            stores=lambda: self._stores.states,
            traces=self._traces,
        )

    async def start(self) -> None:
        """Start the parts, without waiting for the recorder."""
        self._batcher.start()
        self._stores.start()

    async def stop(self, limit_s: float) -> None:
        """Empty the queue, then stop the parts."""
        await self._batcher.drain(limit_s * 0.8)
        await self._stores.stop()
        await self._recorder.close()
        await self._traces.stop(limit_s * 0.1)
