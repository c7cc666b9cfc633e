"""Ingest's wiring: HTTP → queue → ledger, and what is committed → Redis."""

from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Histogram

from services.core.http.arm import arm_application
from services.core.lifecycle import Lifecycle
from services.core.live.writer import QUEUE_LIMIT, LiveWriter
from services.core.storage.connections import MySQL
from services.core.storage.ledger import Ledger
from services.core.telemetry.calls import SECONDS_BUCKETS
from services.core.telemetry.metrics import WriteMetrics, make_registry
from services.core.telemetry.pools import Pools
from services.core.telemetry.stores import StoreWatch
from services.core.telemetry.traces import Traces
from services.core.writing.batcher import Batcher
from services.core.writing.schema import SchemaWait
from services.ingest.settings import IngestSettings

NAME: Final = "ingest"


class Ingest:
    """Ingest's parts, made in the running loop."""

    def __init__(self, settings: IngestSettings) -> None:
        registry = make_registry(NAME)
        self._traces = Traces.of(NAME, settings, registry)
        self.lifecycle = Lifecycle()
        self._mysql = MySQL(
            settings.mysql_url, timeout_s=settings.store_timeout_s, traces=self._traces
        )
        self._ledger = Ledger(
            self._mysql,
            arm=settings.arm,
            slot=settings.slot,
            timeout_s=settings.store_timeout_s,
            outbox=True,
        )
        self._live = _live_writer(settings, self._mysql, registry, self._traces)
        self._ledger.on_committed = self._live.offer
        registry.register(
            Pools(
                {
                    "mysql": self._mysql.connections,
                    "mysql_writer": self._ledger.connections,
                    "redis": self._live.connections,
                }
            )
        )
        self._batcher = Batcher(
            self._ledger.write,
            queue_limit=settings.queue_limit,
            batch_limit=settings.batch_limit,
            linger_s=settings.batch_linger_ms / 1000,
            wait_limit_s=settings.wait_limit_s,
            metrics=WriteMetrics(registry, queue_limit=settings.queue_limit),
            arm=settings.arm,
            traces=self._traces,
        )
        self._schema = SchemaWait(self._ledger.check_schema, self.lifecycle)
        self._stores = StoreWatch({"mysql": self._mysql.ping, "redis": self._live.ping}, registry)
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
        """Start the parts, without waiting for a store."""
        self._batcher.start()
        self._stores.start()
        self._schema.start()
        self._live.start()

    async def stop(self, limit_s: float) -> None:
        """Empty the queue, then stop the parts."""
        await self._batcher.drain(limit_s * 0.6)
        await self._live.stop(limit_s * 0.2)
        await self._schema.stop()
        await self._stores.stop()
        await self._ledger.close()
        await self._mysql.close()
        await self._traces.stop(limit_s * 0.1)


def _live_writer(
    settings: IngestSettings, mysql: MySQL, registry: CollectorRegistry, traces: Traces
) -> LiveWriter:
    """Make what keeps Redis up with the ledger, and its metrics."""
    applied = Histogram(
        "meshsplit_redis_apply_seconds",
        "Time of one write of committed records to Redis, in seconds",
        buckets=SECONDS_BUCKETS,
        registry=registry,
    )
    live = LiveWriter(
        settings.redis_url, mysql, arm=settings.arm, on_applied=applied.observe, traces=traces
    )
    Gauge(
        "meshsplit_redis_behind_seconds",
        "How long ago Redis last held all that this writer had committed, in seconds",
        registry=registry,
    ).set_function(lambda: live.behind)
    Gauge(
        "meshsplit_redis_queue_depth", "Batches that wait to be written to Redis", registry=registry
    ).set_function(lambda: live.waiting)
    Gauge(
        "meshsplit_redis_queue_limit",
        "Most batches that may wait; more are read from the ledger later",
        registry=registry,
    ).set(QUEUE_LIMIT)
    return live
