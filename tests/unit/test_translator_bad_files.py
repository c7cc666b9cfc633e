"""Whatever stands in a mesh's files, it is translated or refused by name; nothing else happens."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshsplit.split.weights import SplitError, asked_split, parse_split
from meshsplit.translator.bootstrap import Layout
from meshsplit.translator.endpoints import Endpoints
from meshsplit.translator.refusal import Refused
from meshsplit.translator.translation import Local, translate

MESH = Path(__file__).resolve().parents[2] / "mesh"
LOCAL = Local(("127.0.0.1", 8080), Layout(Path("/state/envoy")))
HOSTS = ("ingest", "bridge", "recorder", "reporter", "dashboard", "shadow", "otel-collector:4317")
ENDPOINTS = Endpoints(dict.fromkeys(HOSTS, "127.0.0.1:1"))
RECORDS = "routes/records.yaml"
FILES = sorted(
    path.relative_to(MESH).as_posix()
    for folder in ("gateway", "routes", "destinations", "telemetry")
    for path in (MESH / folder).rglob("*.yaml")
    if path.name != "kustomization.yaml"
)
VALUES = {
    "a number with no digits": "0x_",
    "a tag that the value isn't": "!!int abc",
    "an empty number": '!!int ""',
    "a truth that isn't one": "!!bool maybe",
    "more digits than a number has": "9" * 5000,
    "lists in lists without end": "[" * 3000,
    "a tag nobody knows": "!strange x",
}


@pytest.fixture
def mesh(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MESH, tmp_path / "mesh"))


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_value_that_is_not_what_it_says_is_refused_at_its_line(mesh: Path, value: str) -> None:
    path = mesh / RECORDS
    path.write_text(path.read_text().replace("timeout: 15s", f"timeout: {value}", 1))

    with pytest.raises(Refused) as caught:
        translate(mesh, ENDPOINTS, LOCAL)
    assert caught.value.refusals[0].file == RECORDS
    assert "line" in caught.value.refusals[0].path or "deep" in caught.value.refusals[0].message
    with pytest.raises(SplitError, match=RECORDS):
        asked_split(mesh)
    with suppress(SplitError):  # it may read what the value isn't needed for
        parse_split(path.read_text(), RECORDS)


def test_a_date_is_text_as_it_is_to_the_api_server(mesh: Path) -> None:
    path = mesh / RECORDS
    path.write_text(path.read_text().replace("timeout: 15s", "timeout: 2024-13-45", 1))

    with pytest.raises(Refused) as caught:
        translate(mesh, ENDPOINTS, LOCAL)
    assert "duration" in caught.value.refusals[0].message


def test_links_in_a_circle_are_refused(mesh: Path) -> None:
    (mesh / "routes" / "circle.yaml").symlink_to("circle.yaml")
    kustomization = mesh / "kustomization.yaml"
    text = kustomization.read_text()
    kustomization.write_text(text.replace("resources:", "resources:\n  - routes/circle.yaml", 1))

    with pytest.raises(Refused) as caught:
        translate(mesh, ENDPOINTS, LOCAL)
    assert any("circle.yaml" in str(refusal) for refusal in caught.value.refusals)


def places(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    entries = enumerate(content) if isinstance(content, list) else ()
    for key, value in content.items() if isinstance(content, dict) else entries:
        yield from places(value, (*path, key))


def put(content: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    content[path[0]] = put(content[path[0]], path[1:], value)
    return content


PLACES = [
    (file, number, path)
    for file in FILES
    for number, document in enumerate(yaml.safe_load_all((MESH / file).read_text()))
    for path in places(document)
]
STRANGE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["*", "/", "15s", "-1s", "1h9999999999s", "fastapi", "0.0.0.0:99999"]),
    st.recursive(
        st.none() | st.integers(-1, 1) | st.just("x"),
        lambda inner: (
            st.lists(inner, max_size=2) | st.dictionaries(st.just("name"), inner, max_size=1)
        ),
        max_leaves=4,
    ),
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(place=st.sampled_from(PLACES), value=STRANGE)
def test_any_value_anywhere_is_translated_or_refused(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[str, int, Any], value: Any
) -> None:
    file, number, path = place
    mesh = Path(shutil.copytree(MESH, tmp_path_factory.mktemp("any") / "mesh"))
    documents = list(yaml.safe_load_all((mesh / file).read_text()))
    documents[number] = put(documents[number], path, value)
    (mesh / file).write_text(yaml.safe_dump_all(documents, allow_unicode=True))

    with suppress(Refused):
        translate(mesh, ENDPOINTS, LOCAL)
    with suppress(SplitError):
        asked_split(mesh)
    shutil.rmtree(mesh)
