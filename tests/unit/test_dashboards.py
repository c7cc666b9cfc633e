"""Grafana's dashboards: not stale, made of named queries only, and whole."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from observability.dashboards.files import FOLDER, texts
from observability.dashboards.layout import COLUMNS, TAG
from observability.queries import QUERIES
from tests.dashboards import VARIABLE, boards, expressions, panels
from tests.unit.test_docs import ROOT, documented_metrics

if TYPE_CHECKING:
    from pathlib import Path

BOARDS = boards()
EACH = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
WINDOWS = ("$__rate_interval", "60s", "1m", "10m")
OURS = {
    asked
    for query in QUERIES.values()
    for window in WINDOWS
    for asked in (
        query.over(window),
        *(query.only(name, f"${name}", window) for name in ("arm", "job")),
    )
}


def test_the_files_are_those_that_the_code_makes() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert written == texts(), "stale: run `make dashboards`"


def test_making_them_twice_makes_the_same() -> None:
    assert texts() == texts()


def test_every_dashboard_that_was_asked_for_is_there() -> None:
    assert {*BOARDS} == {"overview", "split", "arms", "stores", "service", "runbook"}
    assert {board["uid"] for board in BOARDS.values()} == {f"{TAG}-{name}" for name in BOARDS}


def test_no_two_have_a_title_in_common() -> None:
    titles = [board["title"] for board in BOARDS.values()]
    assert len(set(titles)) == len(titles)


@EACH
def test_a_file_says_that_it_is_generated_and_from_what(board: dict[str, Any]) -> None:
    name = board["uid"].removeprefix(f"{TAG}-")
    assert "`make dashboards`" in board["description"]
    assert f"observability/dashboards/{name}.py" in board["description"]
    assert (ROOT / f"observability/dashboards/{name}.py").exists()
    assert board["editable"] is False


@EACH
def test_every_panel_has_a_title_a_description_and_a_unit(board: dict[str, Any]) -> None:
    for panel in panels(board):
        assert panel["title"].strip()
        assert len(panel["description"]) > 10, panel["title"]
        if panel["type"] != "text":
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
            assert panel["targets"], panel["title"]
            assert panel["datasource"]["uid"] == "prometheus", panel["title"]


@EACH
def test_every_expression_is_a_named_query(board: dict[str, Any]) -> None:
    assert {asked for asked in expressions(board) if asked not in OURS} == set()


@EACH
def test_every_label_of_a_legend_is_one_that_the_query_keeps(board: dict[str, Any]) -> None:
    for panel in panels(board):
        for target in panel.get("targets") or []:
            for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
                assert re.search(rf"by \([^)]*\b{label}\b", target["expr"]), panel["title"]


@EACH
def test_every_metric_of_ours_is_documented(board: dict[str, Any]) -> None:
    asked = set(re.findall(r"meshsplit_[a-z_]+", " ".join(expressions(board))))
    bases = {re.sub(r"_(bucket|sum|count)$", "", metric) for metric in asked}
    assert bases <= documented_metrics()


@EACH
def test_every_expression_parses(board: dict[str, Any], tmp_path: Path) -> None:
    plain = [
        VARIABLE.sub("x", asked.replace("$__rate_interval", "1m")) for asked in expressions(board)
    ]
    rules = [
        {"record": "asked", "expr": asked, "labels": {"n": f"{n}"}} for n, asked in enumerate(plain)
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run(
        ["promtool", "check", "rules", file],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@EACH
def test_no_two_panels_overlap_or_leave_the_grid(board: dict[str, Any]) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in panels(board):
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= COLUMNS, panel["title"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                other = taken.setdefault((x, y), panel["title"])
                assert other == panel["title"], f"{other} and {panel['title']} overlap"


@EACH
def test_no_two_panels_have_an_id_or_a_title_in_common(board: dict[str, Any]) -> None:
    for key in ("id", "title"):
        values = [panel[key] for panel in panels(board)]
        assert len(set(values)) == len(values)


@EACH
def test_every_variable_that_is_used_is_defined_and_the_other_way_round(
    board: dict[str, Any],
) -> None:
    used = {name for name in VARIABLE.findall(json.dumps(panels(board))) if name[:2] != "__"}
    defined = {variable["name"] for variable in board.get("templating", {}).get("list", [])}
    assert used == defined
    assert {panel["repeat"] for panel in panels(board) if panel.get("repeat")} <= defined


@EACH
def test_latencies_show_the_exemplars_that_lead_to_traces(board: dict[str, Any]) -> None:
    for panel in panels(board):
        if panel["type"] == "timeseries":
            asked = [target["expr"] for target in panel["targets"]]  # a proxy has no exemplars
            latency = [
                one for one in asked if "histogram_quantile" in one and "gateway:" not in one
            ]
            shown = [t["expr"] for t in panel["targets"] if t.get("exemplar")]
            assert bool(shown) == bool(latency), panel["title"]
            assert {*shown} <= {*latency}, panel["title"]


@EACH
def test_a_dashboard_links_to_the_others_and_to_the_page_and_marks_changed_weights(
    board: dict[str, Any],
) -> None:
    others, page = board["links"]
    assert (others["type"], others["tags"]) == ("dashboards", [TAG])
    assert TAG in board["tags"]
    assert page["url"].endswith("/dashboard/")
    (changes,) = board["annotations"]["list"]
    assert changes["name"] == "Weights changed"
    assert changes["enable"]


def test_no_dashboard_knows_an_arm_by_name() -> None:
    words = (ROOT / "docs" / "runbook.md").read_text()
    for name, text in texts().items():
        said = text if name != "runbook.json" else text.replace(json.dumps(words)[1:-1], "")
        assert not re.search(r"\b(fastapi|grpc)\b", said), name


def test_the_cluster_gets_every_file() -> None:
    listed = yaml.safe_load((FOLDER.parent / "kustomization.yaml").read_text())
    (files,) = (made["files"] for made in listed["configMapGenerator"])
    assert {*files} == {f"generated/{name}.json" for name in BOARDS}
