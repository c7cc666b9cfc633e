"""Keeps Redis up with the ledger, behind the answers to clients and never in their way."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext

from services.core.live.apply_spans import apply_span
from services.core.live.projection import Projection
from services.core.live.redis_client import (
    REDIS_TROUBLE,
    open_redis,
    ping_redis,
    redis_connections,
)
from services.core.live.repair import KEEP_S, Repair
from services.core.storage.connections import MySQL
from services.core.storage.failures import StoreFailure
from services.core.storage.ledger import CommittedBatch
from services.core.storage.outbox import Outbox
from services.core.storage.readings import Readings
from services.core.telemetry.pools import Connections
from services.core.telemetry.traces import OFF, Exemplar, Traces, exemplar

QUEUE_LIMIT = 512
"""Most batches that wait for Redis; the outbox has all of them."""

TICK_S = 1.0
"""How often batches are marked as applied, and those that nobody marked are looked for."""

_LINGER_S = 0.02
_RECORDS_AT_ONCE = 4096
_PATIENCE_S = 2.0
"""Younger rows are left to the writer that made them."""
_PAUSES_S = (0.1, 0.2, 0.5, 1.0)
_PRUNE_EVERY_S = 2.0
_log = logging.getLogger(__name__)


class LiveWriter:
    """Applies committed batches to Redis, and repairs Redis whenever it may lack some.

    Args:
        redis_url: where Redis is.
        mysql: the ledger, for what was missed.
        arm: whose records are projected.
        timeout_s: bound of each wait for Redis, in seconds.
        on_applied: told how long each write to Redis took, in seconds, and its trace, if any.
        traces: have the tracer for what was committed under a span.

    """

    def __init__(
        self,
        redis_url: str,
        mysql: MySQL,
        *,
        arm: str,
        timeout_s: float = 5.0,
        on_applied: Callable[[float, Exemplar | None], None] | None = None,
        traces: Traces = OFF,
    ) -> None:
        self._redis = open_redis(redis_url, timeout_s=timeout_s)
        self._readings = Readings(mysql)
        self._outbox = Outbox(mysql)
        self._arm = arm
        self._on_applied = on_applied
        self._tracer = traces.tracer
        self._queue: deque[CommittedBatch] = deque()
        self._arrived = asyncio.Event()
        self._applied: list[CommittedBatch] = []
        self._following = False
        self._gap = True
        self._whole = False
        self._under_way = 0
        self._stopping = False
        self._exact_at = time.monotonic()
        self._pruned_at = 0.0
        self._task: asyncio.Task[None] | None = None

    @property
    def behind(self) -> float:
        """Seconds since Redis was last known to hold all this writer knows of; 0 while it does."""
        return 0.0 if self._exact else time.monotonic() - self._exact_at

    @property
    def waiting(self) -> int:
        """Batches not applied yet; when ``QUEUE_LIMIT`` wait, the outbox alone has the next."""
        return len(self._queue) + self._under_way

    @property
    def _exact(self) -> bool:
        """Whether Redis holds all that this writer knows of."""
        here = self._following and self._whole and not self._gap
        return here and not self._queue and not self._under_way

    def connections(self) -> Connections:
        """Say how full the pool of connections to Redis is."""
        return redis_connections(self._redis)

    def offer(self, batch: CommittedBatch) -> None:
        """Take note of a committed batch; never blocks, and what finds no room is caught up on."""
        if len(self._queue) < QUEUE_LIMIT and self._following:
            self._queue.append(batch)
            self._arrived.set()
        else:
            self._gap = True

    async def ping(self) -> None:
        """Ask Redis for a sign of life; raises one of REDIS_TROUBLE if there is none."""
        await ping_redis(self._redis)

    def start(self) -> None:
        """Start on the running loop."""
        self._task = asyncio.get_running_loop().create_task(self._keep_up(), name="live-writer")

    async def stop(self, limit_s: float = 5.0) -> None:
        """Apply what waits, if that is done in time, and end. The outbox has the rest."""
        self._stopping = True
        self._arrived.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=limit_s)
            self._task.cancel()
            await asyncio.wait([self._task], timeout=1)
        await self._redis.aclose()

    async def _keep_up(self) -> None:
        failures = 0
        while not self._stopping:
            try:
                repair, projection = await self._parts()
                await repair.make_sure()
                self._following = True
                self._gap = False
                await repair.catch_up(older_than_s=0)
                self._whole = True
                if failures:
                    _log.info("Redis has caught up with the ledger")
                failures = 0
                await self._follow(repair, projection)
            except Exception as error:  # noqa: BLE001  # it is told apart, and logged, below
                if not isinstance(error, (*REDIS_TROUBLE, StoreFailure)):
                    _log.exception("keeping Redis up failed")  # it must outlive any one batch
                elif failures == 0:
                    _log.warning("Redis is not kept up", extra={"reason": _reason(error)})
                self._following = self._whole = False
                self._gap = True
                self._queue.clear()
                failures += 1
                await self._pause(_PAUSES_S[min(failures, len(_PAUSES_S)) - 1])

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not self._stopping:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            pass  # the pause is over

    async def _parts(self) -> tuple[Repair, Projection]:
        projection = Projection(self._redis, await self._readings.ledger_id())
        return Repair(projection, self._outbox, arm=self._arm), projection

    async def _follow(self, repair: Repair, projection: Projection) -> None:
        """Apply what comes, until Redis needs a repair or the end."""
        tick_at = time.monotonic() + TICK_S
        while not (self._stopping and not self._queue):
            await self._wait(tick_at - time.monotonic())
            await self._apply(projection)
            if time.monotonic() >= tick_at:
                tick_at = time.monotonic() + TICK_S
                if not await projection.beat(time.time()):
                    self._gap = True
                    return
                await self._tidy(repair)
        await self._mark()

    async def _wait(self, seconds: float) -> None:
        if not self._queue and not self._stopping:
            if self._exact:
                self._exact_at = time.monotonic()
            self._arrived.clear()
            try:
                async with asyncio.timeout(max(seconds, 0)):
                    await self._arrived.wait()
            except TimeoutError:
                return  # time for a tick
        if not self._stopping:
            await asyncio.sleep(_LINGER_S)  # a few batches at once cost Redis one round trip

    async def _apply(self, projection: Projection) -> None:
        while self._queue:
            batches: list[CommittedBatch] = []
            size = 0
            while self._queue and size < _RECORDS_AT_ONCE:
                batches.append(self._queue.popleft())
                size += len(batches[-1].records)
            started = time.perf_counter()
            self._under_way = len(batches)
            try:
                with apply_span(self._tracer, batches) or nullcontext() as span:
                    await projection.apply([each for batch in batches for each in batch.records])
            finally:
                self._under_way = 0
            if self._on_applied is not None:
                self._on_applied(time.perf_counter() - started, exemplar(span))
            self._applied += batches

    async def _tidy(self, repair: Repair) -> None:
        """Mark and catch up; MySQL being away is no reason to stop applying."""
        try:
            await self._mark()
            gap, self._gap = self._gap, False
            self._whole = not gap
            try:
                await repair.catch_up(older_than_s=0 if gap else _PATIENCE_S)
            except BaseException:
                self._gap = gap
                raise
            finally:
                self._whole = True
            if time.monotonic() - self._pruned_at > _PRUNE_EVERY_S:
                self._pruned_at = time.monotonic()
                await self._outbox.prune(KEEP_S)
        except StoreFailure as error:
            _log.debug("the outbox waits", extra={"reason": str(error)})

    async def _mark(self) -> None:
        marked, self._applied = self._applied, []
        try:
            await self._outbox.mark_applied([batch.batch_id for batch in marked])
        except StoreFailure:
            self._gap = True  # not lost: they are found unmarked, seen to be there, and marked
            raise


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
