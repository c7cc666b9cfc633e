"""The runbook, where whoever sees an alert is looking already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from observability.dashboards.layout import Row, board
from observability.dashboards.panels import page

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard

TEXT: Final = Path(__file__).parents[2] / "docs" / "runbook.md"


def build() -> dashboard.Dashboard:
    """Return the dashboard."""
    words = page("Runbook", TEXT.read_text(encoding="utf-8"), "docs/runbook.md, as it is here.")
    return board(
        "runbook", "Runbook", "What each alert means, and what to do.", [Row([words], height=30)]
    )
