"""Callers of the recorder that leave, or whose deadline is over before they are heard."""

import asyncio
import random
import re
from collections import Counter
from typing import Final

import grpc

from audit.servers.mariadb import MariaDB
from services.core.contract.messages import ITEMS_MAX
from services.stubs.grades.v1 import grades_pb2 as pb
from services.stubs.grades.v1 import grades_pb2_grpc as pb_grpc
from tests.arms import Arms
from tests.contract.test_recorder import item, record
from tests.fuzz.http2 import Ended, Leave, call
from tests.fuzz.seeds import shared_out
from tests.fuzz.test_recorder import AT_ONCE, CALLS, LIMIT_S, METHOD
from tests.fuzz.test_records import rows
from tests.gateway import eventually
from tests.integration.test_metrics import metrics, total

GONE: Final = max(200, CALLS // 10)
ITEMS: Final = 4
OVER: Final = ("0n", "0S", "1n", "1u")
"""Deadlines that are past when the request is read, or as good as that."""
OK: Final[int] = grpc.StatusCode.OK.value[0]
TOO_LATE: Final[int] = grpc.StatusCode.DEADLINE_EXCEEDED.value[0]


class Callers:
    """Calls that end before their answer, or nearly; and what they were told all the same."""

    def __init__(self, target: str) -> None:
        self._target = target
        self.sent: list[bytes] = []
        self.promised: set[bytes] = set()
        self.late: Counter[int | None] = Counter()
        self.left: Counter[Ended | int] = Counter()

    async def run(self, dice: random.Random, calls: int) -> None:
        for start in range(0, calls, AT_ONCE):
            await asyncio.gather(*(self._one(dice) for _ in range(min(AT_ONCE, calls - start))))

    async def _one(self, dice: random.Random) -> None:
        timeout = dice.choice((*OVER, None, None, None, None))
        leave = dice.choice(tuple(Leave)) if timeout is None else None
        after_s = dice.random() / 100
        items = [item() for _ in range(ITEMS)]
        self.sent += (one.id for one in items)
        message = pb.RecordBatchRequest(arm="grpc", items=items).SerializeToString()
        async with asyncio.timeout(LIMIT_S):
            ended = await call(
                self._target, METHOD + "RecordBatch", message,
                timeout=timeout, leave=leave, after_s=after_s,
            )  # fmt: skip
        if ended.status == OK:
            answer = pb.RecordBatchResponse.FromString(ended.body[5:])  # behind gRPC's own head
            assert [one.WhichOneof("outcome") for one in answer.outcomes] == ["stored"] * ITEMS
            self.promised |= {one.id for one in items}
        if timeout is not None:
            self.late[ended.status] += 1
        else:
            self.left[OK if ended.status == OK else ended] += 1


async def settled(target: str, ids: list[bytes]) -> set[bytes]:
    """Decide what became of each, and give those that were stored."""
    stored: set[bytes] = set()
    async with grpc.aio.insecure_channel(target) as channel:
        stub: pb_grpc.RecorderServiceAsyncStub = pb_grpc.RecorderServiceStub(channel)
        for start in range(0, len(ids), ITEMS_MAX):
            some = ids[start : start + ITEMS_MAX]
            answer = await stub.Settle(pb.SettleRequest(ids=some), timeout=LIMIT_S)
            assert set(answer.settlements) <= {pb.SETTLEMENT_STORED, pb.SETTLEMENT_NOT_STORED}
            told = zip(some, answer.settlements, strict=True)
            stored |= {id_ for id_, settlement in told if settlement == pb.SETTLEMENT_STORED}
    return stored


def calls_counted(url: str) -> dict[str, float]:
    """How many calls with records ended with each status, as the recorder tells it."""
    return {
        re.findall(r'code="(\w+)"', sample)[0]: count
        for sample, count in metrics(url).items()
        if sample.startswith("meshsplit_rpcs_total{") and METHOD + "RecordBatch" in sample
    }


async def test_calls_left_or_too_late_leave_an_empty_queue_and_only_records_that_settle(
    own_arms: Arms, mariadb: MariaDB
) -> None:
    url, before = own_arms.recorder.url, rows(mariadb).get("grpc", 0)
    callers = Callers(own_arms.grpc_target)
    for dice, calls in shared_out(GONE, kept=50):
        await callers.run(dice, calls)

    assert callers.late.keys() <= {TOO_LATE, OK}, "each is answered, however late it came"
    assert callers.late[TOO_LATE] > callers.late[OK]
    assert callers.left.keys() <= {Ended(), OK}
    assert callers.left[Ended()] > 0

    await eventually(lambda: metrics(url)["meshsplit_queue_depth"] == 0, LIMIT_S)
    stored = await settled(own_arms.grpc_target, callers.sent)
    assert callers.promised <= stored
    assert len(stored) < len(callers.sent), "what waits is dropped when its caller has gone"
    assert rows(mariadb).get("grpc", 0) - before == len(stored)
    count = "meshsplit_recorder_records_total"
    await eventually(lambda: total(url, count, outcome="stored") == len(stored), LIMIT_S)

    codes = calls_counted(url)
    assert codes.keys() <= {"OK", "CANCELLED"}
    assert codes["CANCELLED"] > 0
    assert len(callers.promised) / ITEMS <= codes.get("OK", 0)
    assert sum(codes.values()) <= GONE, "a call that never began isn't counted"

    (last,) = await record(own_arms, item())
    assert last.WhichOneof("outcome") == "stored"
    assert metrics(url)["meshsplit_queue_depth"] == 0
    assert "Traceback" not in own_arms.recorder.log.read_text()
