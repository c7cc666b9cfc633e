"""Translating a mesh for a test: the project's own, or with one more rule."""

import shutil
from pathlib import Path
from typing import Any

import yaml

from meshsplit.translator.bootstrap import Layout
from meshsplit.translator.endpoints import Endpoints
from meshsplit.translator.translation import Local, Translation, translate

ROOT = Path(__file__).resolve().parents[1]
ENDPOINTS = Endpoints(
    {
        "ingest": "127.0.0.1:8001",
        "bridge:8000": "127.0.0.1:8002",
        "reporter": "127.0.0.1:8004",
        "dashboard": "127.0.0.1:8005",
        "recorder:50051": "127.0.0.1:50051",
        "otel-collector:4317": "127.0.0.1:4317",
    }
)
LOCAL = Local(("127.0.0.1", 8080), Layout(Path("/state/envoy")), "this-run")


def translated(mesh: Path = ROOT / "mesh") -> Translation:
    return translate(mesh, ENDPOINTS, LOCAL)


def rule(tmp_path: Path, **http: Any) -> list[dict[str, Any]]:
    """Translate the project's mesh with one more VirtualService of one rule; returns its routes."""
    mesh = tmp_path / "mesh"
    shutil.copytree(ROOT / "mesh", mesh)
    resource = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "tried"},
        "spec": {"hosts": ["tried.test"], "gateways": ["meshsplit"], "http": [http]},
    }
    (mesh / "kustomization.yaml").unlink()  # then every file counts
    (mesh / "routes" / "tried.yaml").write_text(yaml.safe_dump(resource))
    (configuration,) = translated(mesh).routes
    host = next(vh for vh in configuration["virtual_hosts"] if vh["name"] == "tried.test:80")
    routes: list[dict[str, Any]] = host["routes"]
    return routes


TO_INGEST = [{"destination": {"host": "ingest"}}]
