"""The local translator against what istiod gave a real gateway for the same files."""

from pathlib import Path

import pytest
import yaml

from tests.comparing import translated_on
from tests.data_planes import Json, differences, normal_clusters, normal_routes
from tests.mesh_folder import components, mesh_with
from tests.recorded import recorded

RECORDED = recorded()


@pytest.mark.parametrize("name", ["", *components()])
def test_a_component_is_translated_as_istiod_did(tmp_path: Path, name: str) -> None:
    made = translated_on(mesh_with(tmp_path, *filter(None, [name])), RECORDED["port"])
    there = RECORDED["meshes"][name]
    here = normal_clusters(made.clusters)
    known = {cluster: there["clusters"][cluster] for cluster in here}
    assert list(differences(normal_routes(made.routes[0]), there["routes"], "routes")) == []
    assert list(differences(here, known, "clusters")) == []


@pytest.mark.parametrize("case", RECORDED["generated"], ids=lambda case: str(len(case["services"])))
def test_generated_services_are_translated_as_istiod_did(tmp_path: Path, case: Json) -> None:
    mesh = mesh_with(tmp_path)
    (mesh / "kustomization.yaml").unlink()
    for path in (mesh / "routes").iterdir():
        path.unlink()
    (mesh / "routes" / "made.yaml").write_text(yaml.safe_dump_all(case["services"]))
    made = translated_on(mesh, RECORDED["port"])
    assert list(differences(normal_routes(made.routes[0]), case["routes"], "routes")) == []


def test_every_component_is_recorded() -> None:
    assert set(RECORDED["meshes"]) == {"", *components()}
