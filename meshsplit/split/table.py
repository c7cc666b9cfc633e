"""The split as a table of plain text."""

from collections.abc import Mapping
from typing import Any


def table(report: Mapping[str, Any]) -> str:
    """Return the report of ``GET /api/v1/split`` as lines for a terminal."""
    applied, observed = report["applied"], report["observed"]
    head = ("arm", "asked", "configured", "applied", "observed", "requests")
    rows = [head]
    for arm in report["arms"]:
        name = arm["name"]
        share = (observed or {}).get("shares", {}).get(name)
        rows.append(
            (
                name,
                _percent(report["asked"].get(name)),
                _percent((report["configured"] or {}).get(name)),
                _percent((applied or {}).get(name)),
                "-" if share is None or not observed["requests"] else f"{share:.1%}",
                f"{observed['counts'][name]:,}" if observed else "-",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    if observed:
        lines += ["", f"{report['verdict']['state']}: {report['verdict']['text']}"]
    if applied is None:
        lines += ["", "the gateway can't be asked: is the stack running? (`make up`)"]
    elif not observed:
        lines += ["", "the reporter can't be asked, so nothing is known of what happened"]
    if error := report["configuration_error"]:
        where = ": ".join(error[key] for key in ("file", "name", "path") if error[key])
        lines += ["", f"refused, the old configuration stays: {where}: {error['message']}"]
    return "\n".join(lines)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}%"


def shown(weights: Mapping[str, int]) -> str:
    """Return weights as they are typed."""
    return " ".join(f"{name}={weight}" for name, weight in weights.items())
