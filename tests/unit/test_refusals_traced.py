"""A record that an arm refuses says in its span, and in its story, which arm it was and why."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from prometheus_client import CollectorRegistry

from services.core.domain.ids import IdMaker
from services.core.domain.outcome import NotStored, Outcome, Stored
from services.core.domain.pending import Pending
from services.core.http.arm import arm_application
from services.core.lifecycle import Lifecycle
from services.core.settings import DoorSettings
from services.core.telemetry.metrics import WriteMetrics
from services.core.telemetry.traces import traceparent_of
from services.core.writing.batcher import Batcher
from services.recorder.record_spans import RecordSpans
from tests.arms import GOOD
from tests.kept_spans import Memory, told

ARM = "fastapi"
WAIT_LIMIT_S = 0.5
new_id = IdMaker().new


class Arm:
    """An arm's application around a queue of two places, whose store answers when it is let."""

    def __init__(self, wait_limit_s: float) -> None:
        self.memory = Memory()
        self.go = asyncio.Event()
        self.under_way = asyncio.Event()
        registry, lifecycle = CollectorRegistry(), Lifecycle()
        self._registry = registry
        self.batcher = Batcher(
            self._store,
            queue_limit=2,
            batch_limit=1,
            linger_s=0,
            wait_limit_s=wait_limit_s,
            metrics=WriteMetrics(registry, queue_limit=2),
            arm=ARM,
            traces=self.memory.traces,
        )
        application = arm_application(
            "ingest",
            DoorSettings(arm=ARM, port=1),
            submit=self.batcher.submit,
            lifecycle=lifecycle,
            registry=registry,
            stores=dict,
            traces=self.memory.traces,
        )
        way = httpx.ASGITransport(application)
        self.client = httpx.AsyncClient(transport=way, base_url="http://arm.test")

    async def _store(self, batch: list[Pending]) -> list[Outcome]:
        self.under_way.set()
        await self.go.wait()
        return [Stored(each.id, ARM) for each in batch]

    @property
    def full(self) -> bool:
        return self._registry.get_sample_value("meshsplit_queue_depth") == 2

    def post(self) -> asyncio.Task[httpx.Response]:
        parent = f"00-{new_id().hex}-{'b' * 16}-01"
        sent = self.client.post("/", json=GOOD, headers={"traceparent": parent})
        return asyncio.create_task(sent)

    def told_of(self, answer: httpx.Response) -> dict[str, Any]:
        """What the request's span says."""
        assert answer.status_code == 503
        request = answer.headers["x-request-id"]
        (said,) = (
            told(each)
            for each in self.memory.named("POST /")
            if told(each)["meshsplit.request.id"] == request
        )
        assert said["meshsplit.reason"] == answer.json()["detail"]
        return dict(said)


@asynccontextmanager
async def busy(
    wait_limit_s: float = 30,
) -> AsyncIterator[tuple[Arm, list[asyncio.Task[httpx.Response]]]]:
    """An arm with one record under way and two that wait."""
    arm = Arm(wait_limit_s)
    arm.batcher.start()
    sent = [arm.post()]
    try:
        async with asyncio.timeout(10):
            await arm.under_way.wait()
            sent += [arm.post(), arm.post()]
            while not arm.full:  # noqa: ASYNC110 - the queue tells nobody
                await asyncio.sleep(0.001)
        yield arm, sent
    finally:
        arm.go.set()
        await asyncio.gather(*sent)
        await arm.batcher.drain(5)
        await arm.client.aclose()


async def test_a_full_queue_is_told_by_the_span_of_whom_it_turned_away() -> None:
    async with busy() as (arm, _):
        said = arm.told_of(await arm.post())
    assert (said["meshsplit.arm"], said["meshsplit.outcome"]) == (ARM, "queue_full")
    assert said["meshsplit.reason"] == "queue full"


async def test_who_waited_too_long_and_who_came_during_a_drain_are_told_so() -> None:
    async with busy(WAIT_LIMIT_S) as (arm, sent):
        await asyncio.sleep(2 * WAIT_LIMIT_S)
        arm.go.set()
        late = arm.told_of(await sent[1])
        await arm.batcher.drain(5)
        leaving = arm.told_of(await arm.post())
    assert (late["meshsplit.arm"], late["meshsplit.reason"]) == (ARM, "waited too long")
    assert (leaving["meshsplit.arm"], leaving["meshsplit.reason"]) == (ARM, "draining")


async def test_the_recorder_tells_of_each_record_why_it_did_not_store_it() -> None:
    memory = Memory()
    with memory.traces.tracer.start_as_current_span("POST /") as request:
        parent = traceparent_of(request)
    begun = RecordSpans(memory.traces).begin(parent)
    assert begun is not None
    outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    with begun:
        begun.ends_with(outcome)
    outcome.set_result(NotStored("queue full"))
    await asyncio.sleep(0)
    (span,) = memory.named("store record")
    assert told(span)["meshsplit.reason"] == "queue full"
