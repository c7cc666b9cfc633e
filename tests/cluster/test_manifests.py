"""Each overlay, held to the API server's and Istio's own rules."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.control_plane import run
from tests.cluster.system import kubectl

OVERLAYS = Path(__file__).resolve().parents[2] / "k8s" / "overlays"
TRIED_IN = "meshsplit-tried"


@pytest.fixture(scope="module", autouse=True)
def namespace() -> Iterator[None]:
    kubectl("create", "namespace", TRIED_IN)
    yield
    kubectl("delete", "namespace", TRIED_IN, "--wait=false")


@pytest.mark.parametrize("overlay", ["dev", "production"])
def test_the_api_server_would_take_every_object_as_it_is_written(overlay: str) -> None:
    objects = kubectl("kustomize", str(OVERLAYS / overlay))
    ours = re.compile("namespace: (meshsplit|observability)$", re.MULTILINE)
    objects = ours.sub(f"namespace: {TRIED_IN}", objects)
    kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", text=objects)


@pytest.mark.parametrize("overlay", ["dev", "production"])
def test_istio_finds_nothing_wrong(overlay: str, tmp_path: Path) -> None:
    file = tmp_path / "made.yaml"
    file.write_text(kubectl("kustomize", str(OVERLAYS / overlay)))
    run("istioctl", "analyze", "--use-kube=false", "--failure-threshold", "Warning", str(file))


@pytest.mark.parametrize("overlay", ["dev", "production"])
def test_no_secret_is_written_in_an_overlay(overlay: str) -> None:
    assert "\nkind: Secret\n" not in kubectl("kustomize", str(OVERLAYS / overlay))


def made(overlay: str, kind: str) -> dict[str, Any]:
    """What kustomize makes of one kind: its specs by name."""
    text = kubectl("kustomize", str(OVERLAYS / overlay))
    objects = [each for each in yaml.safe_load_all(text) if each["kind"] == kind]
    return {each["metadata"]["name"]: each["spec"] for each in objects}


@pytest.mark.parametrize("arm", ["ingest", "bridge"])
def test_production_s_limit_of_an_arm_follows_its_replicas(arm: str) -> None:
    of_one, of_all = (
        made(overlay, "DestinationRule")[arm]["trafficPolicy"]["connectionPool"]["http"]
        for overlay in ("dev", "production")
    )
    most = made("production", "HorizontalPodAutoscaler")[arm]["maxReplicas"]
    assert of_all["http2MaxRequests"] == most * of_one["http2MaxRequests"]
