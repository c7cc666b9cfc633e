"""A third arm comes and goes under load, in the order that docs/kubernetes.md says."""

import json
import time
from typing import Any

import httpx

from tests.cluster.system import Cluster, Load

ROUTE = "virtualservice.networking.istio.io/records"
FOLLOWED_S = 3.0
COLOR = "#7c3aed"


def like_the_bridge(cluster: Cluster, kind: str) -> dict[str, Any]:
    """Copy one of the bridge's objects for a second bridge called `canary`."""
    found: dict[str, Any] = json.loads(cluster.run("get", kind, "bridge", "-o", "json"))
    labels = {**found["metadata"].get("labels", {}), "app.kubernetes.io/name": "canary"}
    found["metadata"] = {"name": "canary", "labels": labels}
    found.pop("status", None)
    return found


def objects_of_the_arm(cluster: Cluster) -> str:
    chosen = {"app.kubernetes.io/name": "canary"}
    deployment = like_the_bridge(cluster, "deployment")
    deployment["spec"]["selector"]["matchLabels"] = chosen
    template = deployment["spec"]["template"]
    template["metadata"]["labels"] |= chosen
    template["spec"].pop("topologySpreadConstraints", None)
    service = like_the_bridge(cluster, "service")
    service["spec"] = {"selector": chosen, "ports": service["spec"]["ports"]}
    policy = like_the_bridge(cluster, "authorizationpolicy")
    policy["spec"]["selector"]["matchLabels"] = chosen
    rule = like_the_bridge(cluster, "destinationrule")
    rule["spec"]["host"] = "canary"
    # The process is a bridge, with its identity; only its arm has another name.
    container = next(c for c in template["spec"]["containers"] if c["name"] == "bridge")
    own = {"SERVICE": "bridge", "MESHSPLIT_ARM": "canary"}
    kept = [entry for entry in container["env"] if entry["name"] not in own]
    container["env"] = [*({"name": k, "value": v} for k, v in own.items()), *kept]
    return json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": [deployment, service, policy, rule]}
    )


def patch(cluster: Cluster, *steps: dict[str, Any]) -> None:
    test = {"op": "test", "path": "/spec/http/1/name", "value": "split"}
    cluster.run("patch", ROUTE, "--type=json", "-p", json.dumps([test, *steps]))
    time.sleep(FOLLOWED_S)


def test_a_third_arm_comes_and_goes_under_load_without_a_failed_request(
    cluster: Cluster, client: httpx.Client
) -> None:
    arms = "/metadata/annotations/meshsplit.dev~1arms"
    before = json.loads(cluster.run("get", ROUTE, "-o", "json"))
    named = before["metadata"]["annotations"]["meshsplit.dev/arms"]
    entry = f'- {{name: canary, host: canary, color: "{COLOR}"}}\n'
    destination = {"destination": {"host": "canary", "port": {"number": 8000}}, "weight": 0}
    objects = objects_of_the_arm(cluster)
    with Load() as load:
        cluster.run("apply", "-f", "-", text=objects)
        try:
            cluster.run("rollout", "status", "deployment/canary", "--timeout=90s")
            patch(
                cluster,
                {"op": "replace", "path": arms, "value": named + entry},
                {"op": "add", "path": "/spec/http/1/route/-", "value": destination},
            )
            cluster.weigh(fastapi=34, grpc=33, canary=33)
            time.sleep(FOLLOWED_S + 3)
            told = client.get("/api/v1/split").json()
            cluster.weigh(fastapi=50, grpc=50, canary=0)
            time.sleep(FOLLOWED_S)
            patch(
                cluster,
                {"op": "remove", "path": "/spec/http/1/route/2"},
                {"op": "replace", "path": arms, "value": named},
            )
        finally:
            cluster.run("delete", "--wait=false", "-f", "-", text=objects)
        time.sleep(2)
    assert load.failed == []
    assert load.arms["canary"] > 0
    assert cluster.stored(load.course) == load.arms
    assert {"name": "canary", "host": "canary", "color": COLOR} in told["arms"]
    assert told["observed"]["counts"]["canary"] > 0
