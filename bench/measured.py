"""What a run of a case gave, and what is made of several."""

from collections.abc import Sequence
from statistics import median

import msgspec

from bench.recovery import Overload

GATEWAY = "envoy"
OTHERS_MOST = 0.2
"""Of the machine; a run beside programs that use more is left out of the results."""
WRITERS = ("ingest", "bridge", "recorder")
"""The processes whose cost is held against the gateway's."""
GENERATOR = "generator"
APART = ("locust", "grafana")
"""What `make up` starts for people to look at, and nothing needs."""


class Measured(msgspec.Struct, frozen=True):
    """One run of a case."""

    case: str
    round: int
    answers: int
    """In the time that counts, refusals left out."""
    seconds: float
    cpu_us: dict[str, float]
    """CPU microseconds for each of those answers, by process; the generator's too."""
    p50_ms: float
    p99_ms: float
    lag_p99_ms: float
    """The generator's own lateness, in an open loop."""
    rate: float | None
    """What an open loop sent a second; None: a closed loop."""
    others: float
    """The share of the machine that neither the system nor the generator used, nor was idle."""
    idle: float
    memory_mb: dict[str, float]
    """Right after it; what several processes share is shared out among them."""
    whole: bool
    """Whether records went through the gateway and what stores them."""
    sitting: str = ""
    """When it was run, and of which commit; a sitting is one `make bench`."""
    refused: int = 0
    """Answers besides, in that time, that said when to come again."""
    batch_records: dict[str, float] = msgspec.field(default_factory=dict)
    """Records in a batch, by service; the warm-up's too."""
    overload: Overload | None = None
    """What a run above saturation has besides."""
    void: list[str] = msgspec.field(default_factory=list)
    """Why it doesn't count; empty: it does."""

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    @property
    def disturbed(self) -> bool:
        """Whether other programs used too much of the machine for it to say anything."""
        return self.others > OTHERS_MOST

    @property
    def services_over_gateway(self) -> float | None:
        """S/E: the CPU of ingest, bridge and recorder for one second of the gateway's.

        None where records didn't go through both.
        """
        gateway = self.cpu_us.get(GATEWAY, 0.0)
        services = sum(self.cpu_us.get(name, 0.0) for name in WRITERS)
        return services / gateway if self.whole and gateway else None


class Middle(msgspec.Struct, frozen=True):
    """The median of several runs, and their extremes."""

    value: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Middle":
        """Take the middle of at least one value."""
        return cls(median(values), min(values), max(values))

    def __str__(self) -> str:
        """Show it with the digits that it can have."""
        return f"{shown(self.value)} ({shown(self.least)} to {shown(self.most)})"


def shown(value: float) -> str:
    """Write a number with three digits that count, and never fewer than before the point."""
    if value >= 100:  # noqa: PLR2004
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"  # noqa: PLR2004


def cpu_by_process(runs: Sequence[Measured]) -> dict[str, float]:
    """Give the median of each process's CPU microseconds a record, the most costly first."""
    names = {name for run in runs for name in run.cpu_us}
    middle = {name: median(run.cpu_us.get(name, 0.0) for run in runs) for name in names}
    return dict(sorted(middle.items(), key=lambda pair: (-pair[1], pair[0])))
