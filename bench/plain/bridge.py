"""The plain grpc arm's door: a FastAPI route and a gRPC call a request.

``python -m bench.plain.bridge``.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final

import grpc
from fastapi import FastAPI, Header, HTTPException

from bench.plain.ledgers import TIMEOUT_S
from bench.plain.route import Grade, Stored, pending, serve
from services.core.contract.messages import batch_request, from_outcome
from services.core.domain import outcome
from services.core.domain.ids import IdMaker
from services.stubs.grades.v1 import grades_pb2_grpc as pb_grpc

ARM: Final = "grpc"
"""The arm in whose place it stands, so that what it stores is counted as that one's."""


class PlainBridge:
    """The application and its channel."""

    def __init__(self, recorder: str) -> None:
        self._recorder = recorder
        self._stub: pb_grpc.RecorderServiceAsyncStub | None = None
        self._new_id = IdMaker().new
        self.application: FastAPI = FastAPI(lifespan=self._lifespan)
        self.application.post("/", status_code=201)(self.store)

    async def store(
        self, record: Grade, idempotency_key: Annotated[str | None, Header()] = None
    ) -> Stored:
        """Have the recorder store one record."""
        assert self._stub is not None  # noqa: S101 - the lifespan made it
        one = pending(self._new_id(), record, idempotency_key)
        response = await self._stub.RecordBatch(batch_request([one], ARM), timeout=TIMEOUT_S)
        stored = from_outcome(response.outcomes[0])
        if not isinstance(stored, outcome.Stored):
            raise HTTPException(503)
        return Stored(id=stored.id, arm=stored.arm)

    @asynccontextmanager
    async def _lifespan(self, _application: FastAPI) -> AsyncIterator[None]:
        async with grpc.aio.insecure_channel(self._recorder) as channel:
            self._stub = pb_grpc.RecorderServiceStub(channel)
            yield


if __name__ == "__main__":
    serve(PlainBridge(os.environ["MESHSPLIT_RECORDER"]).application)
