"""A gateway of several pods: the reporter counts what all of them decided."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.cluster.system import GATEWAY, Cluster, Load, forwarded, kubectl

NAME = "second-gateway"


@pytest.fixture
def second(cluster: Cluster) -> Iterator[str]:  # noqa: ARG001 - must be up
    """Start one more of the gateway's pods; return the address that leads to it alone."""
    found = json.loads(kubectl(*GATEWAY, "get", "deployment/istio-ingressgateway", "-o", "json"))
    found["metadata"] = {"name": NAME}
    found.pop("status")
    found["spec"]["selector"]["matchLabels"]["pod"] = found["spec"]["template"]["metadata"][
        "labels"
    ]["pod"] = NAME
    for container in found["spec"]["template"]["spec"]["containers"]:
        for port in container["ports"]:
            port.pop("hostPort", None)  # one machine has it once
    kubectl(*GATEWAY, "apply", "-f", "-", text=json.dumps(found))
    try:
        kubectl(*GATEWAY, "rollout", "status", f"deployment/{NAME}", "--timeout=90s")
        with forwarded(NAME, 8080) as port:
            yield f"http://127.0.0.1:{port}"
    finally:
        kubectl(*GATEWAY, "delete", f"deployment/{NAME}", "--wait=true")


def counts(client: httpx.Client) -> Any:
    return client.get("/api/v1/split").json()["observed"]["counts"]


def until_it_is_counted(second: str, client: httpx.Client) -> None:
    """Wait until the reporter knows of the pod: DNS takes up to half a minute to tell."""
    until = time.monotonic() + 60
    before = after = sum(counts(client).values())
    while after == before:
        assert time.monotonic() < until, "the reporter doesn't count what the second pod decides"
        with Load(users=1, address=second):
            time.sleep(0.2)
        time.sleep(2.5)
        after = sum(counts(client).values())


def test_the_counts_are_those_of_all_its_pods_and_stay_when_one_leaves(
    second: str, client: httpx.Client
) -> None:
    until_it_is_counted(second, client)
    before = Counter(counts(client))
    with Load(users=3) as first, Load(users=3, address=second) as other:
        time.sleep(5)
    time.sleep(3)
    assert first.failed == other.failed == []
    assert other.acknowledged > 50
    assert Counter(counts(client)) - before == first.arms + other.arms
    kubectl(*GATEWAY, "scale", f"deployment/{NAME}", "--replicas=0")
    time.sleep(8)
    assert Counter(counts(client)) - before == first.arms + other.arms
