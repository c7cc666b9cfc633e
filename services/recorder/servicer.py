"""The contract's two calls."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import grpc

from services.core.contract.messages import ITEMS_MAX, batch_response, from_item
from services.core.domain.outcome import Invalid, Outcome
from services.core.domain.pending import Pending
from services.core.domain.problems import InvalidRecord
from services.core.settings import ARM_PATTERN
from services.core.telemetry.traces import Traces
from services.recorder.record_spans import RecordSpans
from services.stubs.grades.v1 import grades_pb2 as pb
from services.stubs.grades.v1 import grades_pb2_grpc as pb_grpc

Submit = Callable[[Pending], asyncio.Future[Outcome]]
Settle = Callable[[list[UUID]], Awaitable[dict[UUID, bool | None]]]
"""True: stored; False: not, and never will be; None: not decided in time."""
_Context = grpc.aio.ServicerContext[pb.RecordBatchRequest, pb.RecordBatchResponse]
_SettleContext = grpc.aio.ServicerContext[pb.SettleRequest, pb.SettleResponse]
_ID_BYTES = 16
_SETTLEMENTS = {
    True: pb.SETTLEMENT_STORED,
    False: pb.SETTLEMENT_NOT_STORED,
    None: pb.SETTLEMENT_UNSPECIFIED,
}


class RecorderServicer(pb_grpc.RecorderServiceServicer):
    """Queues each record by itself, and answers when the last one's fate is sealed.

    A call whose deadline passes, or whose caller leaves, is cancelled by the server: its records
    that still wait are then dropped before they enter a transaction.
    """

    def __init__(self, submit: Submit, settle: Settle, traces: Traces) -> None:
        self._submit = submit
        self._spans = RecordSpans(traces)
        self._settle = settle

    async def RecordBatch(  # noqa: N802 - the contract's name
        self, request: pb.RecordBatchRequest, context: _Context
    ) -> pb.RecordBatchResponse:
        """Store each item on its own."""
        if not re.fullmatch(ARM_PATTERN, request.arm):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "arm: expected an arm's name")
        if len(request.items) > ITEMS_MAX:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, f"items: expected at most {ITEMS_MAX}"
            )
        outcomes = await _each([self._record(item, request.arm) for item in request.items])
        return batch_response(outcomes)

    async def Settle(  # noqa: N802 - as above
        self, request: pb.SettleRequest, context: _SettleContext
    ) -> pb.SettleResponse:
        """Decide what became of each id."""
        if len(request.ids) > ITEMS_MAX or any(len(id_) != _ID_BYTES for id_ in request.ids):
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"ids: expected at most {ITEMS_MAX}, of {_ID_BYTES} bytes each",
            )
        ids = [UUID(bytes=id_) for id_ in request.ids]
        decided = await self._settle(ids)
        return pb.SettleResponse(settlements=[_SETTLEMENTS[decided.get(id_)] for id_ in ids])

    def _record(self, item: pb.RecordBatchItem, arm: str) -> asyncio.Future[Outcome]:
        if item.traceparent and (span := self._spans.begin(item.traceparent)) is not None:
            with span:
                return span.ends_with(self._queue(item, arm))
        return self._queue(item, arm)

    def _queue(self, item: pb.RecordBatchItem, arm: str) -> asyncio.Future[Outcome]:
        try:
            return self._submit(from_item(item, arm))
        except InvalidRecord as error:
            future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
            future.set_result(Invalid(error.errors))
            return future


async def _each(outcomes: Sequence[asyncio.Future[Outcome]]) -> list[Outcome]:
    """Wait for all of them, most of which are done when the first is; cancel them if cancelled."""
    try:
        return [await each for each in outcomes]
    except BaseException:
        for each in outcomes:
            each.cancel()
        raise
