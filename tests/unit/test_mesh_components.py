"""The mesh's components, and the part of kustomize that the local gateway reads them by."""

from pathlib import Path
from typing import Any

import pytest

from meshsplit.translator.bootstrap import Layout
from meshsplit.translator.documents import FOR_A_CLUSTER, passed_by, read_resources
from meshsplit.translator.endpoints import Endpoints
from meshsplit.translator.patches import PatchError, apply_patch
from meshsplit.translator.refusal import Refusal, Refused
from meshsplit.translator.translation import Local, Translation, translate
from tests.mesh_folder import MESH, components, in_the_file_s_order, mesh_with, use

LOCAL = Local(("127.0.0.1", 8080), Layout(Path("/state/envoy")))
HOSTS = ("ingest", "bridge", "recorder", "reporter", "dashboard", "shadow", "otel-collector:4317")
ENDPOINTS = Endpoints(dict.fromkeys(HOSTS, "127.0.0.1:1"))
INGEST, BRIDGE = "outbound|8000||ingest", "outbound|8000||bridge"


def translated(mesh: Path) -> Translation:
    return translate(mesh, ENDPOINTS, LOCAL)


def routes(mesh: Path) -> dict[str, dict[str, Any]]:
    """The routes for everyone by name, in their order."""
    (configuration,) = translated(mesh).routes
    everyone = next(host for host in configuration["virtual_hosts"] if host["domains"] == ["*"])
    return {route["name"]: route for route in everyone["routes"]}


def refusals(mesh: Path) -> list[Refusal]:
    with pytest.raises(Refused) as caught:
        translated(mesh)
    return caught.value.refusals


@pytest.mark.parametrize("name", components())
def test_each_component_alone_changes_what_the_gateway_does(tmp_path: Path, name: str) -> None:
    changed = translated(mesh_with(tmp_path, name))
    assert (changed.routes == translated(MESH).routes) == (name == "components/splits/50-50")


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("50-50", {INGEST: 50, BRIDGE: 50}),
        ("90-10", {INGEST: 90, BRIDGE: 10}),
        ("all-fastapi", {INGEST: 100}),
        ("all-grpc", {BRIDGE: 100}),
    ],
)
def test_a_split_is_what_its_name_says(tmp_path: Path, name: str, weights: dict[str, int]) -> None:
    split = routes(mesh_with(tmp_path, f"components/splits/{name}"))["split"]
    clusters = split["route"]["weighted_clusters"]["clusters"]
    assert {cluster["name"]: cluster["weight"] for cluster in clusters} == weights


def test_all_of_them_go_together_in_the_order_that_the_file_shows(tmp_path: Path) -> None:
    shown = in_the_file_s_order()
    assert sorted(shown) == components()
    one_split = [name for name in shown if "/splits/" not in name or name.endswith("/90-10")]
    names = list(routes(mesh_with(tmp_path, *one_split)))
    assert [name for name in names if name not in ("slash", "page", "live", "api")] == [
        "x-arm",
        "stays-with-fastapi",
        "stays-with-grpc",
        "browser",
        "split",
        "pinned",
    ]


def test_a_component_in_the_wrong_order_is_refused_and_changes_no_other_rule(
    tmp_path: Path,
) -> None:
    mesh = mesh_with(tmp_path, "components/pinning", "components/splits/90-10")
    (refusal,) = refusals(mesh)
    assert refusal.file == "components/splits/90-10/kustomization.yaml"
    assert "components that put a rule first come last" in refusal.message


def test_what_matches_first_uses_counters_of_its_own(tmp_path: Path) -> None:
    found = routes(mesh_with(tmp_path, "components/sticky", "components/pinning"))
    for name in ("x-arm", "stays-with-fastapi", "stays-with-grpc"):
        assert found[name]["route"]["cluster"].startswith("outbound|8000|direct|")
        assert "retry_policy" not in found[name]["route"]


def test_no_rule_for_records_retries(tmp_path: Path) -> None:
    names = [name for name in components() if "/splits/" not in name and "/abort" not in name]
    for name in names:
        found = routes(mesh_with(tmp_path / name.replace("/", "-"), name))
        for route in found.values():
            if route["match"].get("path") == "/" and "route" in route:
                assert "retry_policy" not in route["route"]


def test_what_is_for_a_cluster_only_is_passed_by_with_a_reason() -> None:
    problems: list[Refusal] = []
    passed = [found for found in read_resources(MESH, problems) if passed_by(found)]
    assert problems == []
    kinds = {found.content["kind"] for found in passed}
    assert kinds == {*FOR_A_CLUSTER, "VirtualService", "Telemetry"}
    assert all(found.file.startswith(("policies/", "sidecars/")) for found in passed)


def write(mesh: Path, text: str) -> Path:
    (mesh / "kustomization.yaml").write_text(text)
    return mesh


