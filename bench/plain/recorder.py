"""The plain grpc arm's writer: a transaction a call.

``python -m bench.plain.recorder``.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import grpc
from fastapi import FastAPI

from bench.plain.bridge import ARM
from bench.plain.ledgers import TIMEOUT_S, Ledgers
from bench.plain.route import serve
from services.core.contract.messages import batch_response, from_item
from services.stubs.grades.v1 import grades_pb2 as pb
from services.stubs.grades.v1 import grades_pb2_grpc as pb_grpc

_FIRST_SLOT: Final = 2000


class PlainRecorder(pb_grpc.RecorderServiceServicer):
    """The servicer, its server and its pool."""

    def __init__(self, mysql_url: str, grpc_port: int) -> None:
        self._ledgers = Ledgers(mysql_url, arm=ARM, first_slot=_FIRST_SLOT)
        self._port = grpc_port
        self.application: FastAPI = FastAPI(lifespan=self._lifespan)

    async def RecordBatch(  # noqa: N802 - the contract's name
        self, request: pb.RecordBatchRequest, _context: object
    ) -> pb.RecordBatchResponse:
        """Store the call's only record."""
        (item,) = request.items
        async with self._ledgers.stored(from_item(item, request.arm)) as stored:
            return batch_response([stored])

    async def Settle(  # noqa: N802 - as above
        self, _request: pb.SettleRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> pb.SettleResponse:
        """Refuse: the plain bridge never asks."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "the plain version settles nothing")

    @asynccontextmanager
    async def _lifespan(self, _application: FastAPI) -> AsyncIterator[None]:
        self._ledgers.open()
        server = grpc.aio.server()
        pb_grpc.add_RecorderServiceServicer_to_server(self, server)
        server.add_insecure_port(f"127.0.0.1:{self._port}")
        await server.start()
        yield
        await server.stop(TIMEOUT_S)
        await self._ledgers.close()


if __name__ == "__main__":
    port = int(os.environ["MESHSPLIT_GRPC_PORT"])
    serve(PlainRecorder(os.environ["MESHSPLIT_MYSQL_URL"], port).application)
