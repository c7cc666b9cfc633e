"""A change of weights: whether the file may be changed, and how the proxy follows."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import httpx

from meshsplit.split.applied import Proxy
from meshsplit.split.weights import Split, SplitError, asked_split, parse_split

LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a change went."""

    seconds: float
    """From the beginning of the wait until the proxy had the weights, or until it was given up."""
    applied: bool
    failed: int
    """Answers of 5xx by any arm meanwhile, Envoy's own for an arm among them."""


def check_ownership(mesh: Path, path: Path, text: str) -> None:
    """Make sure that the mesh would ask for what the file at ``path`` says with this text.

    Raises:
        SplitError: a component in kustomization.yaml sets the weights, so it owns them.
    """
    with tempfile.TemporaryDirectory(prefix="meshsplit-") as folder:
        trial = Path(shutil.copytree(mesh, Path(folder) / "mesh"))
        (trial / path.relative_to(mesh)).write_text(text, encoding="utf-8")
        asked = asked_split(trial)
    if asked.weights != parse_split(text, str(path)).weights:
        raise SplitError(
            f"a component in {mesh / 'kustomization.yaml'} owns the weights: it makes "
            + " ".join(f"{name}={weight}" for name, weight in asked.weights.items())
            + " of them; take it out first"
        )


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
