from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshsplit.split.changing import check_ownership
from meshsplit.split.weights import (
    Split,
    SplitError,
    asked_split,
    find_split,
    parse_split,
    read_split,
    with_weights,
    write_split,
)
from tests.mesh_folder import mesh_with, use

MESH = Path(__file__).resolve().parents[2] / "mesh"
TEXT = (MESH / "routes" / "records.yaml").read_text()
ANNOTATED = "      - {name: grpc,"
SENT = "            host: bridge"
THIRD = TEXT.replace(
    ANNOTATED, f'      - {{name: third, host: third, color: "#000"}}\n{ANNOTATED}'
).replace(SENT, f"            host: third\n          weight: 7\n        - destination:\n{SENT}")


def test_the_split_is_found_by_its_annotation_and_read() -> None:
    split = read_split(find_split(MESH))
    assert (split.service, split.rule) == ("records", "split")
    assert [(arm.name, arm.host) for arm in split.arms] == [
        ("fastapi", "ingest"),
        ("grpc", "bridge"),
    ]
    assert sum(split.percent.values()) == 100


def test_components_change_what_is_asked_and_what_is_counted(tmp_path: Path) -> None:
    assert asked_split(MESH) == read_split(find_split(MESH))
    mesh = mesh_with(tmp_path, "components/splits/90-10", "components/sticky")
    asked = asked_split(mesh)
    assert asked.weights == {"fastapi": 90, "grpc": 10}
    assert (asked.rule, asked.counts) == ("split", "users")


@pytest.mark.parametrize("name", ["50-50", "90-10"])
def test_weights_that_a_component_owns_are_not_for_the_file_to_change(
    tmp_path: Path, name: str
) -> None:
    mesh = mesh_with(tmp_path, f"components/splits/{name}")
    path = find_split(mesh)
    with pytest.raises(SplitError, match="owns the weights"):
        check_ownership(mesh, path, with_weights(TEXT, {"fastapi": 30, "grpc": 70}, "x"))
    use(mesh, "components/mirror")
    check_ownership(mesh, path, with_weights(TEXT, {"fastapi": 30, "grpc": 70}, "x"))


@given(st.integers(0, 100))
def test_changed_weights_read_back_and_nothing_else_changes(first: int) -> None:
    weights = {"fastapi": first, "grpc": 100 - first}
    changed = with_weights(TEXT, weights, "records.yaml")
    assert parse_split(changed, "records.yaml").weights == weights
    differing = [
        new for old, new in zip(TEXT.splitlines(), changed.splitlines(), strict=True) if old != new
    ]
    assert all(line.strip().startswith("weight: ") for line in differing)


def test_a_third_arm_needs_no_code() -> None:
    weights = {"fastapi": 50, "third": 25, "grpc": 25}
    assert parse_split(with_weights(THIRD, weights, "x"), "x").weights == weights


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"fastapi": 90, "grpc": 20}, "add up to 110"),
        ({"fastapi": 100}, "missing: grpc"),
        ({"fastapi": 50, "grpc": 40, "rust": 10}, "no arm is called rust"),
        ({"fastapi": 101, "grpc": -1}, "0 or more"),
    ],
)
def test_weights_that_make_no_sense_are_refused_by_name(
    weights: dict[str, int], message: str
) -> None:
    with pytest.raises(SplitError, match=message):
        with_weights(TEXT, weights, "records.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: [",
        TEXT.replace("weight: 50", "weight: 0"),
        TEXT.replace("weight: 50", "weight: half"),
        TEXT.replace("meshsplit.dev/arms", "meshsplit.dev/legs"),
        TEXT.replace("host: ingest, color", "hots: ingest, color"),
    ],
)
def test_a_file_without_a_split_says_so_with_its_name(text: str) -> None:
    with pytest.raises(SplitError, match=r"records\.yaml"):
        parse_split(text, "records.yaml")


def test_writing_keeps_the_mode_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "records.yaml"
    path.write_text("old")
    path.chmod(0o640)
    write_split(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_percentages_are_shares_of_whatever_the_weights_add_up_to() -> None:
    split: Split = parse_split(TEXT.replace("weight: 50", "weight: 3", 1), "x")
    assert split.percent["fastapi"] == pytest.approx(100 * 3 / 53)
