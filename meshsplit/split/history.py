"""Who changed the weights, when, from what and to what: one line of JSON each."""

import getpass
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Change:
    """One change of weights."""

    who: str
    when: str
    """ISO 8601, UTC."""
    before: dict[str, int]
    after: dict[str, int]


def change_now(before: Mapping[str, int], after: Mapping[str, int]) -> Change:
    """Return a change made now by whoever runs this."""
    return Change(_who(), datetime.now(UTC).isoformat("T", "seconds"), {**before}, {**after})


class History:
    """The changes, oldest first, in a file that only grows."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, before: Mapping[str, int], after: Mapping[str, int]) -> Change:
        """Append a change made now by whoever runs this."""
        change = change_now(before, after)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(change)) + "\n")
        return change

    def changes(self) -> list[Change]:
        """Return all changes; a line that was cut off by a crash is left out."""
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            try:
                found.append(Change(**json.loads(line)))
            except (ValueError, TypeError):
                continue
        return found


def _who() -> str:
    name = os.environ.get("SUDO_USER")
    if name:
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        return str(os.getuid())
