"""What happened between two readings of many processes' raw counters, which may be reset."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

Labels = Mapping[str, str]
Sample = tuple[Labels, float]
"""A series' labels, its metric's name among them as ``__name__``, and its value."""

Process = tuple[str, str]
"""A job and its instance, as Prometheus calls them."""

_PROCESSES_MAX: Final = 256
"""How many processes are told apart; the one not seen for longest is forgotten first."""
_REQUEST_SECONDS: Final = "meshsplit_request_seconds_bucket"
_RECORDS: Final = frozenset({"meshsplit_records_total", "meshsplit_recorder_records_total"})
_BATCHES: Final = "meshsplit_batch_records_bucket"
_CPU: Final = "process_cpu_seconds_total"
_ANSWERS: Final = "gateway:requests:total"
"""The gateway's answers by host and code, as recording rules have them in any mesh."""

_Key = TypeVar("_Key", bound=Hashable)


@dataclass(slots=True)
class Increase:
    """What was counted in some time."""

    answers: dict[str, float] = field(default_factory=dict)
    """By arm: the gateway's answers to what it sent there."""
    errors: dict[str, float] = field(default_factory=dict)
    """By arm: those of them that were 5xx, the gateway's own among them."""
    within: dict[tuple[str, float], float] = field(default_factory=dict)
    """By arm and bound in seconds (infinity too): requests that took at most so long."""
    records: dict[tuple[Process, str], float] = field(default_factory=dict)
    """By process and arm: records that the process worked on."""
    batches: dict[tuple[Process, float], float] = field(default_factory=dict)
    """By process and bound (infinity too): batches of at most so many records."""
    cpu: dict[Process, float] = field(default_factory=dict)
    """By process: seconds of CPU."""

    def add(self, other: "Increase") -> None:
        """Take in what was counted in the time after."""
        _add_up(self.answers, other.answers)
        _add_up(self.errors, other.errors)
        _add_up(self.within, other.within)
        _add_up(self.records, other.records)
        _add_up(self.batches, other.batches)
        _add_up(self.cpu, other.cpu)


class RawCounters:
    """Turns readings into increases. A process seen for the first time begins with what it says.

    Args:
        arm_of_host: each arm by its host, without a domain.

    """

    def __init__(self, arm_of_host: Mapping[str, str]) -> None:
        self._arm_of_host = dict(arm_of_host)
        self._last: dict[Process, dict[frozenset[tuple[str, str]], float]] = {}

    def take(self, samples: Iterable[Sample]) -> Increase:
        """Take in a reading; return what was counted since the one before."""
        now: dict[Process, list[Sample]] = {}
        for labels, value in samples:
            process = (labels.get("job", ""), labels.get("instance", ""))
            now.setdefault(process, []).append((labels, value))
        found = Increase()
        for process, said in now.items():
            last = self._last.pop(process, None)
            self._last[process] = values = {}  # the one seen last stands last
            for labels, value in said:
                key = frozenset(labels.items())
                values[key] = value
                if last is not None:
                    before = last.get(key, 0.0)
                    # A counter that went back began again at 0: everything in it is new.
                    more = value - before if value >= before else value
                    self._count(found, process, labels, more)
        while len(self._last) > _PROCESSES_MAX:
            del self._last[next(iter(self._last))]
        return found

    def _count(self, found: Increase, process: Process, labels: Labels, more: float) -> None:
        name, arm = labels.get("__name__", ""), labels.get("arm", "")
        if name == _ANSWERS:
            self._count_answers(found, labels, more)
        elif name == _REQUEST_SECONDS:
            _add_up(found.within, {(arm, float(labels["le"])): more})
        elif name in _RECORDS:
            _add_up(found.records, {(process, arm): more})
        elif name == _BATCHES:
            _add_up(found.batches, {(process, float(labels["le"])): more})
        elif name == _CPU:
            _add_up(found.cpu, {process: more})

    def _count_answers(self, found: Increase, labels: Labels, more: float) -> None:
        arm = self._arm_of_host.get(labels.get("host", ""))
        if arm is None:
            return
        _add_up(found.answers, {arm: more})
        if labels.get("code", "").startswith("5"):
            _add_up(found.errors, {arm: more})


def _add_up(mine: dict[_Key, float], more: Mapping[_Key, float]) -> None:
    for key, value in more.items():
        mine[key] = mine.get(key, 0.0) + value
