"""A bug in the records' route: answered, logged and counted, whichever way the request came."""

import asyncio
import json
import logging
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from services.core.domain.outcome import Outcome, Stored
from services.core.domain.pending import Pending
from services.core.http.records import RecordsEndpoint
from services.core.lifecycle import Lifecycle
from services.core.telemetry.calls import LabelledCount, RequestTally
from services.core.telemetry.traces import OFF, Traces
from tests.arms import GOOD
from tests.kept_spans import Memory
from tests.short_way import Client, serving

BODY = json.dumps(GOOD).encode()
HEAD = (
    b"POST / HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\nx-request-id: r-1\r\n"
    b"content-length: %d\r\n\r\n" % len(BODY)
)


class Broken:
    """A way for spans that makes none."""

    class Provider(TracerProvider):
        def get_tracer(self, *_: object, **__: object) -> Any:
            return self

        def start_span(self, *_: object, **__: object) -> Any:
            raise RuntimeError("no span")

    provider = Provider()

    def stop(self, limit_s: float) -> None:
        """Stop: nothing waits."""


class Arm:
    """A records' route whose queue fails for as long as it is told to."""

    def __init__(self, traces: Traces = OFF) -> None:
        self.fails = True
        self.asked = 0
        self.tally = RequestTally("ingest")
        self.route = RecordsEndpoint(
            service="ingest",
            arm="fastapi",
            submit=self.submit,
            lifecycle=Lifecycle(),
            tally=self.tally,
            problems_told=LabelledCount("told", "Told", ["arm", "problem", "why"], foreign="why"),
            traces=traces,
            body_timeout_s=5,
        )

    def submit(self, pending: Pending) -> asyncio.Future[Outcome]:
        self.asked += 1
        if self.fails:
            raise RuntimeError("no queue")
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        future.set_result(Stored(pending.id, "fastapi"))
        return future

    def statuses(self) -> dict[str, float]:
        (counted, _) = self.tally.collect()
        return {each.labels["code"]: each.value for each in counted.samples}


@pytest.fixture(autouse=True)
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING)
    return caplog


async def send(client: Client, *, whole: bool) -> tuple[bytes, dict[str, Any]]:
    if whole:
        client.send(HEAD + BODY)
    else:
        client.send(HEAD)
        await asyncio.sleep(0.05)
        client.send(BODY)
    head, body = await client.answer()
    return head, json.loads(body)


@pytest.mark.parametrize("whole", [True, False], ids=["the short way", "the long way"])
async def test_a_queue_that_fails_is_a_500_with_its_traceback_in_the_log(
    told: pytest.LogCaptureFixture, whole: bool
) -> None:
    arm = Arm()
    async with serving(arm.route) as server:
        client = await server.connect()
        head, body = await send(client, whole=whole)
        assert head.startswith(b"HTTP/1.1 500 ")
        assert b"\r\ncontent-type: application/problem+json\r\n" in head
        assert (body["status"], body["instance"]) == (500, "r-1")
        assert b"connection: close" not in head
        arm.fails = False
        head, _ = await send(client, whole=whole)
        assert head.startswith(b"HTTP/1.1 201 "), "the connection goes on"
    (logged,) = told.records
    assert (logged.message, vars(logged)["request_id"]) == ("a request failed", "r-1")
    assert logged.exc_info
    assert str(logged.exc_info[1]) == "no queue"
    assert arm.asked == 2, "nothing is tried twice"
    assert arm.statuses() == {"500": 1, "201": 1}


async def test_a_queue_that_fails_ends_the_span_of_its_request() -> None:
    way = Memory()
    async with serving(Arm(Traces(way, ratio=1)).route) as server:
        head, _ = await send(await server.connect(), whole=True)
        assert head.startswith(b"HTTP/1.1 500 ")
    (span,) = way.spans
    assert (span.attributes or {})["http.response.status_code"] == 500
    assert span.status.status_code.name == "ERROR"
    assert f"x-trace-id: {span.context.trace_id:032x}".encode() in head


async def test_a_span_that_cannot_be_made_is_a_500_too(told: pytest.LogCaptureFixture) -> None:
    arm = Arm(Traces(Broken(), ratio=1))
    async with serving(arm.route) as server:
        head, body = await send(await server.connect(), whole=True)
        assert (head.split()[1], body["status"]) == (b"500", 500)
    (logged,) = told.records
    assert logged.exc_info
    assert str(logged.exc_info[1]) == "no span"
    assert (arm.asked, arm.statuses()) == (0, {"500": 1})
