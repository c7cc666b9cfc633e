"""The split that the mesh's files ask for."""

import json
from contextlib import suppress
from pathlib import Path

from meshsplit.agent.watching import Signature, signature
from meshsplit.split.weights import Split, asked_split
from meshsplit.translator.documents import files_of


class FileSource:
    """The folder ``mesh``; ``status`` is the file in which the agent says what became of it."""

    def __init__(self, mesh: Path, status: Path | None = None) -> None:
        self._mesh = mesh
        self._status = status
        self._read: tuple[Signature, Split] | None = None

    @property
    def name(self) -> str:
        """The folder of the routes."""
        return str(self._mesh / "routes")

    async def asked(self) -> Split:
        """Read the files, if they have changed since they were read.

        Raises:
            SplitError: they can't be read, or have no split.
            OSError: they can't be read.
        """
        now = signature(files_of(self._mesh))
        if self._read is None or self._read[0] != now:
            self._read = (now, asked_split(self._mesh))
        return self._read[1]

    def refused(self) -> dict[str, str] | None:
        """Return the agent's refusal, if it refused what the files say."""
        if self._status is None:
            return None
        with suppress(OSError, ValueError):
            error = json.loads(self._status.read_text(encoding="utf-8"))["error"]
            return None if error is None else {str(k): str(v) for k, v in error.items()}
        return None

    async def close(self) -> None:
        """Nothing is held."""
