"""Nobody but the bridge tries a batch again, and nobody but the client a record."""

import json
from typing import Any

import pytest

from tests.cluster.control_plane import run


def routes_to(proxy: str, host: str, port: int) -> list[dict[str, Any]]:
    """Return what a proxy does with requests to a Service."""
    said = run("istioctl", "proxy-config", "routes", proxy, "-o", "json")
    return [
        route["route"]
        for configuration in json.loads(said)
        for virtual_host in configuration.get("virtualHosts", [])
        for route in virtual_host["routes"]
        if _leads_to(route.get("route", {}), f"outbound|{port}||{host}.")
    ]


def _leads_to(action: dict[str, Any], cluster: str) -> bool:
    weighted = action.get("weightedClusters", {}).get("clusters", [])
    return any(
        name.startswith(cluster)
        for name in (action.get("cluster", ""), *(each["name"] for each in weighted))
    )


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize(
    ("proxy", "host", "port"),
    [
        ("deployment/bridge.meshsplit", "recorder", 50051),
        ("deployment/istio-ingressgateway.istio-system", "ingest", 8000),
        ("deployment/istio-ingressgateway.istio-system", "bridge", 8000),
    ],
)
def test_no_proxy_sends_anything_again(proxy: str, host: str, port: int) -> None:
    found = routes_to(proxy, host, port)
    assert found
    for action in found:
        policy = action.get("retryPolicy")
        assert policy is None or policy.get("numRetries") == 0, policy
