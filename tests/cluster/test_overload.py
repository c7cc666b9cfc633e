"""The cluster's gateway refuses what is more than an arm can take, as the local one does."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Final

import httpx
import pytest

from tests.cluster.system import ADDRESS, GATEWAY, Cluster, kubectl

ARMS: Final = ("ingest", "bridge")
APPLIED_S: Final = 3.0
LIMIT: Final = "/spec/trafficPolicy/connectionPool/http/http2MaxRequests"
RECORD: Final = {
    "carne": "overload",
    "nombre": "Overload",
    "curso": "overload",
    "nota": 61,
    "semestre": "first",
    "year": 2002,
}


@pytest.fixture
def one_at_a_time(cluster: Cluster) -> Iterator[None]:
    """Let each arm have one record under way."""
    before = {arm: limited(cluster, arm, 1) for arm in ARMS}
    try:
        time.sleep(APPLIED_S)
        yield
    finally:
        for arm, limit in before.items():
            limited(cluster, arm, limit)
        time.sleep(APPLIED_S)


def limited(cluster: Cluster, arm: str, limit: int) -> int:
    """Set an arm's limit; return what it was."""
    where = "jsonpath={.spec.trafficPolicy.connectionPool.http.http2MaxRequests}"
    was = cluster.run("get", "destinationrule", arm, "-o", where)
    change = json.dumps([{"op": "replace", "path": LIMIT, "value": limit}])
    cluster.run("patch", "destinationrule", arm, "--type", "json", "-p", change)
    return int(was)


@pytest.mark.usefixtures("one_at_a_time")
def test_what_is_refused_is_told_when_to_come_again() -> None:
    async def flood() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=20, max_keepalive_connections=20)
        async with httpx.AsyncClient(limits=limits, timeout=20, trust_env=False) as client:
            posts = (client.post(f"{ADDRESS}/", json=RECORD) for _ in range(400))
            return await asyncio.gather(*posts)

    answers = asyncio.run(flood())
    refused = [answer for answer in answers if answer.status_code != 201]
    assert 0 < len(refused) < len(answers)
    for answer in refused:
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


@pytest.mark.usefixtures("cluster")
def test_the_gateway_reads_a_request_whole_before_it_looks_at_it() -> None:
    words = ("exec", "deploy/istio-ingressgateway", "-c", "istio-proxy", "--")
    said = kubectl(*GATEWAY, *words, "pilot-agent", "request", "GET", "runtime")
    assert json.loads(said)["entries"]["http.max_requests_per_io_cycle"]["final_value"] == "0"
