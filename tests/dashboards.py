"""What the tests of Grafana's dashboards read out of their files."""

import json
import re
from typing import Any

from observability.dashboards.files import FOLDER

VARIABLE = re.compile(r"\$\{?(\w+)")


def boards() -> dict[str, dict[str, Any]]:
    """Return every dashboard as it is in its file, by name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a dashboard's panels."""
    found: list[dict[str, Any]] = board["panels"]
    return found


def expressions(board: dict[str, Any]) -> list[str]:
    """Return all PromQL of a dashboard: of its panels, its annotations and its variables."""
    targets = [target["expr"] for panel in panels(board) for target in panel.get("targets") or []]
    changes = [
        asked["expr"]
        for annotation in board["annotations"]["list"]
        for asked in (annotation, annotation["target"])
    ]
    variables = [
        variable["query"].removeprefix("query_result(").removesuffix(")")
        for variable in board.get("templating", {}).get("list") or []
    ]
    return [*targets, *changes, *variables]
