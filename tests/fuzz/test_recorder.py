"""The recorder takes whatever comes by gRPC: too large, malformed, wrong in any value."""

import asyncio
import os
import random
from collections import Counter
from typing import Any, Final

import grpc

from services.core.contract.messages import ITEMS_MAX, MESSAGE_BYTES_MAX
from services.core.domain.ids import IdMaker
from services.stubs.grades.v1 import grades_pb2 as pb
from services.stubs.grades.v1 import grades_pb2_grpc as pb_grpc
from tests.arms import Arms
from tests.contract.test_recorder import item
from tests.fuzz.seeds import shared_out
from tests.fuzz.test_records import GROWTH_MAX, footprint

CALLS = int(os.environ.get("MESHSPLIT_FUZZ_CALLS", "3000"))
AT_ONCE = 16
METHOD: Final = "/grades.v1.RecorderService/"
LIMIT_S = 20.0
Code = grpc.StatusCode
OPTIONS = [("grpc.max_send_message_length", -1)]
new_id = IdMaker().new


def some_item(dice: random.Random) -> pb.RecordBatchItem:
    """An item of which any value may be wrong."""
    texts = ("a", "", " a", "x" * 255, "x" * 256, "\x00", "名😀", "'")
    numbers = (0, 100, 101, -1, 1900, 2200, 2**31 - 1, -(2**31))
    item = pb.RecordBatchItem(
        id=dice.choice((new_id().bytes, new_id().bytes, b"", b"x", b"y" * 17)),
        student_id=dice.choice(texts),
        student_name=dice.choice(texts),
        course=dice.choice(texts),
        semester=dice.choice(texts),
        request_id=dice.choice(texts),
        traceparent=dice.choice(("", "00-" + "a" * 32 + "-" + "b" * 16 + "-00", "x" * 1000)),
    )
    if dice.random() < 0.9:
        item.grade = dice.choice(numbers)
    if dice.random() < 0.9:
        item.year = dice.choice(numbers)
    if dice.random() < 0.3:
        item.idempotency_key = dice.choice((str(new_id()), "", "a b", "k" * 256, "é"))
    return item


def some_bytes(dice: random.Random) -> bytes:
    """A request that may be no message."""
    items = [some_item(dice) for _ in range(dice.choice((0, 1, 3)))]
    raw = bytearray(pb.RecordBatchRequest(arm="grpc", items=items).SerializeToString())
    for _ in range(dice.randrange(4)):
        at = dice.randrange(len(raw) + 1)
        raw[at : at + dice.randrange(3)] = dice.randbytes(dice.randrange(4))
    return bytes(raw)


async def code_of(call: Any) -> Code:
    try:
        async with asyncio.timeout(LIMIT_S):
            await call
    except grpc.aio.AioRpcError as error:
        return Code(error.code())
    return Code.OK


async def test_bytes_that_may_be_no_message_are_answered_and_leave_nothing(own_arms: Arms) -> None:
    *kept, (own, number) = shared_out(CALLS, kept=20 * AT_ONCE)
    codes: Counter[Code] = Counter()

    async def work(dice: random.Random, calls: int) -> None:
        async with grpc.aio.insecure_channel(own_arms.grpc_target, options=OPTIONS) as channel:
            for _ in range(calls):
                method = METHOD + dice.choice(("RecordBatch", "RecordBatch", "Settle", "Nothing"))
                raw: Any = channel.unary_unary(method)
                codes[await code_of(raw(some_bytes(dice), timeout=LIMIT_S))] += 1

    for dice, first in kept:
        await asyncio.gather(*(work(dice, first // AT_ONCE) for _ in range(AT_ONCE)))
    at_first = footprint(own_arms.recorder)
    await asyncio.gather(*(work(own, number // AT_ONCE) for _ in range(AT_ONCE)))

    assert set(codes) == {Code.OK, Code.INVALID_ARGUMENT, Code.UNIMPLEMENTED}
    assert "Traceback" not in own_arms.recorder.log.read_text()
    memory, files = footprint(own_arms.recorder)
    assert memory - at_first[0] < GROWTH_MAX
    assert files <= at_first[1] + 2


async def test_each_item_is_answered_for_itself(own_arms: Arms) -> None:
    kinds: Counter[str] = Counter()
    async with grpc.aio.insecure_channel(own_arms.grpc_target) as channel:
        stub: pb_grpc.RecorderServiceAsyncStub = pb_grpc.RecorderServiceStub(channel)
        for dice, requests in shared_out(max(20, CALLS // 100), kept=5):
            for _ in range(requests):
                items = [some_item(dice) for _ in range(dice.choice((1, 30, ITEMS_MAX)))]
                good = dice.randrange(len(items))
                items[good] = item()
                request = pb.RecordBatchRequest(arm="grpc", items=items)
                answer = await stub.RecordBatch(request, timeout=LIMIT_S)
                outcomes = [str(one.WhichOneof("outcome")) for one in answer.outcomes]
                assert len(outcomes) == len(items)
                assert outcomes[good] == "stored", "whatever came beside it"
                kinds.update(outcomes)
    assert set(kinds) == {"stored", "invalid"}


async def test_what_is_too_large_is_refused_and_the_connection_stays(own_arms: Arms) -> None:
    async with grpc.aio.insecure_channel(own_arms.grpc_target, options=OPTIONS) as channel:
        call: Any = channel.unary_unary(METHOD + "RecordBatch")
        assert await code_of(call(b"\x0a" * (MESSAGE_BYTES_MAX + 1))) is Code.RESOURCE_EXHAUSTED
        stub: pb_grpc.RecorderServiceAsyncStub = pb_grpc.RecorderServiceStub(channel)
        many = [pb.RecordBatchItem()] * (ITEMS_MAX + 1)
        refused = stub.RecordBatch(pb.RecordBatchRequest(arm="grpc", items=many), timeout=LIMIT_S)
        assert await code_of(refused) is Code.INVALID_ARGUMENT
        nothing = stub.RecordBatch(pb.RecordBatchRequest(arm="grpc"), timeout=LIMIT_S)
        assert await code_of(nothing) is Code.OK
