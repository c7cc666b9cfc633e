"""What production lets an arm have under way, held to what its overlay scales the arm to."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from services.core.settings import WritingSettings
from tests.mesh_folder import MESH

PRODUCTION: Final = MESH.parent / "k8s" / "overlays" / "production"
STORED_BY: Final = {"ingest": ("ingest",), "bridge": ("bridge", "recorder")}
"""The Deployments that a record of an arm waits in."""
POOL: Final = "/spec/trafficPolicy/connectionPool/"
LIMIT: Final = f"{POOL}http/http2MaxRequests"
CONNECTIONS: Final = f"{POOL}tcp/maxConnections"
arms: Final = pytest.mark.parametrize("arm", STORED_BY)


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def scaled(deployment: str) -> tuple[int, int]:
    """Give the fewest and the most replicas."""
    for each in yaml.safe_load_all((PRODUCTION / "autoscaling.yaml").read_text()):
        if each["spec"]["scaleTargetRef"]["name"] == deployment:
            return each["spec"]["minReplicas"], each["spec"]["maxReplicas"]
    raise AssertionError(f"{deployment} has no autoscaler")


def in_mesh(arm: str, path: str) -> int:
    found = read(MESH / "destinations" / f"{arm}.yaml")
    for name in path.strip("/").split("/"):
        found = found[name]
    return int(found)


def in_production(arm: str, path: str) -> int:
    value = in_mesh(arm, path)
    for patch in read(PRODUCTION / "kustomization.yaml")["patches"]:
        target = patch["target"]
        if target["kind"] == "DestinationRule" and re.fullmatch(target["name"], arm):
            for change in read(PRODUCTION / patch["path"]):
                value = change["value"] if change["path"] == path else value
    return value


@arms
def test_an_arm_may_have_under_way_what_its_most_replicas_take(arm: str) -> None:
    limit, of_one = in_production(arm, LIMIT), in_mesh(arm, LIMIT)
    for each in STORED_BY[arm]:
        assert limit == scaled(each)[1] * of_one, f"{each} scales to {scaled(each)[1]}"


@arms
def test_what_two_gateways_let_through_finds_room_in_the_fewest_replicas(arm: str) -> None:
    room = WritingSettings.model_fields["queue_limit"].default
    for each in STORED_BY[arm]:
        assert 2 * in_production(arm, LIMIT) <= scaled(each)[0] * room


@arms
@pytest.mark.parametrize("of", [in_mesh, in_production])
def test_the_limit_is_reached_before_the_connections_run_out(arm: str, of: Any) -> None:
    assert of(arm, CONNECTIONS) > of(arm, LIMIT), "a record beyond would wait, not be refused"