RESOURCES = "resources: [gateway/gateway.yaml, routes/dashboard.yaml, routes/records.yaml, \
routes/reporter.yaml, destinations/bridge.yaml, destinations/dashboard.yaml, \
destinations/ingest.yaml, destinations/reporter.yaml]\n"
PATCH = "patches:\n  - target: {kind: VirtualService, name: records}\n    patch: |-\n      "
CASES = [
    ("namePrefix: x-\n", "namePrefix", "not known"),
    ("components: [components/none]\n", "components[0]", "there is no"),
    ("components: [../mesh2]\n", "components[0]", "outside"),
    ("components: [policies]\n", "kind", "expected Component"),
    ("resources: [https://example.org/mesh]\n", "resources[0]", "outside"),
    (PATCH + "metadata: {name: x}\n", "patches[0]", "only JSON patches"),
    (PATCH + "- {op: move, path: /spec}\n", "patches[0]", "expected op"),
    (PATCH + "- {op: remove, path: /spec/none}\n", "patches[0]", "there is no /spec/none"),
    (PATCH.replace("records", "none") + "- {op: remove, path: /spec}\n", "patches[0].target", "no"),
]


@pytest.mark.parametrize("case", CASES)
def test_what_of_kustomize_is_not_known_is_refused_by_file_and_path(
    tmp_path: Path, case: tuple[str, str, str]
) -> None:
    text, path, message = case
    mesh = mesh_with(tmp_path)
    write(mesh, text if text.startswith("resources") else RESOURCES + text)
    found = {refusal.path: refusal for refusal in refusals(mesh)}
    assert message in found[path].message


def test_a_file_that_no_cluster_would_get_is_refused(tmp_path: Path) -> None:
    mesh = mesh_with(tmp_path)
    (mesh / "routes" / "more.yaml").write_text((mesh / "routes" / "reporter.yaml").read_text())
    (refusal,) = refusals(mesh)
    assert (refusal.file, "doesn't list it" in refusal.message) == ("routes/more.yaml", True)


@pytest.mark.parametrize("text", ["resources: [", "", "- 1", "\x00"])
def test_a_kustomization_that_is_none_is_the_one_thing_refused(tmp_path: Path, text: str) -> None:
    assert {refusal.file for refusal in refusals(write(mesh_with(tmp_path), text))} == {
        "kustomization.yaml"
    }


def test_a_patch_s_file_that_can_not_be_read_is_refused(tmp_path: Path) -> None:
    target = "patches:\n  - target: {kind: VirtualService, name: records}\n"
    mesh = write(mesh_with(tmp_path), RESOURCES + target + "    path: routes\n")
    assert any("can't be read" in refusal.message for refusal in refusals(mesh))


def test_a_mesh_that_asks_for_itself_is_refused(tmp_path: Path) -> None:
    mesh = mesh_with(tmp_path)
    use(mesh, ".")
    assert any("asks for itself" in refusal.message for refusal in refusals(mesh))


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        ({"op": "add", "path": "/list/0", "value": 0}, {"list": [0, 1, 2], "a/b": {"~": 1}}),
        ({"op": "add", "path": "/list/-", "value": 3}, {"list": [1, 2, 3], "a/b": {"~": 1}}),
        ({"op": "replace", "path": "/list/1", "value": 9}, {"list": [1, 9], "a/b": {"~": 1}}),
        ({"op": "remove", "path": "/a~1b/~0"}, {"list": [1, 2], "a/b": {}}),
        ({"op": "test", "path": "/a~1b", "value": {"~": 1}}, {"list": [1, 2], "a/b": {"~": 1}}),
    ],
)
def test_a_patch_does_what_rfc_6902_says(operation: dict[str, Any], result: Any) -> None:
    before = {"list": [1, 2], "a/b": {"~": 1}}
    assert apply_patch(before, [operation]) == result
    assert before == {"list": [1, 2], "a/b": {"~": 1}}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/list/4", "value": 0},
        {"op": "add", "path": "/none/at/all", "value": 0},
        {"op": "replace", "path": "/list/-", "value": 0},
        {"op": "add", "path": "/list/0"},
        {"op": "test", "path": "/list", "value": []},
        "add",
    ],
)
def test_a_patch_that_does_not_fit_is_an_error(operation: Any) -> None:
    with pytest.raises(PatchError, match="operation 0"):
        apply_patch({"list": [1, 2]}, [operation])


def test_a_mirror_to_an_arm_is_refused(tmp_path: Path) -> None:
    mesh = mesh_with(tmp_path, "components/mirror")
    component = mesh / "components" / "mirror" / "kustomization.yaml"
    component.write_text(component.read_text().replace("host: shadow", "host: bridge"))
    (refusal,) = refusals(mesh)
    assert refusal.path == "spec.http[1].mirrors[0].destination"
    assert "bridge stores what it gets" in refusal.message
