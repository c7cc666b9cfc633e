"""What the gateway does with requests, as a real Envoy does it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from math import sqrt

import httpx
import pytest
import pytest_asyncio

from meshsplit.split.applied import Proxy
from meshsplit.split.weights import read_split
from tests import plain_http
from tests.gateway import Gateway, applied, eventually, post, running, weigh

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    async with running(tmp_path_factory.mktemp("gateway")) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def client(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=gateway.url, trust_env=False) as made:
        yield made


@pytest.mark.parametrize(("first", "second"), [(90, 10), (50, 50)])
async def test_the_weights_split_20_000_requests_as_a_binomial_allows(
    gateway: Gateway, first: int, second: int
) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        proxy = Proxy(client, gateway.admin)
        weigh(gateway, first, second)
        asked = read_split(gateway.records)
        await applied(proxy, asked)
        before = (await proxy.counters(asked)).decisions
        total = 20_000
        answers = await post(gateway, total, connections=32)
        after = (await proxy.counters(asked)).decisions
    share = first / 100
    # Five standard deviations: a true split fails once in 1.7 million runs.
    assert abs(answers["ingest"] - total * share) <= 5 * sqrt(total * share * (1 - share))
    assert answers["ingest"] + answers["bridge"] == total
    counted = {name: after[name] - before[name] for name in after}
    assert counted == {"fastapi": answers["ingest"], "grpc": answers["bridge"]}


def at_most_one_under_way(gateway: Gateway, arm: str) -> bool:
    told = plain_http.get(f"{gateway.admin}/clusters", trust_env=False).text
    limit = r"::default_priority::max_requests::1$"
    return re.search(rf"^outbound\|8000\|\|{arm}\b[^:]*{limit}", told, re.MULTILINE) is not None


async def test_a_request_too_many_under_way_is_counted_as_decided(gateway: Gateway) -> None:
    rules = {arm: gateway.mesh / "destinations" / f"{arm}.yaml" for arm in ("ingest", "bridge")}
    kept = {arm: rule.read_text() for arm, rule in rules.items()}
    try:
        for arm, rule in rules.items():
            rule.write_text(kept[arm].replace("http2MaxRequests: 256", "http2MaxRequests: 1"))
            gateway.upstreams[arm].delay_s = 1
        assert all(rule.read_text() != kept[arm] for arm, rule in rules.items())
        await eventually(lambda: all(at_most_one_under_way(gateway, arm) for arm in rules))
        async with httpx.AsyncClient(trust_env=False) as client:
            proxy, split = Proxy(client, gateway.admin), read_split(gateway.records)
            before = (await proxy.counters(split)).decisions
            answers = await post(gateway, 40, connections=20)
            after = (await proxy.counters(split)).decisions
    finally:
        for arm, rule in rules.items():
            rule.write_text(kept[arm])
            gateway.upstreams[arm].delay_s = 0
    assert answers["503"] > 0
    assert sum(after.values()) - sum(before.values()) == 40


async def test_a_browser_is_sent_to_the_dashboard_and_others_are_answered_by_an_arm(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    browser = await client.get("/", headers={"accept": "text/html,application/xhtml+xml"})
    assert browser.status_code == 302
    assert browser.headers["location"] == f"{gateway.url}/dashboard/"
    assert (await client.get("/", headers={"accept": "application/json"})).text == "ingest"
    assert (await client.get("/dashboard")).headers["location"].endswith("/dashboard/")
    posted = await client.post("/", headers={"accept": "text/html"})
    assert posted.text in ("ingest", "bridge")


async def test_what_the_weights_do_not_decide_is_not_counted_as_theirs(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    proxy, split = Proxy(client, gateway.admin), read_split(gateway.records)
    before = (await proxy.counters(split)).decisions
    for method in ("GET", "PUT", "DELETE"):
        assert (await client.request(method, "/")).text == "ingest"
    assert (await proxy.counters(split)).decisions == before


async def test_every_answer_names_its_request_as_the_service_knows_it(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    for path in ("/", "/api/v1/split", "/dashboard/", "/dashboard"):
        assert (await client.get(path)).headers["x-request-id"]
    answer = await client.get("/api/v1/split", headers={"x-request-id": "forged"})
    assert answer.headers["x-request-id"] == gateway.upstreams["reporter"].headers["x-request-id"]


async def test_escaped_slashes_stay_escaped_and_dots_are_resolved(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    await client.get("/api/v1/courses/a%2Fb%20c/results?x=%2F")
    assert (
        gateway.upstreams["reporter"].requests[-1][1] == "/api/v1/courses/a%2Fb%20c/results?x=%2F"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"GET /api/v1/../v1/split HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n")
    await reader.read()
    writer.close()
    assert gateway.upstreams["reporter"].requests[-1][1] == "/api/v1/split"


async def test_a_websocket_passes_both_ways(gateway: Gateway) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(
        b"GET /api/v1/live HTTP/1.1\r\nhost: t\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
        b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert head.startswith(b"HTTP/1.1 101")
    writer.write(b"frames")
    assert await asyncio.wait_for(reader.readexactly(6), 5) == b"frames"
    writer.close()


async def test_headers_over_60_kib_or_100_in_number_are_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get("/", headers={"x-big": "a" * 70_000})).status_code == 431
    many = {f"x-{number}": "1" for number in range(120)}
    assert (await client.get("/", headers=many)).status_code == 431
    assert (await client.get("/", headers={"x-some": "a" * 30_000})).status_code == 200


async def test_the_client_s_address_is_told_and_a_forged_one_is_not_trusted(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    await client.get("/", headers={"x-forwarded-for": "6.6.6.6"})
    told = gateway.upstreams["ingest"].headers
    # A client on loopback is told as this machine's own address.
    assert told["x-forwarded-for"].startswith("6.6.6.6,")
    assert told["x-forwarded-for"].count(",") == 1
    assert told.get("x-envoy-external-address") != "6.6.6.6"


async def test_an_unknown_path_is_envoy_s_own_404(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nothing/here")
    assert (answer.status_code, answer.headers["server"]) == (404, "istio-envoy")


async def test_the_run_is_known_by_its_own_answer(client: httpx.AsyncClient) -> None:
    answer = await client.get("/", headers={"host": "identity.meshsplit.internal"})
    assert answer.text == "this-run"


async def test_the_access_log_says_what_happened(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    answer = await client.get("/api/v1/split?for-the-log")
    log = gateway.folder / "envoy" / "access.log"
    await eventually(lambda: "for-the-log" in log.read_text(), 5)
    line = next(line for line in log.read_text().splitlines() if "for-the-log" in line)
    entry = json.loads(line)
    assert entry["route"] == "api"
    assert entry["request_id"] == answer.headers["x-request-id"]
    assert entry["cluster"] == "outbound|8000||reporter"
    assert entry["status"] == 200
    assert entry["upstream_host"] == gateway.upstreams["reporter"].address
    assert {"time", "response_flags", "duration_ms", "bytes_sent", "authority"} <= entry.keys()
