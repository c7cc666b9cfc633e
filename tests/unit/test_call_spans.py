"""The spans of calls between bridge and recorder, where a call ends otherwise than by an answer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from services.core.contract.call_spans import client_interceptors, server_interceptors
from services.stubs.grades.v1 import grades_pb2 as pb
from services.stubs.grades.v1 import grades_pb2_grpc as pb_grpc
from tests.kept_spans import Memory

CODE = "rpc.grpc.status_code"


class Recorder(pb_grpc.RecorderServiceServicer):
    """Answers nothing until it is cancelled, or let go."""

    def __init__(self) -> None:
        self.called = asyncio.Event()
        self.go = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def RecordBatch(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's
        self.called.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        if request.arm == "bad":
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no")
        return pb.RecordBatchResponse()

    async def Settle(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 - as above
        return pb.SettleResponse()


class Lane:
    """A client and a server, both with spans kept in memory."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.recorder = Recorder()
        self._server = grpc.aio.server(interceptors=server_interceptors(self.memory.traces))
        pb_grpc.add_RecorderServiceServicer_to_server(self.recorder, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._channel = grpc.aio.insecure_channel(
            f"127.0.0.1:{self.port}", interceptors=client_interceptors(self.memory.traces)
        )
        self.stub: Any = pb_grpc.RecorderServiceStub(self._channel)

    async def start(self) -> None:
        await self._server.start()
        await self._channel.channel_ready()

    async def stop(self) -> None:
        await self._channel.close()
        await self._server.stop(None)

    def traced(self) -> Any:
        return self.memory.traces.tracer.start_as_current_span("batch")

    def ended(self, kind: str) -> list[ReadableSpan]:
        return [each for each in self.memory.spans if each.kind.name == kind]

    async def until(self, true: Callable[[], object]) -> None:
        for _ in range(500):
            if true():
                return
            await asyncio.sleep(0.01)
        raise AssertionError


@pytest.fixture
async def lane() -> AsyncIterator[Lane]:
    made = Lane()
    await made.start()
    yield made
    await made.stop()


async def test_a_cancelled_call_is_cancelled_at_the_server_too_and_its_span_ends(
    lane: Lane,
) -> None:
    async def call() -> None:
        with lane.traced():
            await lane.stub.RecordBatch(pb.RecordBatchRequest(arm="a"), timeout=30)

    task = asyncio.create_task(call())
    await lane.recorder.called.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (client,) = lane.ended("CLIENT")
    assert client.attributes is not None
    assert client.attributes[CODE] == grpc.StatusCode.CANCELLED.value[0]
    assert client.status.status_code is StatusCode.ERROR
    async with asyncio.timeout(5):
        await lane.recorder.cancelled.wait()
    await lane.until(lambda: lane.ended("SERVER"))


async def test_a_deadline_and_a_refusal_are_told_by_both_spans(lane: Lane) -> None:
    with lane.traced(), pytest.raises(grpc.aio.AioRpcError) as late:
        await lane.stub.RecordBatch(pb.RecordBatchRequest(arm="a"), timeout=1)
    assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    lane.recorder.go.set()
    with lane.traced(), pytest.raises(grpc.aio.AioRpcError) as refused:
        await lane.stub.RecordBatch(pb.RecordBatchRequest(arm="bad"), timeout=5)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert refused.value.details() == "no"
    codes = [(each.attributes or {})[CODE] for each in lane.ended("CLIENT")]
    assert codes == [4, 3]
    await lane.until(lambda: len(lane.ended("SERVER")) == 2)


async def test_a_server_that_is_away_ends_the_span_with_an_error(lane: Lane) -> None:
    await lane.stop()
    with lane.traced(), pytest.raises(grpc.aio.UsageError):
        await lane.stub.RecordBatch(pb.RecordBatchRequest(), timeout=1)  # a closed channel
    (client,) = lane.ended("CLIENT")
    assert client.status.status_code is StatusCode.ERROR


async def test_an_answered_call_has_one_span_on_either_side_in_one_trace(lane: Lane) -> None:
    lane.recorder.go.set()
    with lane.traced() as batch:
        await lane.stub.RecordBatch(pb.RecordBatchRequest(arm="a"), timeout=5)
    await lane.until(lambda: lane.ended("SERVER"))
    (client,), (server,) = lane.ended("CLIENT"), lane.ended("SERVER")
    assert client.parent == batch.get_span_context()
    assert server.parent is not None
    assert client.context is not None
    assert server.parent.span_id == client.context.span_id
    assert client.status.status_code is StatusCode.UNSET


async def test_a_call_for_nobody_who_is_traced_has_no_span(lane: Lane) -> None:
    lane.recorder.go.set()
    await lane.stub.RecordBatch(pb.RecordBatchRequest(arm="a"), timeout=5)
    header = ("traceparent", f"00-{'1' * 32}-{'2' * 16}-00")
    await lane.stub.RecordBatch(pb.RecordBatchRequest(arm="a"), timeout=5, metadata=[header])
    assert lane.memory.spans == []
