"""Translating a mesh here, and naming what istiod has made of it otherwise."""

from pathlib import Path

from meshsplit.translator.bootstrap import Layout
from meshsplit.translator.endpoints import Endpoints
from meshsplit.translator.translation import Local, Translation, translate
from tests.data_planes import Json, differences, normal_clusters, normal_routes, operations

HOSTS = ("ingest", "bridge", "recorder", "reporter", "dashboard", "shadow", "otel-collector:4317")
_LOCAL = Local(("127.0.0.1", 8080), Layout(Path("/state/envoy")))
_ENDPOINTS = Endpoints(dict.fromkeys(HOSTS, "127.0.0.1:1"))


def translated(mesh: Path) -> Translation:
    """Translate a mesh as it stands."""
    return translate(mesh, _ENDPOINTS, _LOCAL)


def translated_on(mesh: Path, port: int) -> Translation:
    """Translate a mesh whose Gateway is moved to a port."""
    gateway = mesh / "gateway" / "gateway.yaml"
    gateway.write_text(gateway.read_text().replace("number: 80\n", f"number: {port}\n"))
    return translate(mesh, _ENDPOINTS, _LOCAL)


def found_differences(made: Translation, istiod: tuple[Json, list[Json]]) -> list[str]:
    """Name the fields of routes and clusters that differ; the gateway has more clusters."""
    routes, clusters = istiod
    here, there = normal_clusters(made.clusters), normal_clusters(clusters)
    known = {name: there[name] for name in here if name in there}
    return [
        *differences(normal_routes(made.routes[0]), normal_routes(routes), "routes"),
        *differences(here, known, "clusters"),
        *differences(operations(made.routes[0]), operations(routes), "operations"),
    ]
