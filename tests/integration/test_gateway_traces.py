"""A real Envoy that traces as the mesh's Telemetry says, into a real store of spans."""

import asyncio
import contextlib
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest_asyncio
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from meshsplit.local.ports import answers
from meshsplit.traces.store import exports
from tests.gateway import ROOT, Gateway, eventually, post, running, wait_for


@pytest_asyncio.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with running(tmp_path) as started:
        yield started


@contextlib.contextmanager
def store(gateway: Gateway) -> Iterator[subprocess.Popen[bytes]]:
    """Run the store of spans where the gateway was told that it is."""
    command = [sys.executable, "-m", "meshsplit.traces", "--folder", str(gateway.folder / "traces")]
    process = subprocess.Popen([*command, "--port", str(gateway.otlp_port)], cwd=ROOT)
    try:
        wait_for(lambda: answers("127.0.0.1", gateway.otlp_port))
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        assert process.wait(10) in {0, -signal.SIGKILL}


def traced(gateway: Gateway) -> list[str]:
    """The traces that the gateway told of, in hex: one for each request that was sampled."""
    return [
        span.trace_id.hex()
        for export in exports(gateway.folder / "traces")
        for resource in ExportTraceServiceRequest.FromString(export).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
        if span.kind == span.SPAN_KIND_SERVER
    ]


def trace(gateway: Gateway, percent: float) -> None:
    """Edit the rate as a person would, by hand."""
    path = gateway.mesh / "telemetry" / "traces.yaml"
    before, key, _ = path.read_text().partition("randomSamplingPercentage: ")
    path.write_text(f"{before}{key}{percent}\n")


async def asked(client: httpx.AsyncClient, gateway: Gateway, sampled: bool | None = None) -> str:
    """Send one request, with a caller's own decision or without; returns the trace it got."""
    own = secrets.token_hex(16)
    context = {} if sampled is None else {"traceparent": f"00-{own}-{own[:16]}-{sampled:02}"}
    answer = await client.get(f"{gateway.url}/dashboard/", headers=context)
    assert answer.status_code == 200
    trace_id = gateway.upstreams["dashboard"].headers["traceparent"].split("-")[1]
    if sampled is not None:
        assert trace_id == own
    return trace_id


async def decided(client: httpx.AsyncClient, gateway: Gateway) -> str:
    """Send one request; returns its trace's flags: `01` if it was sampled."""
    await asked(client, gateway)
    return gateway.upstreams["dashboard"].headers["traceparent"].split("-")[3]


async def test_a_changed_rate_takes_effect_within_2_s_on_open_connections_too(
    gateway: Gateway,
) -> None:
    with store(gateway):
        async with httpx.AsyncClient(trust_env=False) as client:  # one connection for all of it
            for percent, flag in ((100, "01"), (0, "00"), (100, "01")):
                trace(gateway, percent)

                async def followed(flag: str = flag) -> bool:
                    # Not one alone: at the rate before, one in a hundred is traced by chance.
                    seen = [await decided(client, gateway) for _ in range(10)]
                    return set(seen) == {flag}

                async with asyncio.timeout(2):
                    while not await followed():
                        pass
            last = await asked(client, gateway)
            await eventually(lambda: last in traced(gateway), limit_s=5)
            url = f"{gateway.admin}/stats?filter=listener_modified"
            stats = (await client.get(url)).text
    assert stats.strip() == "listener_manager.listener_modified: 0"  # else WebSockets were cut


async def test_a_caller_can_keep_a_request_from_being_traced_and_can_ask_for_one_that_is(
    gateway: Gateway,
) -> None:
    with store(gateway):
        trace(gateway, 100)
        await asyncio.sleep(2)  # it takes effect within that
        async with httpx.AsyncClient(trust_env=False) as client:
            yes = [await asked(client, gateway, sampled=True) for _ in range(5)]
            no = [await asked(client, gateway, sampled=False) for _ in range(5)]
            trace(gateway, 0)
            await asyncio.sleep(2)
            client.headers["x-client-trace-id"] = "any"
            yes += [await asked(client, gateway, sampled=decision) for decision in (None, True)]
            await eventually(lambda: set(yes) <= set(traced(gateway)))
        assert not set(no) & set(traced(gateway))


async def test_about_the_asked_share_of_requests_is_traced(gateway: Gateway) -> None:
    with store(gateway):
        trace(gateway, 20)
        await asyncio.sleep(2)  # it takes effect within that
        sent = sum((await post(gateway, 2000)).values())
        await asyncio.sleep(3)  # Envoy tells of its spans each second
        assert abs(len(traced(gateway)) - sent / 5) < 90  # five standard deviations


async def test_a_store_that_is_away_hung_or_killed_fails_no_request_and_gets_spans_once_back(
    gateway: Gateway,
) -> None:
    trace(gateway, 100)
    assert (await post(gateway, 500)).keys() == {"ingest", "bridge"}  # nobody listens yet
    with store(gateway) as process:
        process.send_signal(signal.SIGSTOP)
        assert (await post(gateway, 500)).keys() == {"ingest", "bridge"}
        process.send_signal(signal.SIGCONT)
        process.kill()
        assert (await post(gateway, 500)).keys() == {"ingest", "bridge"}
        process.wait(10)
    with store(gateway):
        async with httpx.AsyncClient(trust_env=False) as client:
            seen: list[str] = []

            async def arrived() -> bool:
                seen.append(await asked(client, gateway))
                return bool(set(seen) & set(traced(gateway)))

            async with asyncio.timeout(15):
                while not await arrived():  # noqa: ASYNC110 - the store sends no events
                    await asyncio.sleep(0.1)
    assert gateway.processes[-1].poll() is None
