"""One configuration, two data planes: what istiod gives the real gateway, and what is made here.

This is the gate for a new version of Istio.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings

from meshsplit.translator.documents import read_all
from meshsplit.translator.refusal import Refused
from meshsplit.translator.translation import Translation
from tests.cluster.control_plane import (
    PORT,
    ControlPlane,
    Denied,
    control_plane,
    dump_of_the_gateway,
    istio_version,
    managers,
    mesh_of,
    on_port,
    rendered,
    run,
)
from tests.cluster.record import normal
from tests.cluster.system import Cluster
from tests.comparing import found_differences, translated, translated_on
from tests.data_planes import Json, differences, normal_tracing, rates
from tests.generated_mesh import rules, services
from tests.generated_policies import destination_rules
from tests.mesh_folder import MESH, components, in_the_file_s_order, mesh_with
from tests.recorded import recorded

Made = TypeVar("Made")
BOUNDED = settings(
    max_examples=20,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),  # shrinking asks the cluster hundreds of times
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def istiod() -> Iterator[ControlPlane]:
    with control_plane() as plane:
        yield plane


@pytest.fixture(scope="module")
def base() -> list[Json]:
    """The Gateway and the DestinationRules of the project."""
    return [resource for resource in rendered(MESH) if resource["kind"] != "VirtualService"]


@pytest.mark.parametrize("name", ["", *components()])
def test_a_component_is_the_same_to_istiod_and_to_the_local_gateway(
    istiod: ControlPlane, tmp_path: Path, name: str
) -> None:
    mesh = mesh_with(tmp_path, *filter(None, [name]))
    found = istiod.translated(rendered(mesh))
    assert found_differences(translated_on(mesh, PORT), found) == []
    again = "`python -m tests.cluster.record` records it anew"
    assert normal(found) == recorded()["meshes"][name], again


@BOUNDED
@given(made=services(rules()))
def test_generated_services_are_the_same_to_istiod_and_to_the_local_gateway(
    istiod: ControlPlane, base: list[Json], made: list[Json]
) -> None:
    compare(istiod, on_port([*base, *made], PORT))


@BOUNDED
@given(rule=destination_rules())
def test_generated_destination_rules_are_the_same_to_istiod_and_to_the_local_gateway(
    istiod: ControlPlane, rule: Json
) -> None:
    rest = [found for found in rendered(MESH) if found["metadata"]["name"] != "ingest"]
    compare(istiod, on_port([*rest, rule], PORT))


def compare(istiod: ControlPlane, resources: list[Json]) -> None:
    """Hold what is made here to what istiod makes, or both to a refusal."""
    with mesh_of(resources) as mesh:
        here = outcome(lambda: translated(mesh))
        there = outcome(lambda: istiod.translated(resources))
        refused = isinstance(here, Refused), isinstance(there, Denied)
        assert refused in {(False, False), (True, True)}, (here, there, resources)
        if isinstance(here, Translation) and not isinstance(there, Exception):
            assert found_differences(here, there) == [], resources


def test_the_gateway_traces_as_the_local_one_does(cluster: Cluster) -> None:
    del cluster  # whose gateway it is, with the Telemetry of mesh/telemetry
    made = translated(MESH)
    (here,) = (found["typed_config"] for found in made.listeners[0]["filter_chains"][0]["filters"])
    there = managers(dump_of_the_gateway())
    assert there
    for manager in there:
        found = differences(normal_tracing(here), normal_tracing(manager), "tracing")
        assert list(found) == []
        assert rates(manager, {"virtual_hosts": []}) == rates(here, made.routes[0])


def test_what_was_recorded_is_of_the_cluster_s_istio() -> None:
    assert recorded()["istio"] == istio_version()


def test_the_local_gateway_reads_kustomizations_as_kubectl_does(tmp_path: Path) -> None:
    chosen = [name for name in in_the_file_s_order() if not name.endswith(("-grpc", "/abort"))]
    for names in ((), *((name,) for name in components()), chosen):
        mesh = mesh_with(tmp_path / "-".join(names).replace("/", "-")[:80], *names)
        theirs = yaml.safe_load_all(run("kubectl", "kustomize", str(mesh)))
        ours = [resource.content for resource in read_all(mesh)]
        assert by_name(ours) == by_name(theirs)


def outcome(make: Callable[[], Made]) -> Made | Refused | Denied:
    try:
        return make()
    except (Refused, Denied) as refusal:
        return refusal


def by_name(resources: Iterator[Json] | list[Json]) -> dict[tuple[str, str], Json]:
    return {(found["kind"], found["metadata"]["name"]): found for found in resources}
