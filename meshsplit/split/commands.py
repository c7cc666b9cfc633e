"""``meshsplit split``: show, set, watch and undo the weights."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from difflib import unified_diff
from pathlib import Path
from time import monotonic
from typing import Annotated, Any, NoReturn

import httpx
import typer

from meshsplit.local.settings import SettingsError, checkout, load
from meshsplit.split import in_cluster
from meshsplit.split.applied import Proxy
from meshsplit.split.changing import check_ownership, failures, follow
from meshsplit.split.files import FileSource
from meshsplit.split.history import History
from meshsplit.split.kubectl import Kubectl
from meshsplit.split.table import shown, table
from meshsplit.split.watcher import SplitWatcher
from meshsplit.split.weights import (
    SplitError,
    asked_split,
    find_split,
    parse_split,
    with_weights,
    write_split,
)
from meshsplit.translator.refusal import Refusal

app = typer.Typer(no_args_is_help=True, help="The weights: what is asked, what happens.")
_chosen: list[Kubectl] = []
"""The cluster that the commands are about; empty: the run on this machine."""


@app.callback()
def choose(
    context: Annotated[
        str | None,
        typer.Option(envvar="MESHSPLIT_CONTEXT", help="A cluster's context, as kubectl names it."),
    ] = None,
    namespace: Annotated[
        str, typer.Option(envvar="MESHSPLIT_NAMESPACE", help="Where in it the system is.")
    ] = "meshsplit",
) -> None:
    """Choose what the commands are about: a cluster, or without a context this machine."""
    _chosen[:] = [Kubectl(context, namespace)] if context else []


APPLIED_WITHIN_S = 10.0
REPORTER_SEES_WITHIN_S = 3.0
LOOK_AGAIN_S = 0.1
_WEIGHT = re.compile("[0-9]{1,3}")
ASK_TIMEOUT_S = 2.0

DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the difference; change nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, like GET /api/v1/split.")]


@dataclass(frozen=True, slots=True)
class Where:
    """The run that the commands are about."""

    mesh: Path
    state: Path
    gateway: str
    admin: str

    @property
    def history(self) -> History:
        """The changes of this checkout's weights."""
        return History(self.state / "split-history.jsonl")


def fail(message: str, code: int = 1) -> NoReturn:
    """Print one line and leave."""
    typer.echo(f"meshsplit: {message}", err=True)
    raise typer.Exit(code)


@app.command()
def show(*, as_json: AsJson = False) -> None:
    """Show the weights asked for, configured, applied, what is observed, and the verdict."""
    with _plain_errors():
        report = asyncio.run(_look())
    typer.echo(json.dumps(report, indent=2) if as_json else table(report))


@app.command()
def watch(
    every: Annotated[float, typer.Option(min=0.2, help="Seconds between looks.")] = 1.0,
    times: Annotated[int, typer.Option(min=0, help="How many looks; 0: until Ctrl-C.")] = 0,
) -> None:
    """Show the split again and again."""

    async def looks() -> None:
        done = 0
        while not times or done < times:
            text = table(await _look())
            typer.echo(("\033[H\033[2J" if _on_a_screen() else "") + text + "\n")
            done += 1
            if done != times:
                await asyncio.sleep(every)

    with _plain_errors():
        asyncio.run(looks())


@app.command("set")
def set_weights(
    weights: Annotated[list[str], typer.Argument(metavar="ARM=WEIGHT...", help="adding up to 100")],
    *,
    dry_run: DryRun = False,
) -> None:
    """Write the weights into the VirtualService, and wait until Envoy has them."""
    with _plain_errors():
        asked = _parsed(weights)
        if _chosen:
            asyncio.run(in_cluster.change(_chosen[0], asked, dry_run=dry_run))
        else:
            asyncio.run(_change(_where(), asked, dry_run=dry_run))


@app.command()
def undo(*, dry_run: DryRun = False) -> None:
    """Go back to the weights before the last change that this command made."""
    with _plain_errors():
        if _chosen:
            asyncio.run(in_cluster.undo(_chosen[0], dry_run=dry_run))
            return
        where = _where()
        changes = where.history.changes()
        if not changes:
            fail("there is no change to undo")
        asyncio.run(_change(where, changes[-1].before, dry_run=dry_run))


@app.command()
def history(*, as_json: AsJson = False) -> None:
    """Show who changed the weights, when, from what and to what."""
    with _plain_errors():
        found = asyncio.run(in_cluster.changes(_chosen[0])) if _chosen else None
        for change in _where().history.changes() if found is None else found:
            before, after = shown(change.before), shown(change.after)
            line = f"{change.when}  {change.who}  {before}  ->  {after}"
            typer.echo(json.dumps(asdict(change)) if as_json else line)


