"""A run of the benchmark as it may have been, for tests that change what they look at."""

from bench.measured import Measured

RUN = Measured(
    case="even-64",
    round=1,
    answers=20_000,
    seconds=4.0,
    cpu_us={"envoy": 100.0, "ingest": 60.0, "bridge": 40.0, "recorder": 50.0, "generator": 12.0},
    p50_ms=12.5,
    p99_ms=40.0,
    lag_p99_ms=0.0,
    rate=None,
    others=0.02,
    idle=0.01,
    memory_mb={"envoy": 50.0, "locust": 40.0},
    whole=True,
)
