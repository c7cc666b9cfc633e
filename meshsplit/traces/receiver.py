"""The local store's door: OTLP/gRPC on loopback, each export kept before it is acknowledged."""

import asyncio
import logging
import signal

import grpc

from meshsplit.traces.store import SpanFiles

SERVICE, METHOD = "opentelemetry.proto.collector.trace.v1.TraceService", "Export"
TAKEN = b""
"""OTLP's answer that all was taken: an empty message."""
MOST_AT_ONCE = 32
"""Exports under way; more are told to come again. With gRPC's 4 MiB a message, it bounds memory."""
STOP_LIMIT_S = 5.0

log = logging.getLogger("meshsplit.traces")


async def serve(files: SpanFiles, port: int, stop: asyncio.Event) -> None:
    """Take spans in on 127.0.0.1 until ``stop``.

    Raises:
        RuntimeError: the port can't be had.
    """

    async def export(request: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
        try:
            files.append(request)
        except OSError as error:
            log.warning("spans are lost: %s", error)
            await context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        return TAKEN

    server = grpc.aio.server(
        maximum_concurrent_rpcs=MOST_AT_ONCE, options=[("grpc.so_reuseport", 0)]
    )
    # The message's own bytes are what is kept: without a deserializer nothing looks into them.
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(export)
    handlers = grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler})
    server.add_generic_rpc_handlers((handlers,))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await stop.wait()
    await server.stop(STOP_LIMIT_S)


async def run(files: SpanFiles, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await serve(files, port, stop)
