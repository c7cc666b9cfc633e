"""The rules as Prometheus itself would apply them, by promtool, to series that a test makes up."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import yaml

from observability.rules import FILE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STEP = "15s"
"""From one value of a series to the next."""


def hold(series: Mapping[str, str], checks: list[dict[str, Any]], folder: Path) -> None:
    """Apply the rules to series, and hold promtool's checks of expressions against them."""
    shutil.copy(FILE, folder / "rules.yml")
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "30s",
        "tests": [
            {
                "interval": STEP,
                "input_series": [{"series": k, "values": v} for k, v in series.items()],
                "promql_expr_test": checks,
            }
        ],
    }
    path = folder / "test.yml"
    path.write_text(yaml.safe_dump(test))
    done = subprocess.run(
        ["promtool", "test", "rules", path.name],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
