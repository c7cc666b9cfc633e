"""One configuration, two data planes: what istiod gives the real gateway, and what is made here.

This is the gate for a new version of Istio.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.cluster.control_plane import PORT as ISTIOD_S
from tests.cluster.control_plane import ControlPlane, control_plane, mesh_of, on_port, rendered
from tests.comparing import found_differences
from tests.data_planes import Json
from tests.generated_mesh import rules, services
from tests.mesh_folder import MESH, components, mesh_with


@pytest.fixture(scope="module")
def istiod() -> Iterator[ControlPlane]:
    with control_plane() as plane:
        yield plane


@pytest.fixture(scope="module")
def base() -> list[Json]:
    """The Gateway and the DestinationRules of the project."""
    return [resource for resource in rendered(MESH) if resource["kind"] != "VirtualService"]


@pytest.mark.parametrize("names", [(), *((name,) for name in components())], ids=str)
def test_a_component_is_the_same_to_istiod_and_to_the_local_gateway(
    istiod: ControlPlane, tmp_path: Path, names: tuple[str, ...]
) -> None:
    mesh = mesh_with(tmp_path, *names)
    found = istiod.translated(rendered(mesh))
    gateway = mesh / "gateway" / "gateway.yaml"
    gateway.write_text(gateway.read_text().replace("number: 80\n", f"number: {ISTIOD_S}\n"))
    assert found_differences(mesh, found) == []


@settings(
    max_examples=20,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),  # shrinking asks the cluster hundreds of times
    suppress_health_check=list(HealthCheck),
)
@given(made=services(rules()))
def test_generated_services_are_the_same_to_istiod_and_to_the_local_gateway(
    istiod: ControlPlane, base: list[Json], made: list[Json]
) -> None:
    resources = on_port([*base, *made], ISTIOD_S)
    found = istiod.translated(resources)
    with mesh_of(resources) as mesh:
        assert found_differences(mesh, found) == [], made
