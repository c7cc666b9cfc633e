import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID  # noqa: TC003 - read when annotations are

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from services.core.domain.ids import IdMaker
from services.core.domain.outcome import NotStored, Outcome, Stored, Unknown
from services.core.domain.pending import Pending
from services.core.domain.record import Record
from services.core.telemetry.metrics import WriteMetrics
from services.core.writing.batcher import Batcher

RECORD = Record("1", "Ana", "Math", 80, "first", 2020)
new_id = IdMaker().new


def pending() -> Pending:
    return Pending(new_id(), RECORD, None, "r")


async def collected(answers: Sequence[Awaitable[Outcome]]) -> list[Outcome]:
    return list(await asyncio.gather(*answers))


class Store:
    """Remembers its batches; holds each until it is let go."""

    def __init__(self, *, held: bool = False) -> None:
        self.batches: list[list[UUID]] = []
        self.go = asyncio.Event()
        self.failing = False
        if not held:
            self.go.set()

    async def flush(self, batch: list[Pending]) -> list[Outcome]:
        self.batches.append([one.id for one in batch])
        await self.go.wait()
        if self.failing:
            raise RuntimeError("broken")
        return [Stored(one.id, "fastapi") for one in batch]


def batcher(
    flush: Callable[[list[Pending]], Awaitable[list[Outcome]]],
    *,
    queue_limit: int = 100,
    batch_limit: int = 10,
    linger_s: float = 0.001,
    wait_limit_s: float = 5.0,
    registry: CollectorRegistry | None = None,
) -> Batcher:
    made = Batcher(
        flush,
        queue_limit=queue_limit,
        batch_limit=batch_limit,
        linger_s=linger_s,
        wait_limit_s=wait_limit_s,
        metrics=WriteMetrics(registry or CollectorRegistry(), queue_limit=queue_limit),
        arm="fastapi",
    )
    made.start()
    return made


async def test_each_caller_gets_the_outcome_of_its_own_record() -> None:
    writer = batcher(Store().flush)
    sent = [pending() for _ in range(35)]
    outcomes = await collected([writer.submit(one) for one in sent])
    assert outcomes == [Stored(one.id, "fastapi") for one in sent]
    await writer.drain(1)


async def test_an_idle_writer_takes_a_record_at_once() -> None:
    writer = batcher(Store().flush, linger_s=60)
    for _ in range(3):
        async with asyncio.timeout(1):
            await writer.submit(pending())
    await writer.drain(1)


async def test_what_waits_behind_a_batch_goes_together_up_to_the_limit() -> None:
    store = Store(held=True)
    writer = batcher(store.flush, batch_limit=10)
    answers = [writer.submit(pending())]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    answers += [writer.submit(pending()) for _ in range(25)]
    store.go.set()
    await collected(answers)
    assert [len(batch) for batch in store.batches] == [1, 10, 10, 5]
    await writer.drain(1)


async def test_a_full_queue_answers_at_once_that_nothing_was_stored() -> None:
    store = Store(held=True)
    writer = batcher(store.flush, queue_limit=5)
    first = writer.submit(pending())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    answers = [writer.submit(pending()) for _ in range(5)]
    assert await writer.submit(pending()) == NotStored("queue full")
    store.go.set()
    assert all(isinstance(one, Stored) for one in await collected([first, *answers]))
    await writer.drain(1)


async def test_what_is_not_stored_or_in_doubt_is_counted_by_why() -> None:
    store = Store(held=True)
    registry = CollectorRegistry()
    writer = batcher(store.flush, queue_limit=1, registry=registry)
    first = writer.submit(pending())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting = writer.submit(pending())
    await writer.submit(pending())
    await writer.drain(0.01)
    await writer.submit(pending())
    assert await collected([first, waiting]) == [Unknown(), NotStored("draining")]
    counts = {
        sample.labels["outcome"]: sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "meshsplit_records_total"
    }
    assert counts == {"queue_full": 1, "draining": 2, "unknown": 1}


async def test_a_cancelled_caller_cancels_no_other() -> None:
    store = Store(held=True)
    writer = batcher(store.flush)
    in_batch = [asyncio.ensure_future(writer.submit(pending())) for _ in range(3)]
    await asyncio.sleep(0.01)
    waiting = [asyncio.ensure_future(writer.submit(pending())) for _ in range(3)]
    in_batch[0].cancel()
    waiting[0].cancel()
    store.go.set()
    rest = await collected([*in_batch[1:], *waiting[1:]])
    assert all(isinstance(one, Stored) for one in rest)
    assert [len(batch) for batch in store.batches] == [3, 2], "who left in time enters no batch"
    await writer.drain(1)


