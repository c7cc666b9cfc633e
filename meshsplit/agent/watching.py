"""Noticing that files have changed, and that whoever changes them is done."""

from collections.abc import Callable, Iterable
from pathlib import Path

Signature = tuple[tuple[str, int, int, int], ...]


def signature(paths: Iterable[Path]) -> Signature:
    """Return what tells one state of the files from another: name, inode, size, time."""
    found = []
    for path in paths:
        try:
            about = path.stat()
        except OSError:
            continue  # between an editor's delete and its rename
        found.append((str(path), about.st_ino, about.st_size, about.st_mtime_ns))
    return tuple(found)


class Settled:
    """Says once for each change that it is there, when two looks in a row saw the same files.

    Editors truncate and then write, or write beside and rename; a look in between must not count.
    """

    def __init__(self, paths: Callable[[], Iterable[Path]]) -> None:
        self._paths = paths
        self._last: Signature | None = None
        self._told: Signature | None = None

    def changed(self) -> bool:
        """Look again; True if there is a settled change that nobody was told of."""
        now = signature(self._paths())
        calm = now == self._last
        self._last = now
        if calm and now != self._told:
            self._told = now
            return True
        return False
