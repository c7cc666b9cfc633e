"""One run, from its first record to its report."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
import urllib.request
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from loadtest.datafile import read_bodies
from loadtest.feed import Feed
from loadtest.options import Options
from loadtest.tally import Tally

if TYPE_CHECKING:
    from argparse import Namespace

ASK_TIMEOUT_S = 3.0
ASK_AGAIN_S = 5.0
"""How long an answer about the arms is good when one turns up that wasn't in it."""


class _Arm(msgspec.Struct):
    name: str


class _Split(msgspec.Struct):
    arms: list[_Arm]


class Run:
    """The records of one run and what became of them.

    Raises:
        ValueError: an option makes no sense.
        DataFileError: the data file can't be sent.
    """

    def __init__(self, parsed: Namespace, *, host: str) -> None:
        self.options = Options.of(parsed)
        self.host = host.rstrip("/")
        self.name = self.options.run_name or uuid.uuid4().hex
        once = self.options.mode == "once"
        self.feed = Feed(
            read_bodies(self.options.data),
            run=self.name,
            repeat=not once,
            limit=self.options.count or None,
            part=self.options.part,
            parts=self.options.parts,
        )
        self.tally = Tally(keep=once or self.options.report is not None)
        self._arms = self.options.arms
        self._asking = threading.Lock()
        self._asked_at = time.monotonic() - ASK_AGAIN_S

    def arms(self, seen: str | None = None) -> frozenset[str]:
        """Return the arms that may answer; asks the reporter again when ``seen`` is none of them.

        Empty while the reporter has not answered: then any well-formed name will do.
        """
        if self.options.arms or (seen is None and self._arms) or seen in self._arms:
            return self._arms
        with self._asking:  # whoever comes meanwhile waits for the answer
            if time.monotonic() - self._asked_at >= ASK_AGAIN_S:
                with contextlib.suppress(OSError, msgspec.DecodeError, UnicodeDecodeError):
                    self._arms = self._ask()
                self._asked_at = time.monotonic()
        return self._arms

    def _ask(self) -> frozenset[str]:
        url = f"{self.host}/api/v1/split"
        if not url.startswith(("http://", "https://")):
            return frozenset()
        with urllib.request.urlopen(url, timeout=ASK_TIMEOUT_S) as answer:  # noqa: S310 - checked
            split = msgspec.json.decode(answer.read(), type=_Split)
        return frozenset(arm.name for arm in split.arms)

    def close(self) -> bool:
        """Write the report if one is wanted; True when the run passed."""
        if self.options.report is not None:
            self._write_report(self.options.report)
        return self.tally.passed(self.feed.unsent)

    def summary(self) -> str:
        """Return the closing lines."""
        return self.tally.summary(self.feed.unsent)

    def _write_report(self, path: Path) -> None:
        report = self.tally.report(
            run=self.name, mode=self.options.mode, host=self.host, unsent=self.feed.unsent
        )
        # whoever waits for the file sees all of it or nothing
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
        with os.fdopen(handle, "wb") as out:
            out.write(msgspec.json.format(msgspec.json.encode(report), indent=1))
        Path(partial).replace(path)
