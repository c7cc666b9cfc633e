"""The records' route, from a request to its answer: head → body → record → queue → answer."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import nullcontext
from time import perf_counter
from typing import Final

import msgspec
from opentelemetry.trace import Span, use_span
from starlette.types import Receive, Scope, Send

from services.core.domain import problems
from services.core.domain.ids import IdMaker
from services.core.domain.outcome import Outcome
from services.core.domain.pending import Pending
from services.core.domain.problems import Refused
from services.core.domain.record import Record, decode_record
from services.core.http import answers
from services.core.http.answers import Answer, Headers
from services.core.http.bodies import (
    DISCARD_MAX,
    BodyTooLarge,
    ClientGone,
    discard_body,
    read_body,
)
from services.core.http.direct import Reply
from services.core.http.heads import Head, Refusal, check_head, read_head, too_large
from services.core.http.request_spans import (
    abandoned,
    answered,
    record_post_span,
    request_span,
)
from services.core.lifecycle import Lifecycle
from services.core.telemetry.calls import LabelledCount, RequestTally
from services.core.telemetry.traces import Traces, exemplar

BODY_LIMIT: Final = 65_536
"""Most bytes of a body."""
_CLOSE: Final = (b"connection", b"close")
_CLIENT_GONE: Final = 499
_UNTRACED: Final = nullcontext()
_log = logging.getLogger(__name__)

Submit = Callable[[Pending], asyncio.Future[Outcome]]
"""Takes a valid record; the future is done once its fate is sealed."""


class RecordsEndpoint:
    """An arm's ``/`` as a plain ASGI application."""

    def __init__(
        self,
        *,
        service: str,
        arm: str,
        submit: Submit | None,
        lifecycle: Lifecycle,
        tally: RequestTally,
        problems_told: LabelledCount,
        traces: Traces,
        body_timeout_s: float,
    ) -> None:
        """Without ``submit`` it is a shadow's: a record is checked, and then thrown away."""
        self._submit = submit
        self._lifecycle = lifecycle
        self._tally = tally
        self._posts = tally.of("POST", "/", arm)
        self._problems_told = problems_told
        self._arm = arm
        self._traces = traces
        self._body_timeout_s = body_timeout_s
        self._new_id = IdMaker().new
        self._greeting = answers.json_answer(
            200, msgspec.json.encode({"service": service, "arm": arm})
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = perf_counter()
        head = read_head(scope["headers"])
        if not self._traces.samples(head.parent):
            await self._serve(scope, receive, send, head, started=started)
            return
        with request_span(self._traces, scope, head, route="/") as span:
            await self._serve(scope, receive, send, head, started=started, span=span)

    async def _serve(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        head: Head,
        *,
        started: float,
        span: Span | None = None,
    ) -> None:
        close = False
        calls = self._posts
        try:
            if scope["method"] == "POST":
                answer, close = await self._post(head, receive)
            elif scope["method"] in {"GET", "HEAD"}:
                calls = self._tally.of(scope["method"], "/", self._arm)
                answer = self._greeting
            else:
                calls = self._tally.of(scope["method"], "/", self._arm)
                answer, close = await self._refuse(_wrong_method(scope["method"]), head, receive)
        except ClientGone:
            calls.count_untimed(_CLIENT_GONE)
            abandoned(span)
            return
        except Exception:  # noqa: BLE001 - a bug must still be answered as the contract says
            answer = self._bug(head.request_id.decode())
        await self._send(send, answer, head, close=close)
        if answer.status == problems.BODY_TOO_SLOW.status:
            calls.count_untimed(answer.status)
        else:
            calls.count(answer.status, perf_counter() - started, exemplar(span))
        if answer.problem:
            self._problems_told.count(self._arm, answer.problem, answer.reason)
        answered(span, answer.status, reason=answer.reason)

    async def _post(self, head: Head, receive: Receive) -> tuple[Answer, bool]:
        """Store one record; say the answer, and whether the connection must end with it."""
        refusal = check_head(head, body_limit=BODY_LIMIT, stores=self._submit is not None)
        if refusal is not None:
            return await self._refuse(refusal, head, receive)
        try:
            body = await read_body(receive, limit=BODY_LIMIT, timeout_s=self._body_timeout_s)
        except BodyTooLarge as error:
            return await self._refuse(too_large(BODY_LIMIT), head, receive, whole=error.whole)
        except TimeoutError:
            detail = f"expected the whole body within {self._body_timeout_s:g} s"
            return self._problem(Refusal(problems.BODY_TOO_SLOW, detail), head), True
        request_id = head.request_id.decode()
        try:
            record = decode_record(body)
        except Refused as error:
            return answers.refused(error, request_id=request_id), False
        if self._submit is None:
            return answers.CHECKED, False
        outcome = await self._submit(self._pending(head, record))
        return answers.of_outcome(outcome, request_id=request_id), False

    async def _refuse(
        self, refusal: Refusal, head: Head, receive: Receive, *, whole: bool = False
    ) -> tuple[Answer, bool]:
        """Refuse a request whose body may still be on its way, unless the whole of it was read."""
        answer = self._problem(refusal, head)
        if whole:
            return answer, False
        if head.expects_continue:
            return answer, True  # the body was never asked for
        if head.content_length is not None and head.content_length > DISCARD_MAX:
            return answer, True
        return answer, not await discard_body(receive, timeout_s=self._body_timeout_s)

    def _problem(self, refusal: Refusal, head: Head) -> Answer:
        headers = (
            [(b"allow", b"GET, HEAD, POST")]
            if refusal.kind is problems.METHOD_NOT_ALLOWED
            else None
        )
        return answers.problem(
            refusal.kind, refusal.detail, request_id=head.request_id.decode(), headers=headers
        )

    def _bug(self, request_id: str) -> Answer:
        _log.exception("a request failed", extra={"request_id": request_id})
        return answers.problem(problems.INTERNAL, "the log says more", request_id=request_id)

    def take(self, headers: Headers, body: bytes, reply: Reply) -> bool:
        """Take a whole POST the short way, if it is an ordinary record's."""
        started = perf_counter()
        head = read_head(headers)
        span = None

        def answer(stored: asyncio.Future[Outcome]) -> None:
            self._answer(head, stored, started, reply, span)

        try:
            if (
                self._submit is None
                or check_head(head, body_limit=BODY_LIMIT) is not None
                or len(body) > BODY_LIMIT
            ):
                return False
            record = decode_record(body)
            if self._traces.samples(head.parent):
                span = record_post_span(self._traces, head, headers)
            with use_span(span) if span else _UNTRACED:
                stored = self._submit(self._pending(head, record))
        except Refused:
            return False
        except Exception as error:  # noqa: BLE001 - as above; here it would pass for bad HTTP
            stored = asyncio.get_running_loop().create_future()
            stored.set_exception(error)
        stored.add_done_callback(answer)  # out here: a request behind this one has its own trace
        return True

    def _answer(
        self,
        head: Head,
        stored: asyncio.Future[Outcome],
        started: float,
        reply: Reply,
        span: Span | None,
    ) -> None:
        """Answer what went the short way."""
        request_id = head.request_id.decode()
        try:
            answer = answers.of_outcome(stored.result(), request_id=request_id)
        except Exception:  # noqa: BLE001 - as above
            with use_span(span) if span else _UNTRACED:
                answer = self._bug(request_id)
        reply(answer.status, self._headers(answer, head, close=False), answer.body)
        self._posts.count(answer.status, perf_counter() - started, exemplar(span))
        if answer.problem:
            self._problems_told.count(self._arm, answer.problem, answer.reason)
        if span is not None:
            answered(span, answer.status, reason=answer.reason)
            span.end()

    def _pending(self, head: Head, record: Record) -> Pending:
        key = None if head.key is None else head.key.decode()
        request_id = head.request_id.decode()
        return Pending(self._new_id(), record, key, request_id, traceparent=head.traceparent)

    async def _send(self, send: Send, answer: Answer, head: Head, *, close: bool) -> None:
        headers = self._headers(answer, head, close=close)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    def _headers(self, answer: Answer, head: Head, *, close: bool) -> Headers:
        headers = [
            *answer.headers,
            (b"content-length", str(len(answer.body)).encode()),
            (b"x-request-id", head.request_id),
        ]
        if head.trace_id:
            headers.append((b"x-trace-id", head.trace_id))
        if close or self._lifecycle.draining:
            headers.append(_CLOSE)
        return headers


def _wrong_method(method: str) -> Refusal:
    return Refusal(problems.METHOD_NOT_ALLOWED, f"{method!r} is not for this path")
