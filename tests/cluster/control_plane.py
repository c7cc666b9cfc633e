"""Asking a cluster's istiod what it makes of resources, in a namespace and on a port of their own.

The gateway is the real one. It gets one more port, which no Service leads to, so what runs in the
cluster is not touched.
"""

import contextlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests import plain_http
from tests.cluster.system import forwarded
from tests.data_planes import Json
from tests.generated_mesh import virtual_service

NAMESPACE = f"meshsplit-differential-{os.getpid()}"
PORT = 15801
SERVICES = ("ingest", "bridge", "recorder", "reporter", "dashboard", "shadow")
KINDS = ("Gateway", "VirtualService", "DestinationRule")
MARK = "mark.internal"
_ADMIN = 15000
_WITHIN_S = 60.0


def run(*command: str, text: str | None = None) -> str:
    """Run a program to its end; a failure carries what it said."""
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"
    return done.stdout


def dump_of_the_gateway() -> Json:
    """Return the ingress gateway's whole configuration."""
    words = ("-n", "istio-system", "exec", "deploy/istio-ingressgateway", "-c", "istio-proxy", "--")
    dump: Json = json.loads(run("kubectl", *words, "pilot-agent", "request", "GET", "config_dump"))
    return dump


def istio_version() -> str:
    """Return the version of the cluster's istiod."""
    image = run(
        *("kubectl", "-n", "istio-system", "get", "deploy", "istiod"),
        *("-o", "jsonpath={.spec.template.spec.containers[0].image}"),
    )
    return image.strip().rpartition(":")[2]


def rendered(folder: Path) -> list[Json]:
    """Return what kubectl makes of a kustomization: the kinds that a data plane is made from."""
    documents = yaml.safe_load_all(run("kubectl", "kustomize", str(folder)))
    return [document for document in documents if document["kind"] in KINDS]


def on_port(resources: list[Json], port: int) -> list[Json]:
    """Move the Gateway among the resources to a port."""
    for resource in resources:
        if resource["kind"] == "Gateway":
            resource["spec"]["servers"][0]["port"]["number"] = port
    return resources


class Denied(Exception):  # noqa: N818 - it reads as what happened to the resources
    """Istio's own validation refuses the resources."""


@dataclass
class ControlPlane:
    """A namespace of its own at an istiod, and the gateway that it configures."""

    dump: Callable[[], Json]
    """Returns the gateway's whole configuration."""
    _generation: int = 0

    def translated(self, resources: list[Json]) -> tuple[Json, list[Json]]:
        """Return the routes and clusters that the gateway gets for these resources.

        Raises:
            Denied: Istio refuses them.
        """
        self._generation += 1
        mark = f"{time.time():.0f}-{self._generation}"
        answer = {"status": 200, "body": {"string": mark}}
        marked = virtual_service("mark", [MARK], [{"name": "mark", "directResponse": answer}])
        self._replace(on_port([*resources, marked], PORT))
        until = time.monotonic() + _WITHIN_S
        while time.monotonic() < until:
            routes, clusters = routes_and_clusters(self.dump())
            if mark in json.dumps(routes):
                hosts = routes["virtual_hosts"]
                routes["virtual_hosts"] = [host for host in hosts if MARK not in host["domains"]]
                ours = f".{NAMESPACE}.svc.cluster.local"  # other namespaces have the same names
                return routes, [cluster for cluster in clusters if cluster["name"].endswith(ours)]
            time.sleep(0.1)
        raise TimeoutError(f"the gateway did not get the resources within {_WITHIN_S} s")

    def _replace(self, resources: list[Json]) -> None:
        """Make these the namespace's resources of those kinds, and no others."""
        text = yaml.safe_dump_all(resources)
        plural = ",".join(f"{kind.lower()}s.networking.istio.io" for kind in KINDS)
        names = {(resource["kind"], resource["metadata"]["name"]) for resource in resources}
        there = json.loads(run("kubectl", "-n", NAMESPACE, "get", plural, "-o", "json"))["items"]
        for item in there:
            kind, name = item["kind"], item["metadata"]["name"]
            if (kind, name) not in names:
                run("kubectl", "-n", NAMESPACE, "delete", f"{kind}.networking.istio.io", name)
        try:
            run("kubectl", "-n", NAMESPACE, "apply", "-f", "-", text=text)
        except AssertionError as error:
            reason = str(error).partition('"validation.istio.io" denied the request: ')[2]
            if not reason:
                raise
            raise Denied(reason) from None


def routes_and_clusters(dump: Json, port: int = PORT) -> tuple[Json, list[Json]]:
    """Pick from a gateway's dump the routes of a port, and all clusters."""
    routes: Json = {"virtual_hosts": []}
    clusters: list[Json] = []
    for part in dump["configs"]:
        for entry in part.get("dynamic_route_configs", []):
            if entry.get("route_config", {}).get("name") == f"http.{port}":
                routes = entry["route_config"]
        for key in ("dynamic_active_clusters", "dynamic_warming_clusters"):
            clusters += [entry["cluster"] for entry in part.get(key, [])]
    return routes, clusters


def managers(dump: Json) -> list[Json]:
    """Pick from a gateway's dump the connection managers of its HTTP routes."""
    return [
        found["typed_config"]
        for part in dump["configs"]
        for entry in part.get("dynamic_listeners", [])
        for chain in entry.get("active_state", {}).get("listener", {}).get("filter_chains", [])
        for found in chain["filters"]
        if "rds" in found.get("typed_config", {})
    ]


@contextlib.contextmanager
def control_plane() -> Iterator[ControlPlane]:
    """Make the namespace with the Services, and take it away again."""
    service: dict[str, Any] = {"ports": [{"name": "http", "port": 8000}], "selector": {"no": "pod"}}
    resources: list[Json] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    ]
    resources += [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": service,
        }
        for name in SERVICES
    ]
    run("kubectl", "apply", "-f", "-", text=yaml.safe_dump_all(resources))
    try:
        with forwarded("istio-ingressgateway", _ADMIN) as port:
            url = f"http://127.0.0.1:{port}/config_dump"  # a program in the pod takes longer to ask
            yield ControlPlane(lambda: plain_http.get(url, timeout=20).raise_for_status().json())
    finally:
        # The Gateway at once: whoever comes next opens the same port.
        run("kubectl", "-n", NAMESPACE, "delete", "gateways.networking.istio.io", "--all")
        run("kubectl", "delete", "namespace", NAMESPACE, "--wait=false")


def written(folder: Path, resources: list[Json]) -> Path:
    """Write resources as a mesh folder for the local translator."""
    (folder / "routes").mkdir(parents=True, exist_ok=True)
    (folder / "routes" / "all.yaml").write_text(yaml.safe_dump_all(resources))
    return folder


def mesh_of(resources: list[Json]) -> contextlib.AbstractContextManager[Path]:
    """A folder for a while with these resources."""

    @contextlib.contextmanager
    def made() -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as folder:
            yield written(Path(folder), resources)

    return made()
