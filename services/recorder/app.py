"""The recorder's wiring: gRPC server → queue → ledger, with its health both ways."""

import asyncio
import sys
from typing import Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.core.contract.call_spans import server_interceptors
from services.core.contract.messages import MESSAGE_BYTES_MAX
from services.core.http.application import ServiceApplication
from services.core.http.health import health_routes
from services.core.lifecycle import Lifecycle
from services.core.settings import PREFIX
from services.core.storage.connections import MySQL
from services.core.storage.ledger import Ledger
from services.core.telemetry.calls import RequestTally, RpcTally
from services.core.telemetry.metrics import WriteMetrics, make_registry
from services.core.telemetry.pools import Pools
from services.core.telemetry.stores import StoreWatch
from services.core.telemetry.traces import Traces
from services.core.writing.batcher import Batcher
from services.core.writing.schema import SchemaWait
from services.recorder.malformed import RefuseMalformed
from services.recorder.rpcs import RpcCount
from services.recorder.servicer import RecorderServicer
from services.recorder.settings import RecorderSettings
from services.stubs.grades.v1 import grades_pb2 as pb
from services.stubs.grades.v1 import grades_pb2_grpc as pb_grpc

NAME: Final = "recorder"
_CONTRACT: Final = pb.DESCRIPTOR.services_by_name["RecorderService"].full_name
_GRACE_S: Final = 1.0
_OPTIONS: Final = [
    ("grpc.so_reuseport", 0),  # else two recorders share a port, and neither says so
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
]


class Recorder:
    """The recorder's parts, made in the running loop."""

    def __init__(self, settings: RecorderSettings) -> None:
        registry = make_registry(NAME)
        self._traces = Traces.of(NAME, settings, registry)
        self.lifecycle = Lifecycle()
        self._mysql = MySQL(
            settings.mysql_url, timeout_s=settings.store_timeout_s, traces=self._traces
        )
        self._ledger = Ledger(
            self._mysql,
            arm=NAME,
            slot=settings.slot,
            timeout_s=settings.store_timeout_s,
            outbox=False,
        )
        self._batcher = Batcher(
            self._ledger.write,
            queue_limit=settings.queue_limit,
            batch_limit=settings.batch_limit,
            linger_s=settings.batch_linger_ms / 1000,
            wait_limit_s=settings.wait_limit_s,
            metrics=WriteMetrics(
                registry, queue_limit=settings.queue_limit, records="meshsplit_recorder_records"
            ),
            arm=NAME,
            traces=self._traces,
        )
        registry.register(
            Pools({"mysql": self._mysql.connections, "mysql_writer": self._ledger.connections})
        )
        requests, rpcs = RequestTally(NAME), RpcTally(NAME)
        registry.register(requests)
        registry.register(rpcs)
        self._schema = SchemaWait(self._ledger.check_schema, self.lifecycle)
        self._stores = StoreWatch({"mysql": self._mysql.ping}, registry)
        self._health = health.aio.HealthServicer()
        self._health_tasks: set[asyncio.Task[None]] = set()
        self._server = self._make_server(
            settings,
            RecorderServicer(self._batcher.submit, self._ledger.settle, self._traces),
            rpcs,
        )
        self.application = ServiceApplication(
            title=NAME, lifecycle=self.lifecycle, tally=requests, traces=self._traces
        )
        self.application.include_router(
            health_routes(NAME, self.lifecycle, registry, lambda: self._stores.states)
        )

    async def start(self) -> None:
        """Start the parts, without waiting for the ledger."""
        self._batcher.start()
        self._stores.start()
        self._schema.start()
        self.lifecycle.on_change(self._tell_health)
        await self._server.start()

    async def stop(self, limit_s: float) -> None:
        """Store what waits, end the calls, then stop the parts.

        A call that still comes meanwhile learns for certain that nothing of it was stored; were
        the server stopped first, its sender would have to settle it.
        """
        await self._batcher.drain(limit_s * 0.7)
        await self._server.stop(grace=min(_GRACE_S, limit_s * 0.1))  # a Watch never ends by itself
        await self._schema.stop()
        await self._stores.stop()
        await self._ledger.close()
        await self._mysql.close()
        await self._traces.stop(limit_s * 0.1)

    def _make_server(
        self, settings: RecorderSettings, servicer: RecorderServicer, rpcs: RpcTally
    ) -> grpc.aio.Server:
        # Outside what makes spans: a call that can't be read has none.
        refusing = [RpcCount(rpcs), RefuseMalformed()]
        server = grpc.aio.server(
            interceptors=[*refusing, *server_interceptors(self._traces)], options=_OPTIONS
        )
        pb_grpc.add_RecorderServiceServicer_to_server(servicer, server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        names = (_CONTRACT, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
        address = f"{settings.host}:{settings.grpc_port}"
        try:
            server.add_insecure_port(address)
        except RuntimeError:
            sys.stderr.write(
                f"Port {settings.grpc_port} on {settings.host} is taken by another process; "
                f"{PREFIX}GRPC_PORT sets another.\n"
            )
            raise SystemExit(1) from None
        return server

    def _tell_health(self, ready: bool) -> None:
        status = (
            health_pb2.HealthCheckResponse.SERVING
            if ready
            else health_pb2.HealthCheckResponse.NOT_SERVING
        )
        for name in ("", _CONTRACT):
            task = asyncio.get_running_loop().create_task(self._health.set(name, status))
            self._health_tasks.add(task)
            task.add_done_callback(self._health_tasks.discard)
