"""The mesh's files change while requests come in."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest_asyncio

from meshsplit.split.applied import Proxy
from meshsplit.split.weights import read_split
from tests.gateway import Gateway, applied, eventually, post, running, weigh
from tests.mesh_folder import list_resource


@pytest_asyncio.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with running(tmp_path, "third") as started:
        yield started


async def test_changed_weights_take_effect_within_2_s_under_load_and_fail_no_request(
    gateway: Gateway,
) -> None:
    answers: Counter[str] = Counter()
    done = False

    async def load() -> None:
        while not done:
            answers.update(await post(gateway, 200, connections=4))

    async with httpx.AsyncClient(trust_env=False) as client:
        proxy = Proxy(client, gateway.admin)
        running_load = asyncio.create_task(load())
        for first in (100, 0, 70, 50):
            rds_before = await _updates(client, gateway)
            weigh(gateway, first, 100 - first)
            await applied(proxy, read_split(gateway.records), within_s=2)
            rds_after = await _updates(client, gateway)
            assert rds_after["rds"] == rds_before["rds"] + 1
            assert rds_after["lds"] == rds_before["lds"]
            await asyncio.sleep(0.3)
        done = True
        await running_load
    assert set(answers) == {"ingest", "bridge"}
    assert sum(answers.values()) > 500


async def _updates(client: httpx.AsyncClient, gateway: Gateway) -> dict[str, int]:
    """How often Envoy took new routes, and a changed listener."""
    wanted = "^http.gateway.rds.http.80.config_reload$|^listener_manager.listener_(modified|added)$"
    text = (await client.get(f"{gateway.admin}/stats", params={"filter": wanted})).text
    values = {name: int(value) for name, value in (line.split(": ") for line in text.splitlines())}
    routes = sum(value for name, value in values.items() if ".rds." in name)
    return {"rds": routes, "lds": sum(values.values()) - routes}


async def test_a_refused_file_keeps_the_old_configuration_and_says_why(gateway: Gateway) -> None:
    text = gateway.records.read_text()
    gateway.records.write_text(text.replace("timeout: 15s", "timeout: soon", 1))
    await eventually(lambda: not gateway.status()["ok"], 5)
    error = gateway.status()["error"]
    assert error["file"] == "routes/records.yaml"
    assert error["path"] == "spec.http[1].timeout"
    assert error["name"] == "VirtualService records"
    assert set(await post(gateway, 100)) == {"ingest", "bridge"}
    gateway.records.write_text(text)
    await eventually(lambda: gateway.status()["ok"], 5)


async def test_what_only_envoy_knows_to_be_wrong_is_refused_too(gateway: Gateway) -> None:
    text = gateway.records.read_text()
    gateway.records.write_text(text.replace(".*text/html.*", "(?=lookahead)", 1))
    await eventually(lambda: not gateway.status()["ok"], 5)
    error = gateway.status()["error"]
    assert error["name"] == "Envoy"
    assert "(?=" in error["message"]
    assert set(await post(gateway, 100)) == {"ingest", "bridge"}


async def test_a_third_arm_needs_files_alone(gateway: Gateway) -> None:
    text = gateway.records.read_text()
    text = text.replace(
        "      - {name: grpc,",
        '      - {name: third, host: third, color: "#7c3aed"}\n      - {name: grpc,',
    ).replace(
        "            host: bridge\n",
        "            host: third\n          weight: 50\n        - destination:\n"
        "            host: bridge\n",
        1,
    )
    rule = (gateway.mesh / "destinations" / "bridge.yaml").read_text()
    (gateway.mesh / "destinations" / "third.yaml").write_text(rule.replace(": bridge", ": third"))
    list_resource(gateway.mesh, "destinations/third.yaml")
    gateway.records.write_text(text)
    asked = read_split(gateway.records)
    assert [arm.name for arm in asked.arms] == ["fastapi", "third", "grpc"]
    async with httpx.AsyncClient(trust_env=False) as client:
        proxy = Proxy(client, gateway.admin)
        await applied(proxy, asked)
        answers = await post(gateway, 600)
        assert set(answers) == {"ingest", "third", "bridge"}
        assert (await proxy.counters(asked)).decisions == {
            "fastapi": answers["ingest"],
            "third": answers["third"],
            "grpc": answers["bridge"],
        }


async def test_a_decision_for_a_dead_arm_counts_as_one_and_a_service_s_503_ejects_nobody(
    gateway: Gateway,
) -> None:
    await gateway.upstreams["bridge"].stop()
    async with httpx.AsyncClient(trust_env=False) as client:
        proxy, split = Proxy(client, gateway.admin), read_split(gateway.records)
        answers = await post(gateway, 400)
        assert set(answers) == {"ingest", "503"}
        decided = (await proxy.counters(split)).decisions
        assert decided == {"fastapi": answers["ingest"], "grpc": answers["503"]}
        assert await proxy.failures(split) == {"fastapi": 0, "grpc": answers["503"]}


async def test_clients_that_leave_and_requests_that_time_out_count_once_each(
    gateway: Gateway,
) -> None:
    for upstream in gateway.upstreams.values():
        upstream.delay_s = 1.0
    text = gateway.records.read_text()
    gateway.records.write_text(text.replace("timeout: 15s", "timeout: 0.3s"))
    async with httpx.AsyncClient(trust_env=False) as client:
        proxy, split = Proxy(client, gateway.admin), read_split(gateway.records)

        async def ask(patience_s: float) -> int:
            try:
                return (await client.post(gateway.url, timeout=patience_s)).status_code
            except httpx.TimeoutException:
                return 0

        await eventually(lambda: "0.3s" in (gateway.folder / "envoy/xds/rds.json").read_text())
        await asyncio.sleep(0.5)
        assert set(await asyncio.gather(*(ask(3) for _ in range(20)))) == {504}
        assert set(await asyncio.gather(*(ask(0.1) for _ in range(20)))) == {0}
        await asyncio.sleep(0.3)
        assert sum((await proxy.counters(split)).decisions.values()) == 40


async def test_an_agent_that_starts_again_changes_nothing(gateway: Gateway) -> None:
    files = {path: path.stat().st_ino for path in (gateway.folder / "envoy" / "xds").iterdir()}
    agent = gateway.processes.pop(0)
    agent.terminate()
    await asyncio.to_thread(agent.wait, 10)
    (gateway.folder / "envoy" / "status.json").unlink()
    await asyncio.to_thread(gateway.start_agent)
    assert {path: path.stat().st_ino for path in files} == files
    weigh(gateway, 10, 90)
    await eventually(lambda: gateway.status()["generation"] == 1, 5)


async def test_a_changed_destination_rule_fails_no_request_under_way(gateway: Gateway) -> None:
    for upstream in gateway.upstreams.values():
        upstream.delay_s = 0.2
    rule = gateway.mesh / "destinations" / "bridge.yaml"
    load = asyncio.create_task(post(gateway, 200, connections=20))
    await asyncio.sleep(0.5)
    rule.write_text(rule.read_text().replace("http2MaxRequests: 256", "http2MaxRequests: 4096"))
    answers = await load
    clusters = gateway.folder / "envoy" / "xds" / "cds.json"
    await eventually(lambda: '"max_requests": 4096' in clusters.read_text(), 5)
    assert set(answers) == {"ingest", "bridge"}
