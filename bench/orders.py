"""What the load generator is told, and what it tells in the end; JSON between two processes."""

import msgspec


class Order(msgspec.Struct, frozen=True):
    """A load to make."""

    host: str
    port: int
    connections: int
    """How many requests can be under way at once."""
    warm_s: float
    """Load before what counts for times and costs; its records count as all others."""
    measure_s: float
    seed: int
    """The records are the same for the same seed; the keys never are."""
    rate: float | None = None
    """Requests a second, each at its time; None: each connection sends as soon as it can."""
    authority: str | None = None
    """The Host header; None: where it is sent."""
    posts: bool = True
    """Whether it sends records; else it asks for `/`, which has no body."""
    patient: bool = False
    """A refusal with Retry-After is heeded before the connection's next request."""
    settle_s: float = 20.0
    """Longest wait for the last answers."""
    gives_up: bool = False
    """At the end, requests that wait for a connection are given up; else they are still sent."""
    calm: "Calm | None" = None
    """A light load before and after; None: none."""


class Calm(msgspec.Struct, frozen=True):
    """A load at a rate that hurts nobody, on connections of its own, before and after another."""

    rate: float
    connections: int
    before_s: float
    after_s: float
    slice_s: float
    """How long each part is that is told of by itself."""


class Slice(msgspec.Struct, frozen=True):
    """What became of the requests of a calm load that were due in a short time."""

    begins_s: float
    """From the end of the other load; below zero: before it."""
    due: int
    stored: int
    p50_ms: float
    p99_ms: float

    @property
    def spared(self) -> bool:
        """Whether each of them was stored."""
        return self.due == self.stored > 0


class Report(msgspec.Struct, frozen=True):
    """What became of a load."""

    answers: dict[str, int]
    """All answers, by status and arm: "201 fastapi"."""
    wrong: list[str]
    """The first few of what was no answer, or none that can be read."""
    unanswered: int
    """Requests whose fate nobody knows."""
    measured: dict[str, int]
    """The answers within the time that counts."""
    latency: dict[int, int]
    """Histogram of those that stored a record, in nanoseconds from when each was due."""
    lag: dict[int, int]
    """Histogram of how late the generator itself was, in nanoseconds; empty in a closed loop."""
    scheduled: int
    """Requests that were due in the time that counts; 0 in a closed loop."""
    in_time: int
    """Answers within it to requests that were due in it."""
    cpu_s: float
    """CPU seconds of the generator in that time."""
    wall_s: float
    """How long that time was."""
    calm: list[Slice] = []
    """What the calm load saw."""
