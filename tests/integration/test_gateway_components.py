"""What each component of the mesh does to requests, as a real Envoy does it."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from meshsplit.split.applied import Proxy
from meshsplit.split.weights import asked_split
from tests import plain_http
from tests.gateway import Gateway, applied, eventually, post, running
from tests.mesh_folder import use

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    async with running(tmp_path_factory.mktemp("components"), "shadow") as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def client(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=gateway.url, trust_env=False) as made:
        yield made


async def have(gateway: Gateway, client: httpx.AsyncClient, *names: str) -> None:
    """Name components in the mesh's file, and wait until Envoy has what they make of it."""
    routes = gateway.folder / "envoy" / "xds" / "rds.json"
    before, generation = routes.read_text(), gateway.status()["generation"]
    use(gateway.mesh, *names)
    await eventually(lambda: gateway.status()["ok"] and routes.read_text() != before)
    await eventually(lambda: gateway.status()["generation"] > generation)
    await applied(Proxy(client, gateway.admin), asked_split(gateway.mesh))
    await asyncio.sleep(0.3)


@pytest.mark.parametrize(
    ("name", "share"), [("90-10", 0.9), ("all-fastapi", 1), ("all-grpc", 0), ("50-50", 0.5)]
)
async def test_a_split_s_weights_are_in_force(
    gateway: Gateway, client: httpx.AsyncClient, name: str, share: float
) -> None:
    await have(gateway, client, f"components/splits/{name}")
    answers = await post(gateway, 2000)
    assert abs(answers["ingest"] - 2000 * share) <= 5 * (2000 * share * (1 - share)) ** 0.5
    assert answers["ingest"] + answers["bridge"] == 2000


async def test_pinning_sends_a_record_that_asks_for_it_to_grpc_and_counts_no_decision(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    await have(gateway, client, "components/splits/all-fastapi", "components/pinning")
    proxy, split = Proxy(client, gateway.admin), asked_split(gateway.mesh)
    before = (await proxy.counters(split)).decisions
    pinned = [await client.post("/", headers={"x-arm": "grpc"}) for _ in range(20)]
    assert {answer.text for answer in pinned} == {"bridge"}
    assert (await proxy.counters(split)).decisions == before
    assert (await client.post("/", headers={"x-arm": "other"})).text == "ingest"


async def test_a_sticky_user_stays_and_is_counted_once(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    await have(gateway, client, "components/sticky")
    proxy, split = Proxy(client, gateway.admin), asked_split(gateway.mesh)
    before = (await proxy.counters(split)).decisions
    seen: Counter[str] = Counter()
    for _ in range(40):
        async with httpx.AsyncClient(base_url=gateway.url, verify=plain_http.NO_TLS) as user:
            answers = [(await user.post("/")).text for _ in range(5)]
        assert len(set(answers)) == 1, "one user, one arm"
        seen[answers[0]] += 1
    after = (await proxy.counters(split)).decisions
    assert {name: after[name] - before[name] for name in after} == {
        "fastapi": seen["ingest"],
        "grpc": seen["bridge"],
    }
    assert min(seen["ingest"], seen["bridge"]) >= 5


async def test_a_cookie_among_others_is_found(gateway: Gateway, client: httpx.AsyncClient) -> None:
    await have(gateway, client, "components/sticky", "components/pinning")
    for cookie in ("a=b; meshsplit-arm=grpc", "meshsplit-arm=grpc; z=1", "meshsplit-arm=grpc"):
        found = [await client.post("/", headers={"cookie": cookie}) for _ in range(8)]
        assert {answer.text for answer in found} == {"bridge"}
        assert "set-cookie" not in found[0].headers
    strange = [await client.post("/", headers={"cookie": "xmeshsplit-arm=grpc"}) for _ in range(30)]
    assert len({answer.text for answer in strange}) == 2


async def test_a_mirror_s_copy_looks_like_the_request_and_only_the_shadow_gets_it(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    await have(gateway, client, "components/mirror")
    shadow = gateway.upstreams["shadow"]
    before = len(shadow.requests)
    await client.post("/", headers={"host": "grades.test"})
    await eventually(lambda: len(shadow.requests) == before + 1)
    assert shadow.requests[-1] == ("POST", "/")
    # As with Istio: a copy bears no mark, so nobody but the mesh can keep it from an arm.
    assert shadow.headers["host"] == "grades.test"
    await client.get("/")
    await asyncio.sleep(0.2)
    assert len(shadow.requests) == before + 1, "only records are copied"


async def test_a_tenth_of_the_records_is_delayed(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    await have(gateway, client, "components/faults/delay")

    async def seconds() -> float:
        began = time.monotonic()
        assert (await client.post("/", timeout=10)).status_code == 200
        return time.monotonic() - began

    async def injected() -> int:
        stats = await client.get(f"{gateway.admin}/stats?filter=fault.delays_injected")
        return sum(int(line.rpartition(" ")[2]) for line in stats.text.splitlines())

    before = await injected()
    took = [one for _ in range(20) for one in await asyncio.gather(*(seconds() for _ in range(20)))]
    delayed = await injected() - before
    assert 40 - 5 * 6 <= delayed <= 40 + 5 * 6
    assert sum(one >= 0.39 for one in took) >= delayed


async def test_a_twentieth_of_the_records_is_refused_and_no_arm_sees_those(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    await have(gateway, client, "components/faults/abort")
    arms = [gateway.upstreams[name] for name in ("ingest", "bridge")]
    before = sum(len(arm.requests) for arm in arms)
    answers = await post(gateway, 2000)
    assert 100 - 50 <= answers["503"] <= 100 + 50
    assert sum(len(arm.requests) for arm in arms) == before + 2000 - answers["503"]
