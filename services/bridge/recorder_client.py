"""The recorder as the bridge sees it: one call under way, and every lost answer settled."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.core.contract.call_spans import client_interceptors
from services.core.contract.messages import MESSAGE_BYTES_MAX, batch_request, from_outcome
from services.core.domain.outcome import NotStored, Outcome, Stored, Unknown
from services.core.domain.pending import Pending, traces_of
from services.core.telemetry.traces import OFF, Traces, current_span
from services.stubs.grades.v1 import grades_pb2 as pb
from services.stubs.grades.v1 import grades_pb2_grpc as pb_grpc

_CONNECT_S: Final = 1.0
_SETTLE_PAUSE_S: Final = 0.2
_OPTIONS: Final = [
    ("grpc.enable_retries", 0),  # a batch is settled by its ids, never replayed
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.use_local_subchannel_pool", 1),  # a fresh channel is a fresh connection
]
_REFUSED_UNREAD: Final = frozenset(
    {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED}
)
"""What a recorder says before it has queued anything."""
_log = logging.getLogger(__name__)


class _Line:
    """A connection to the recorder, and what is called over it."""

    def __init__(
        self, target: str, interceptors: Sequence[grpc.aio.ClientInterceptor] = ()
    ) -> None:
        self.channel = grpc.aio.insecure_channel(
            target, options=_OPTIONS, interceptors=interceptors
        )
        self.stub: pb_grpc.RecorderServiceAsyncStub = pb_grpc.RecorderServiceStub(self.channel)

    async def is_connected(self) -> bool:
        """Make sure there is a connection before anything is sent, so that a failure is certain."""
        if self.channel.get_state(try_to_connect=True) is grpc.ChannelConnectivity.READY:
            return True
        try:
            async with asyncio.timeout(_CONNECT_S):
                await self.channel.channel_ready()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Close it."""
        await self.channel.close()


class RecorderClient:
    """Stores batches through the recorder.

    Args:
        target: the recorder's address.
        arm: the arm the records come through.
        timeout_s: longest time for one RecordBatch, in seconds; and once more for settling one
            that got no answer.
        traces: decide which calls have spans.

    """

    def __init__(self, target: str, *, arm: str, timeout_s: float, traces: Traces = OFF) -> None:
        self._target = target
        self._arm = arm
        self._timeout_s = timeout_s
        self._interceptors = client_interceptors(traces)
        self._line = _Line(target)
        # A call with interceptors costs a third more, so those without a span go another way.
        self._traced = _Line(target, self._interceptors) if traces.on else self._line

    async def store(self, batch: list[Pending]) -> list[Outcome]:
        """Store a batch in one call; give each record's outcome, in order."""
        line = self._line if current_span() is None else self._traced
        if not await line.is_connected():
            return [NotStored("the recorder is away")] * len(batch)
        request = batch_request(batch, self._arm)
        try:
            response = await line.stub.RecordBatch(request, timeout=self._timeout_s)
        except grpc.aio.AioRpcError as error:
            _log.warning(
                "a batch got no answer: %s %s",
                error.code().name,
                error.details(),
                extra={"records": len(batch), "traces": traces_of(batch)},
            )
            if error.code() in _REFUSED_UNREAD:
                return [NotStored("the recorder refused the batch")] * len(batch)
            return await self._settle(batch)
        if len(response.outcomes) != len(batch):
            return await self._settle(batch)
        return [from_outcome(outcome) for outcome in response.outcomes]

    async def check(self) -> None:
        """Ask the recorder whether it serves.

        Raises:
            ConnectionError: it doesn't.

        """
        stub = health_pb2_grpc.HealthStub(self._line.channel)
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=_CONNECT_S)
        except grpc.aio.AioRpcError as error:
            raise ConnectionError(f"{error.code().name} {error.details()}") from None
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise ConnectionError("the recorder is not serving")

    async def close(self) -> None:
        """Close the connections."""
        await self._line.close()
        await self._traced.close()

    async def _settle(self, batch: list[Pending]) -> list[Outcome]:
        """Find out what became of records whose call got no answer, on a new connection."""
        decided: dict[UUID, Outcome] = {}
        try:
            async with asyncio.timeout(self._timeout_s):
                while len(decided) < len(batch):
                    missing = [pending.id for pending in batch if pending.id not in decided]
                    decided |= await self._ask(missing)
                    if len(decided) < len(batch):
                        await asyncio.sleep(_SETTLE_PAUSE_S)
        except TimeoutError:
            open_ = [pending for pending in batch if pending.id not in decided]
            _log.error(
                "the outcome of records is unknown",
                extra={"records": len(open_), "traces": traces_of(open_)},
            )
        return [decided.get(pending.id, Unknown()) for pending in batch]

    async def _ask(self, ids: list[UUID]) -> dict[UUID, Outcome]:
        line = _Line(self._target, self._interceptors)
        try:
            request = pb.SettleRequest(ids=[id_.bytes for id_ in ids])
            response = await line.stub.Settle(request, timeout=self._timeout_s)
        except grpc.aio.AioRpcError as error:
            _log.warning("settling failed: %s %s", error.code().name, error.details())
            return {}
        finally:
            await line.close()
        outcomes: dict[UUID, Outcome] = {}
        for id_, settlement in zip(ids, response.settlements, strict=False):
            if settlement == pb.SETTLEMENT_STORED:
                outcomes[id_] = Stored(id_, self._arm)
            elif settlement == pb.SETTLEMENT_NOT_STORED:
                outcomes[id_] = NotStored("the recorder did not answer; nothing was stored")
        return outcomes
