"""What istiod gave a real gateway, for tests without a cluster.

``python -m tests.cluster.record`` writes it, where a cluster is; a cluster test says when it is
stale.
"""

import json
from pathlib import Path
from typing import Any

from tests.data_planes import Json

FILE = Path(__file__).parent / "istiod.json"
_DEEP = 4
"""Levels of the file that have lines of their own: a route or a cluster is one line."""


def recorded() -> Json:
    """Return what was recorded."""
    content: Json = json.loads(FILE.read_text(encoding="utf-8"))
    return content


def write(content: Json) -> None:
    """Replace what was recorded."""
    FILE.write_text(_text(content, 0) + "\n", encoding="utf-8")


def _text(value: Any, level: int) -> str:
    if level >= _DEEP or not isinstance(value, (dict, list)) or not value:
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    inner, outer = "\n" + " " * (level + 1), "\n" + " " * level
    if isinstance(value, list):
        parts = [_text(item, level + 1) for item in value]
        return "[" + inner + f",{inner}".join(parts) + outer + "]"
    parts = [f"{json.dumps(key)}: {_text(item, level + 1)}" for key, item in value.items()]
    return "{" + inner + f",{inner}".join(parts) + outer + "}"
