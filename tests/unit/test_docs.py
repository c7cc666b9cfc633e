"""The documents say everything that is there, and nothing that isn't."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import typer
from pydantic_core import PydanticUndefined

from meshsplit.cli import app
from meshsplit.local.settings import OWN, default_ports, port_setting
from observability.queries import QUERIES
from services.core.settings import PREFIX, BaseServiceSettings
from services.reporter.app import Reporter
from services.reporter.settings import ReporterSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
OPERATIONS = (ROOT / "docs/operations.md").read_text()
README = (ROOT / "README.md").read_text()
ALL_TEXT = "\n".join(path.read_text() for path in DOCUMENTS)


def own_sources() -> Iterator[Path]:
    for folder in ("services", "meshsplit"):
        for path in (ROOT / folder).rglob("*.py"):
            if not {"node_modules", "stubs"} & set(path.parts):
                yield path


async def routes_in_code() -> set[str]:
    """The reporter's routes, health and metrics among them, as its own OpenAPI tells them."""
    reporter = Reporter(
        ReporterSettings(
            port=1, mysql_url="mysql://a:b@127.0.0.1:1/grades", redis_url="redis://127.0.0.1:1/0"
        )
    )

    async def as_uvicorn_calls_it(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await reporter.application({**scope, "state": {}}, receive, send)

    transport = httpx.ASGITransport(app=as_uvicorn_calls_it)  # type: ignore[arg-type]  # looser
    async with httpx.AsyncClient(transport=transport, base_url="http://reporter") as client:
        described = (await client.get("/api/v1/openapi.json")).json()
    await reporter.stop(1)
    return set(described["paths"])


def service_settings() -> dict[str, set[object]]:
    """Each setting's name and its defaults, over all services."""
    found: dict[str, set[object]] = {}
    for path in sorted((ROOT / "services").glob("*/settings.py")):
        module = importlib.import_module(f"services.{path.parent.name}.settings")
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, BaseServiceSettings):
                for name, field in kind.model_fields.items():
                    found.setdefault(f"{PREFIX}{name.upper()}", set()).add(field.default)
    return found


def local_settings() -> set[str]:
    load = re.findall(r'number\("([A-Z]+)"', (ROOT / "meshsplit/local/traffic.py").read_text())
    return {
        *(f"{PREFIX}{name}" for name in OWN),
        *map(port_setting, default_ports()),
        *(f"{PREFIX}LOAD_{name}" for name in load),
    }


def documented_settings() -> dict[str, str]:
    rows = re.findall(r"^\| `(MESHSPLIT_[A-Z_]+)` \| (.*?) \|", OPERATIONS, re.MULTILINE)
    assert rows
    return dict(rows)


def test_every_setting_is_documented() -> None:
    assert {*service_settings(), *local_settings()} - documented_settings().keys() == set()


def test_every_documented_setting_exists() -> None:
    assert documented_settings().keys() - {*service_settings(), *local_settings()} == set()


def test_the_documented_defaults_are_the_codes() -> None:
    documented = documented_settings()
    for name, port in default_ports().items():
        assert documented[port_setting(name)] == f"`{port}`"
    for name, defaults in service_settings().items():
        for default in defaults - {PydanticUndefined}:
            if isinstance(default, (int, float)):
                assert f"`{default:g}`" in documented[name], name
            elif isinstance(default, (str, Path)):
                assert f"`{default}`" in documented[name], name


async def test_every_route_is_documented() -> None:
    assert {route for route in await routes_in_code() if route not in README} == set()


async def test_every_documented_api_route_exists() -> None:
    documented = set(re.findall(r"(/api/v1/[^?`>]*)", README)) - {"/api/v1/docs"}
    assert "/api/v1/records/count" in documented
    assert documented - await routes_in_code() == set()


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_every_make_target_that_a_document_names_exists() -> None:
    named = set(re.findall(r"[`\s]make ([a-z-]+)[`;\s]", "\n".join(code_in(ALL_TEXT))))
    named |= set(re.findall(r"`make ([a-z-]+)`", ALL_TEXT))
    assert {"up", "down", "test", "load"} <= named
    assert named - make_targets() == set()


def test_every_make_target_is_in_a_document() -> None:
    assert {target for target in make_targets() if f"make {target}" not in ALL_TEXT} == set()


def test_the_targets_a_newcomer_needs_are_in_the_readme() -> None:
    for target in ("up", "down", "reset", "load", "test", "check", "help"):
        assert f"make {target}" in README
        assert target in make_targets()


def code_in(text: str) -> list[str]:
    return [" " + block + " " for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]


def test_every_subcommand_that_a_document_names_exists() -> None:
    known = set(typer.main.get_group(app).commands)
    named = set(re.findall(r"meshsplit ([a-z]+)", "\n".join([*code_in(ALL_TEXT), *quoted()])))
    assert "split" in named
    assert named - known == set()


def quoted() -> list[str]:
    return re.findall(r"`([^`\n]+)`", ALL_TEXT)


def test_every_path_that_a_document_names_exists() -> None:
    tops = {"services", "meshsplit", "mesh", "proto", "loadtest", "observability", "tests", "docs"}
    named = {
        words[0].rstrip("/")
        for text in quoted()
        if (words := text.split()) and words[0].partition("/")[0] in tops and "/" in words[0]
    }
    missing = {
        path for path in named if "*" not in path and "…" not in path and not (ROOT / path).exists()
    }
    assert missing - {"services/dashboard/dist"} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), target


def metrics_in_code() -> set[str]:
    """The names in the code; who makes a metric leaves its endings to prometheus-client."""
    found = set()
    for path in own_sources():
        found |= set(re.findall(r'"(meshsplit_[a-z_]+?)(?:_total|_bucket)?"', path.read_text()))
    return found


def documented_metrics() -> set[str]:
    return set(re.findall(r"^\| `(meshsplit_[a-z_]+)` \|", OPERATIONS, re.MULTILINE))


def test_every_metric_is_documented_and_every_documented_one_exists() -> None:
    documented = {name.removesuffix("_total") for name in documented_metrics()}
    assert metrics_in_code() == documented


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_asks_for_documented_metrics_only(name: str) -> None:
    asked = set(re.findall(r"meshsplit_[a-z_]+", QUERIES[name].promql))
    bases = {re.sub(r"_(bucket|sum|count)$", "", metric) for metric in asked}
    assert bases <= documented_metrics()
    assert "{window}" not in QUERIES[name].over("1m")


def test_the_notice_names_what_the_requirements_and_the_page_bring() -> None:
    wanted = set()
    for file in ("runtime", "local"):
        text = (ROOT / f"requirements/{file}.txt").read_text()
        wanted |= set(re.findall(r"^([a-z0-9][a-z0-9-]*)==", text, re.MULTILINE))
    lock = json.loads((ROOT / "services/dashboard/package-lock.json").read_text())
    for place, package in lock["packages"].items():
        if place and not (package.get("dev") or package.get("devOptional") or "@types" in place):
            wanted.add(place.rpartition("node_modules/")[2])
    notice = (ROOT / "NOTICE").read_text().partition("In the built dashboard\n====")[2]
    assert set(re.findall(r"^  (\S+)$", notice, re.MULTILINE)) == wanted
