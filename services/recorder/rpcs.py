"""Counts the recorder's RPCs: their method, their gRPC status, and how long each took."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

import grpc

from services.core.telemetry.calls import OTHER, Calls, RpcTally

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler = grpc.RpcMethodHandler[Any, Any]
    Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]


class RpcCount(grpc.aio.ServerInterceptor):
    """Counts each call that has one message and one answer; a stream (Watch, reflection) has none.

    A method that the server doesn't have is counted as "other", whatever it is called.
    """

    def __init__(self, tally: RpcTally) -> None:
        self._tally = tally

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """Put the count around a call's handler."""
        handler = await continuation(handler_call_details)
        if handler is None:
            self._tally.of(OTHER).count(grpc.StatusCode.UNIMPLEMENTED.name, 0.0)
            return handler
        if handler.unary_unary is None:
            return handler
        return grpc.unary_unary_rpc_method_handler(
            _counted(handler.unary_unary, self._tally.of(handler_call_details.method)),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )


def _counted(answer: Callable[..., Any], calls: Calls) -> Callable[..., Awaitable[Any]]:
    async def answer_counted(request: Any, context: Any) -> Any:
        began = perf_counter()
        status = grpc.StatusCode.CANCELLED  # unless it comes to an end of its own
        try:
            response = await answer(request, context)
            status = context.code() or grpc.StatusCode.OK
        except Exception:  # told apart for the count, and raised again: gRPC answers UNKNOWN
            status = context.code() or grpc.StatusCode.UNKNOWN
            raise
        finally:
            calls.count(status.name, perf_counter() - began)
        return response

    return answer_counted
