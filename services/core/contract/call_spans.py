"""Spans of the calls between bridge and recorder, by OpenTelemetry's instrumentation for gRPC.

A call has a span only under one that is recorded: health checks and reflection have none.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import grpc
from opentelemetry.instrumentation.grpc import aio_client_interceptors, aio_server_interceptor
from opentelemetry.trace import Span, StatusCode

from services.core.telemetry.trace_context import read_traceparent
from services.core.telemetry.traces import Traces, current_span
from services.stubs.grades.v1 import grades_pb2 as pb

_CONTRACT: Final = f"/{pb.DESCRIPTOR.services_by_name['RecorderService'].full_name}/"


def client_interceptors(traces: Traces) -> list[grpc.aio.ClientInterceptor]:
    """Make what a channel needs so that its calls have spans; nothing where tracing is off."""
    if not traces.on:
        return []
    found = aio_client_interceptors(  # type: ignore[no-untyped-call]  # it has no types
        tracer_provider=traces.provider, filter_=lambda _: current_span() is not None
    )
    ours = [each for each in found if isinstance(each, grpc.aio.UnaryUnaryClientInterceptor)]
    return [*ours, _EndWithCaller()]


def server_interceptors(traces: Traces) -> list[grpc.aio.ServerInterceptor]:
    """Make what a server needs so that traced calls have spans; nothing where tracing is off."""
    if not traces.on:
        return []
    interceptor = aio_server_interceptor(  # type: ignore[no-untyped-call]  # it has no types
        tracer_provider=traces.provider, filter_=_is_traced
    )
    return [interceptor]


def _is_traced(details: Any) -> bool:
    if not details.method.startswith(_CONTRACT):
        return False
    for name, value in details.invocation_metadata or ():
        if name == "traceparent":
            parent = read_traceparent(value.encode())
            return parent is not None and parent.sampled
    return False


class _EndWithCaller(grpc.aio.UnaryUnaryClientInterceptor):
    """Ends the call, and its span, with whoever waits for it.

    The instrumentation's own interceptor waits for the call's code. Cancelled there it leaves the
    call under way and its span open. So this one, below it, waits for the call itself.
    """

    async def intercept_unary_unary(
        self,
        continuation: Callable[[grpc.aio.ClientCallDetails, Any], Any],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        """Make the call and wait for its end."""
        span = current_span()
        call = None
        try:
            call = await continuation(client_call_details, request)
            if span is not None:
                await call
        except grpc.aio.AioRpcError:
            pass  # it has ended, and the instrumentation says how
        except BaseException as error:
            if call is not None:
                call.cancel()
            if span is not None:
                _end(span, error)
            raise
        return call


def _end(span: Span, error: BaseException) -> None:
    if isinstance(error, asyncio.CancelledError):
        span.set_attribute("rpc.grpc.status_code", grpc.StatusCode.CANCELLED.value[0])
    span.set_attribute("error.type", type(error).__name__)
    span.set_status(StatusCode.ERROR)
    span.end()
