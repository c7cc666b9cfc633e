"""Finding lines of logs that say something, in files that may be large or torn."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Line = dict[str, Any]
PREVIOUS = ".1"
"""What a rotated log's name ends in; it comes before the other."""


def lines_saying(path: Path, texts: Iterable[str]) -> Iterator[bytes]:
    """Yield a log's lines, rotated ones first, that hold any of some texts."""
    needles = [text.encode() for text in texts if text]
    for file in (path.with_name(path.name + PREVIOUS), path):
        try:
            opened = file.open("rb")
        except OSError:
            continue
        with opened:
            yield from (line for line in opened if any(needle in line for needle in needles))


def objects(lines: Iterable[bytes]) -> Iterator[Line]:
    """Yield those lines that are JSON objects."""
    for line in lines:
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found
