"""The agent's loop: look, translate, check, publish, say how it went."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from time import monotonic

from meshsplit.agent.access_log import rotate
from meshsplit.agent.publishing import Publisher, write_atomically
from meshsplit.agent.validating import refusal_by_envoy
from meshsplit.agent.watching import Settled
from meshsplit.translator.bootstrap import bootstrap
from meshsplit.translator.documents import files_of
from meshsplit.translator.endpoints import Endpoints
from meshsplit.translator.refusal import Refusal, Refused
from meshsplit.translator.translation import Local, Translation, translate

LOOK_EVERY_S = 0.1
ROTATE_EVERY_S = 10

log = logging.getLogger("meshsplit.agent")


@dataclass(frozen=True, slots=True)
class Job:
    """What the agent works on."""

    mesh: Path
    endpoints: Path
    """JSON: addresses by ``host`` or ``host:port``."""
    local: Local
    admin: tuple[str, int]
    envoy: str | None = None
    """The Envoy that checks a configuration first; None: nobody does."""


class Agent:
    """Keeps Envoy's files in step with the mesh's."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._layout = job.local.layout
        self._generation = 0
        self._layout.watched.mkdir(parents=True, exist_ok=True)
        self._publisher = Publisher(self._layout.watched)
        self._layout.status.unlink(missing_ok=True)  # it was said of other files, maybe
        text = json.dumps(bootstrap(self._layout, job.admin), indent=1) + "\n"
        write_atomically(self._layout.folder / "bootstrap.json", text)

    def run(self, stop: Event) -> None:
        """Work until ``stop``."""
        settled = Settled(self._sources)
        rotated = monotonic()
        while not stop.is_set():
            if settled.changed():
                self.bring_up_to_date()
            self._publisher.tidy(monotonic())
            if monotonic() - rotated >= ROTATE_EVERY_S:
                rotate(self._layout.access_log, self._job.admin)
                rotated = monotonic()
            stop.wait(LOOK_EVERY_S)

    def bring_up_to_date(self) -> list[Refusal]:
        """Translate and publish once; returns what was refused (the old files then stay)."""
        try:
            translation = self._translated()
        except Refused as refused:
            self._make_startable()
            self._report(refused.refusals)
            return refused.refusals
        changed = self._publisher.publish(translation, monotonic())
        self._generation += bool(changed)
        self._report([])
        if changed:
            log.info("wrote %s", ", ".join(changed))
        return []

    def _translated(self) -> Translation:
        job = self._job
        translation = translate(job.mesh, read_endpoints(job.endpoints), job.local)
        if job.envoy is not None:
            refusal = refusal_by_envoy(job.envoy, translation, self._layout.folder)
            if refusal is not None:
                raise Refused([refusal])
        return translation

    def _sources(self) -> Iterator[Path]:
        yield from files_of(self._job.mesh)
        yield self._job.endpoints

    def _make_startable(self) -> None:
        """Give Envoy empty files where it has none, so that it can start and wait for better."""
        for name, content in Translation([], [], []).files().items():
            if not (self._layout.watched / name).exists():
                write_atomically(self._layout.watched / name, json.dumps(content) + "\n")

    def _report(self, refusals: list[Refusal]) -> None:
        status = {
            "ok": not refusals,
            "error": refusals[0].as_json() if refusals else None,
            "errors": [refusal.as_json() for refusal in refusals],
            "generation": self._generation,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        for refusal in refusals:
            log.error("refused, the old configuration stays: %s", refusal)
        write_atomically(self._layout.status, json.dumps(status, indent=1) + "\n")


def read_endpoints(path: Path) -> Endpoints:
    """Read the addresses of the mesh's hosts.

    Raises:
        Refused: the file is missing, or isn't what it should be.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refused([Refusal(str(path), "", "", f"can't be read: {error}")]) from error
    if not isinstance(content, dict):
        raise Refused([Refusal(str(path), "", "", "expected addresses by host")])
    for host, address in content.items():
        ip, _, port = str(address).rpartition(":")
        if not ip or not port.isdigit():
            message = f"expected an address such as 127.0.0.1:8001, found {address!r}"
            raise Refused([Refusal(str(path), host, "", message)])
    return Endpoints(content)
