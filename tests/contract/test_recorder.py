"""The recorder over gRPC, as any client sees it."""

import asyncio
from typing import Any

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from services.core.domain.ids import IdMaker
from services.stubs.grades.v1 import grades_pb2 as pb
from services.stubs.grades.v1 import grades_pb2_grpc as pb_grpc
from tests.arms import Arms

new_id = IdMaker().new
SERVICE = "grades.v1.RecorderService"


def item(**changes: Any) -> pb.RecordBatchItem:
    values: dict[str, Any] = {
        "id": new_id().bytes,
        "student_id": "1",
        "student_name": "Ana",
        "course": "Math",
        "grade": 80,
        "semester": "first",
        "year": 2020,
    } | changes
    return pb.RecordBatchItem(**{k: v for k, v in values.items() if v is not None})


async def record(arms: Arms, *items: pb.RecordBatchItem, arm: str = "grpc") -> list[Any]:
    async with grpc.aio.insecure_channel(arms.grpc_target) as channel:
        stub: pb_grpc.RecorderServiceAsyncStub = pb_grpc.RecorderServiceStub(channel)
        request = pb.RecordBatchRequest(arm=arm, items=items)
        return list((await stub.RecordBatch(request, timeout=10)).outcomes)


async def test_one_bad_record_fails_alone(arms: Arms) -> None:
    outcomes = await record(
        arms,
        item(),
        item(grade=101, course=" x"),
        item(grade=None, year=None),
        item(id=b"short"),
        item(idempotency_key="a b"),
        item(grade=0),
    )
    kinds = [one.WhichOneof("outcome") for one in outcomes]
    assert kinds == ["stored", "invalid", "invalid", "invalid", "invalid", "stored"]
    named = [[wrong.field for wrong in one.invalid.field_errors] for one in outcomes[1:5]]
    assert named == [["curso", "nota"], ["nota", "year"], ["id"], ["idempotency_key"]]


async def test_an_arm_that_is_no_name_is_refused(arms: Arms) -> None:
    for arm in ("", "a b", "x" * 33, 'a"'):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await record(arms, item(), arm=arm)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_settling_fences_what_is_not_stored(arms: Arms) -> None:
    kept, lost = item(), item()
    await record(arms, kept)
    async with grpc.aio.insecure_channel(arms.grpc_target) as channel:
        stub: pb_grpc.RecorderServiceAsyncStub = pb_grpc.RecorderServiceStub(channel)
        answer = await stub.Settle(pb.SettleRequest(ids=[kept.id, lost.id]), timeout=10)
    assert list(answer.settlements) == [pb.SETTLEMENT_STORED, pb.SETTLEMENT_NOT_STORED]
    (late,) = await record(arms, lost)
    assert late.WhichOneof("outcome") == "not_stored"


async def test_health_is_checked_watched_and_follows_the_drain(own_arms: Arms) -> None:
    async with grpc.aio.insecure_channel(own_arms.grpc_target) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        for name in ("", SERVICE):
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        watch = stub.Watch(health_pb2.HealthCheckRequest(service=SERVICE), timeout=10)
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        stopping = asyncio.create_task(asyncio.to_thread(own_arms.recorder.stop))
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        async with asyncio.timeout(5):
            assert await stopping == 0, "a client that watches doesn't hold up the drain"


async def test_reflection_names_the_contract(arms: Arms) -> None:
    async with grpc.aio.insecure_channel(arms.grpc_target) as channel:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        call = stub.ServerReflectionInfo(timeout=5)
        await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
        answer = await call.read()
        call.cancel()
    assert SERVICE in {each.name for each in answer.list_services_response.service}


async def test_the_recorder_has_the_same_health_routes(arms: Arms) -> None:
    async with httpx.AsyncClient(base_url=arms.recorder.url) as client:
        for path in ("/livez", "/readyz", "/healthz", "/metrics"):
            assert (await client.get(path)).status_code == 200
        assert "meshsplit_commit_seconds" in (await client.get("/metrics")).text
