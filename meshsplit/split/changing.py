"""Following a change of weights until the proxy has it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import httpx

from meshsplit.split.applied import Proxy
from meshsplit.split.weights import Split

LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a change went."""

    seconds: float
    """From the beginning of the wait until the proxy had the weights, or until it was given up."""
    applied: bool
    failed: int
    """Answers of 5xx by any arm meanwhile, Envoy's own for an arm among them."""


async def follow(
    proxy: Proxy,
    split: Split,
    failed_before: int,
    limit_s: float,
    refused: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Wait until the proxy has the split's weights, at most ``limit_s`` seconds or till refused."""
    began = monotonic()
    applied = False
    while not applied and monotonic() - began < limit_s and not refused():
        try:
            applied = same_shares(await proxy.applied(split), split.percent)
        except httpx.HTTPError:
            applied = False
        if not applied:
            await asyncio.sleep(LOOK_EVERY_S)
    seconds = monotonic() - began
    return Outcome(seconds, applied, await failures(proxy, split) - failed_before)


async def failures(proxy: Proxy, split: Split) -> int:
    """Return all arms' failures so far; 0 if the proxy can't be asked."""
    try:
        return sum((await proxy.failures(split)).values())
    except httpx.HTTPError:
        return 0


def same_shares(first: dict[str, float] | None, second: dict[str, float]) -> bool:
    """Whether the proxy's percentages are those of the files."""
    return first is not None and all(abs(first.get(n, 0) - p) < 1e-6 for n, p in second.items())  # noqa: PLR2004
