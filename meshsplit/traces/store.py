"""Spans on disk: one file being written and one before it, so never more than twice its bound.

An export is kept as it came, a line each, in base64: taking one in costs next to nothing, and only
who looks pays for reading. A line that is torn, by a crash or a full disk, is passed over.
"""

import base64
import binascii
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

LARGEST_BYTES = 32 * 1024 * 1024
CURRENT, PREVIOUS = "exports", "exports.1"
_LINE = b"\n"


class SpanFiles:
    """The files of one folder, as their one writer has them."""

    def __init__(self, folder: Path, *, largest: int = LARGEST_BYTES) -> None:
        """Open the files; ``largest`` bounds each, in bytes. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = folder / CURRENT
        self._previous = folder / PREVIOUS
        self._largest = largest
        self._file = self._path.open("ab", buffering=0)
        if self._file.tell() and not _ends_its_line(self._path):
            self._file.write(_LINE)

    def append(self, export: bytes) -> None:
        """Keep one export; raises OSError when the disk doesn't take it."""
        line = base64.b64encode(export) + _LINE
        if self._file.tell() + len(line) > self._largest:
            self._begin_anew()
        if self._file.write(line) != len(line):
            self._file.write(_LINE)
            raise OSError(f"{self._path}: the disk is full")

    def close(self) -> None:
        """Close the file that is written."""
        self._file.close()

    def _begin_anew(self) -> None:
        # The folder may have been emptied or taken away; what fails here is tried again next time.
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileNotFoundError):
            self._path.replace(self._previous)
        full, self._file = self._file, self._path.open("ab", buffering=0)
        full.close()


def exports(folder: Path) -> Iterator[bytes]:
    """Yield what is kept, the oldest first; none of it needs to be what it should."""
    for name in (PREVIOUS, CURRENT):
        try:
            file = (folder / name).open("rb")
        except OSError:
            continue
        with file:
            for line in file:
                try:
                    yield base64.b64decode(line.rstrip(_LINE), validate=True)
                except binascii.Error:
                    continue


def _ends_its_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == _LINE
