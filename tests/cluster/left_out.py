"""Which parts of the system this cluster has no images for, so that they are left out.

A part that may be left out (see the Tiltfile's `--without`) is asked for by a pod that names its
images: what the cluster can't pull, it can't run.
"""

import json
import time
from functools import cache
from pathlib import Path
from typing import Final

import yaml

from tests.cluster.system import kubectl

_COMPONENTS = Path(__file__).resolve().parents[2] / "k8s" / "components"
PARTS: Final = {"traces": ("collector", "jaeger"), "grafana": ("grafana",)}
"""What the Tiltfile calls a part, and the components that it is made of."""
_POD: Final = "meshsplit-images"
_MISSING: Final = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName"}
_PULLED_WITHIN_S: Final = 180.0


def images_of(part: str) -> set[str]:
    """Return the images that a part's pods are made from."""
    return {
        container["image"]
        for component in PARTS[part]
        for file in (_COMPONENTS / component).glob("*.yaml")
        for document in yaml.safe_load_all(file.read_text())
        if document.get("kind") == "Deployment"
        for container in document["spec"]["template"]["spec"]["containers"]
    }


@cache
def left_out() -> tuple[str, ...]:
    """Name the parts that can't run here, by asking the cluster for their images, once.

    Raises:
        AssertionError: no cluster can be asked.
    """
    wanted = sorted(image for part in PARTS for image in images_of(part))
    words = ("-n", "default")
    containers = [
        {"name": f"image-{number}", "image": image, "command": ["nothing-of-this-name"]}
        for number, image in enumerate(wanted)
    ]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": _POD, "labels": {"sidecar.istio.io/inject": "false"}},
        "spec": {
            "containers": containers,
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
        },
    }
    kubectl(*words, "delete", "pod", _POD, "--ignore-not-found", "--wait=true")
    kubectl(*words, "create", "-f", "-", text=json.dumps(pod))
    try:
        there = _pulled(*words)
    finally:
        kubectl(*words, "delete", "pod", _POD, "--wait=false")
    return tuple(part for part in PARTS if not images_of(part) <= there)


def _pulled(*words: str) -> set[str]:
    """Wait until each image of the pod is there or can't be had; return those that are."""
    until = time.monotonic() + _PULLED_WITHIN_S
    while True:
        found = json.loads(kubectl(*words, "get", "pod", _POD, "-o", "json"))
        asked = {each["name"]: each["image"] for each in found["spec"]["containers"]}
        said = {
            asked[each["name"]]: each["state"].get("waiting", {}).get("reason", "started")
            for each in found["status"].get("containerStatuses", [])
        }
        missing = {image for image, reason in said.items() if reason in _MISSING}
        there = set(said) - missing - {i for i, r in said.items() if r == "ContainerCreating"}
        if there | missing == set(asked.values()) or time.monotonic() > until:
            return there
        time.sleep(0.3)