async def test_a_flush_that_raises_answers_its_batch_and_the_next_goes_on() -> None:
    store = Store()
    store.failing = True
    writer = batcher(store.flush)
    assert await writer.submit(pending()) == Unknown()
    store.failing = False
    assert isinstance(await writer.submit(pending()), Stored)
    await writer.drain(1)


async def test_a_drain_stores_what_waits_and_takes_no_more() -> None:
    store = Store()
    writer = batcher(store.flush, linger_s=10)
    answers = [writer.submit(pending()) for _ in range(40)]
    await writer.drain(5)
    assert all(isinstance(one, Stored) for one in await collected(answers))
    assert await writer.submit(pending()) == NotStored("draining")


async def test_a_drain_past_its_limit_answers_everybody_truthfully() -> None:
    store = Store(held=True)
    writer = batcher(store.flush)
    under_way = asyncio.ensure_future(writer.submit(pending()))
    await asyncio.sleep(0.01)
    waiting = writer.submit(pending())
    await writer.drain(0.05)
    assert await under_way == Unknown()
    assert await waiting == NotStored("draining")


async def test_a_record_that_waited_too_long_is_not_stored() -> None:
    store = Store(held=True)
    writer = batcher(store.flush, wait_limit_s=0.5)
    first = writer.submit(pending())
    await asyncio.sleep(0.01)
    late = writer.submit(pending())
    await asyncio.sleep(0.6)
    store.go.set()
    assert isinstance(await first, Stored)
    assert await late == NotStored("waited too long")
    await writer.drain(1)


@pytest.mark.parametrize("company", [2, 8])
async def test_a_busy_writer_waits_for_as_many_as_last_time(company: int) -> None:
    store = Store(held=True)
    writer = batcher(store.flush, linger_s=30)
    blocker = writer.submit(pending())
    await asyncio.sleep(0.01)
    first = [writer.submit(pending()) for _ in range(company)]
    store.go.set()
    await collected([blocker, *first])
    second: list[Awaitable[Outcome]] = []
    for _ in range(company):
        second.append(writer.submit(pending()))
        await asyncio.sleep(0.005)
    async with asyncio.timeout(10):
        await collected(second)
    assert [len(batch) for batch in store.batches] == [1, company, company]
    await writer.drain(1)


async def test_those_just_answered_go_with_those_that_came_meanwhile() -> None:
    store = Store(held=True)
    writer = batcher(store.flush, linger_s=30)
    first = [writer.submit(pending()) for _ in range(3)]
    await asyncio.sleep(0.01)
    meanwhile = [writer.submit(pending()) for _ in range(3)]
    store.go.set()
    await collected(first)
    again = [writer.submit(pending()) for _ in range(3)]
    async with asyncio.timeout(10):
        await collected([*meanwhile, *again])
    assert [len(batch) for batch in store.batches] == [3, 6]
    await writer.drain(1)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.tuples(st.integers(1, 20), st.booleans(), st.booleans()), max_size=12),
    st.integers(1, 8),
    st.integers(1, 30),
)
def test_every_record_is_answered_once_whatever_happens(
    bursts: list[tuple[int, bool, bool]], batch_limit: int, queue_limit: int
) -> None:
    async def scenario() -> None:
        store = Store()
        writer = batcher(store.flush, batch_limit=batch_limit, queue_limit=queue_limit, linger_s=0)
        answers: list[asyncio.Future[Outcome]] = []
        for size, cancel, fail in bursts:
            store.failing = fail
            burst = [asyncio.ensure_future(writer.submit(pending())) for _ in range(size)]
            if cancel:
                burst[0].cancel()
            answers += burst
            await asyncio.sleep(0)
        store.failing = False
        await writer.drain(5)
        async with asyncio.timeout(5):
            await asyncio.gather(*answers, return_exceptions=True)
        assert all(len(batch) <= batch_limit for batch in store.batches)
        stored = {
            one.result()
            for one in answers
            if not one.cancelled() and isinstance(one.result(), Stored)
        }
        flushed = [id_ for batch in store.batches for id_ in batch]
        assert len(flushed) == len(set(flushed)), "no record is flushed twice"
        assert {one.id for one in stored if isinstance(one, Stored)} <= set(flushed)

    asyncio.run(scenario())