async def _look() -> dict[str, Any]:
    return await (_chosen[0].report() if _chosen else _report(_where()))


def _where() -> Where:
    settings = load()
    return Where(
        mesh=settings.mesh,
        state=settings.state,
        gateway=f"http://{settings.gateway}",
        admin=f"http://127.0.0.1:{settings.ports['envoy_admin']}",
    )


def _parsed(weights: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for text in weights:
        name, _, weight = text.partition("=")
        if not name or not _WEIGHT.fullmatch(weight):
            fail(f"expected ARM=WEIGHT such as fastapi=90, found {text!r}", 2)
        if name in found:
            fail(f"{name} is given twice", 2)
        found[name] = int(weight)
    return found


async def _change(where: Where, weights: dict[str, int], *, dry_run: bool) -> None:
    path = find_split(where.mesh)
    old = path.read_text(encoding="utf-8")
    new = with_weights(old, weights, str(path))
    name = _relative(path)
    check_ownership(where.mesh, path, new)
    if dry_run:
        lines = unified_diff(old.splitlines(True), new.splitlines(True), f"a/{name}", f"b/{name}")
        typer.echo("".join(lines), nl=False)
        return
    before, after = parse_split(old, name), parse_split(new, name)
    if old == new:
        typer.echo(f"{name} already says {shown(after.weights)}")
    async with httpx.AsyncClient(timeout=ASK_TIMEOUT_S, trust_env=False) as client:
        proxy = Proxy(client, where.admin)
        failed = await failures(proxy, before)
        began = datetime.now(UTC).isoformat(timespec="milliseconds")
        if old != new:
            write_split(path, new)
            where.history.add(before.weights, after.weights)
            typer.echo(f"{name}: {shown(before.weights)}  ->  {shown(after.weights)}")
        try:
            await proxy.applied(after)
        except httpx.HTTPError:
            typer.echo("the gateway isn't running; it will start with these weights")
            return
        outcome = await follow(
            proxy, after, failed, APPLIED_WITHIN_S, lambda: _refusal(where, began) is not None
        )
    if not outcome.applied:
        reason = _refusal(where, began) or "is the agent running? (`meshsplit status`)"
        fail(f"Envoy doesn't have it after {outcome.seconds:.1f} s: {reason}")
    told = "none" if outcome.failed <= 0 else str(outcome.failed)
    typer.echo(f"Envoy has it after {outcome.seconds:.2f} s; requests failed meanwhile: {told}")


async def _report(where: Where) -> dict[str, Any]:
    """Ask the reporter; without it, look at what can be seen from here.

    The reporter looks once a second. Right after a change it is asked again until it has seen
    what the files say, and the gateway with it, so that nobody is shown the weights of before.
    """
    deadline = monotonic() + REPORTER_SEES_WITHIN_S
    async with httpx.AsyncClient(timeout=ASK_TIMEOUT_S, trust_env=False) as client:
        try:
            while True:
                answer = await client.get(f"{where.gateway}/api/v1/split")
                answer.raise_for_status()
                report: dict[str, Any] = answer.json()
                if _is_of_now(report, where.mesh) or monotonic() > deadline:
                    return report
                await asyncio.sleep(LOOK_AGAIN_S)
        except (httpx.HTTPError, ValueError):
            status = where.state / "envoy" / "status.json"
            watcher = SplitWatcher(client, source=FileSource(where.mesh, status), admin=where.admin)
            await watcher.look()
            return {**watcher.report(), "observed": None, "verdict": None}


def _is_of_now(report: dict[str, Any], mesh: Path) -> bool:
    try:
        asked = asked_split(mesh).percent
    except SplitError:
        return True  # the reporter says what it knows of that
    followed = report["asked"] == asked and report["applied"] in (None, asked)
    return bool(followed or report["configuration_error"])


def _refusal(where: Where, since: str) -> str | None:
    """Return what the agent has refused since then, in a line; None if it has refused nothing."""
    try:
        status = json.loads((where.state / "envoy" / "status.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    error = status.get("error")
    if not error or status["at"] < since:
        return None
    return f"refused: {Refusal(**error)}"


def _relative(path: Path) -> str:
    root = checkout()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _on_a_screen() -> bool:
    return typer.get_text_stream("stdout").isatty()


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except SettingsError as error:
        for problem in error.problems:
            typer.echo(f"meshsplit: {problem}", err=True)
        raise typer.Exit(2) from error
    except (SplitError, OSError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
