"""What `make bench-reading` found, as a file for programs to read."""

from typing import Final

import msgspec

from meshsplit.local.settings import checkout

OUT: Final = ".local/bench-reading.json"
"""Below the checkout."""


class Answers(msgspec.Struct, frozen=True):
    """How quick one endpoint was."""

    p50_ms: float
    p99_ms: float
    questions: int


class Findings(msgspec.Struct):
    """What one size of ledger gave."""

    records: int
    rest_mb: dict[str, float] = msgspec.field(default_factory=dict)
    """By process; what several share is shared out among them."""
    after_mb: dict[str, float] = msgspec.field(default_factory=dict)
    redis_record_bytes: float | None = None
    """None: Redis holds too few to say, or it wasn't seen empty."""
    answers: dict[str, Answers] = msgspec.field(default_factory=dict)
    asker_lag_p99_ms: float | None = None
    client_kib: dict[str, float] = msgspec.field(default_factory=dict)
    """Of the reporter's memory for each live client: idle, and written to."""
    live_p50_ms: float | None = None
    live_p99_ms: float | None = None
    charts: int | None = None
    """Held against a recount; None: none were."""
    void: list[str] = msgspec.field(default_factory=list)


def keep(found: list[Findings]) -> None:
    """Write what all sizes gave so far."""
    path = checkout() / OUT
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
