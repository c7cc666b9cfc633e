"""The dashboards as the JSON files that Grafana reads: one source, one command, no noise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from observability.dashboards import arms, overview, runbook, service, split, stores

FOLDER: Final = Path(__file__).with_name("generated")
BOARDS: Final = (overview, split, arms, stores, service, runbook)


def texts() -> dict[str, str]:
    """Return each file's text by its name."""
    return {
        f"{module.__name__.rpartition('.')[2]}.json": json.dumps(
            module.build().build(), cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False
        )
        + "\n"
        for module in BOARDS
    }


def write() -> None:
    """Write every file, and delete what no module makes any more."""
    made = texts()
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.json"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
