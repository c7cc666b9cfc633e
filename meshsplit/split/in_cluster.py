"""``meshsplit split`` on a cluster's VirtualService."""

from collections.abc import Mapping

import httpx
import typer

from meshsplit.split.applied import Proxy
from meshsplit.split.changing import failures, follow
from meshsplit.split.history import Change
from meshsplit.split.kubectl import GatewayTransport, Kubectl
from meshsplit.split.table import shown
from meshsplit.split.weights import SplitError

APPLIED_WITHIN_S = 30.0


async def change(cluster: Kubectl, weights: Mapping[str, int], *, dry_run: bool) -> None:
    """Write the weights into the object, and wait until the gateway has them.

    Raises:
        SplitError: the cluster refuses them, or the gateway doesn't get them in time.
    """
    resource = await cluster.virtual_service()
    before = cluster.split(resource)
    line = f"{cluster.named(resource)}: {shown(before.weights)}  ->  {shown(weights)}"
    if dry_run:
        await cluster.write(resource, weights, dry_run=True)
        typer.echo(f"{line} (not written)")
        return
    async with httpx.AsyncClient(transport=GatewayTransport(cluster)) as client:
        proxy = Proxy(client, "http://gateway")
        failed = await failures(proxy, before)
        after = cluster.split(await cluster.write(resource, weights))
        typer.echo(line)
        outcome = await follow(proxy, after, failed, APPLIED_WITHIN_S)
    if not outcome.applied:
        raise SplitError(f"the gateway doesn't have it after {outcome.seconds:.1f} s")
    told = "none" if outcome.failed <= 0 else str(outcome.failed)
    typer.echo(
        f"the gateway has it after {outcome.seconds:.2f} s; requests failed meanwhile: {told}"
    )


async def undo(cluster: Kubectl, *, dry_run: bool) -> None:
    """Go back to the weights before the last change that the object remembers.

    Raises:
        SplitError: there is none, or it can't be undone.
    """
    made = await changes(cluster)
    if not made:
        raise SplitError("there is no change to undo")
    await change(cluster, made[-1].before, dry_run=dry_run)


async def changes(cluster: Kubectl) -> list[Change]:
    """Return the changes that the object remembers, oldest first."""
    return cluster.changes(await cluster.virtual_service())
