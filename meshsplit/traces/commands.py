"""``meshsplit trace``: requests as trees of spans, in the terminal."""

import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from meshsplit.local.hosts import OTLP_ENDPOINT, otlp_endpoint
from meshsplit.local.settings import LocalSettings, SettingsError, load
from meshsplit.traces.drawing import draw, plain
from meshsplit.traces.kept import Request, requests, spans_saying
from meshsplit.traces.trees import Node, trees

RECENT = 100
"""Requests among which the slowest are looked for, unless other options are given."""
SHOWN = 3
_STYLES = {"bad": typer.colors.RED, "dim": typer.colors.CYAN}

Last = Annotated[
    int | None, typer.Option(min=1, help="The last N requests, however long they took.")
]
Slowest = Annotated[int | None, typer.Option(min=1, help="The N slowest of all that are kept.")]
Arm = Annotated[str | None, typer.Option(help="Only requests that this arm answered.")]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(trace)


def trace(
    trace_id: Annotated[
        str | None, typer.Argument(metavar="TRACE_ID", help="One trace, by its 32 digits.")
    ] = None,
    last: Last = None,
    slowest: Slowest = None,
    arm: Arm = None,
) -> None:
    """Show traced requests as trees: from the gateway to the commit, and where the time went.

    Without options: the 3 slowest of the last 100, the slowest at the end.

    A bar says when within the request a step ran; ▒ is of a batch, so shared with others.
    """
    settings = _settings()
    folder = settings.state / "traces"
    if trace_id is not None:
        wanted = trace_id.lower().replace("-", "")
        if not re.fullmatch("[0-9a-f]{32}", wanted):
            _leave(f"expected a trace's id, 32 hexadecimal digits, found {trace_id!r}", 2)
        roots = trees(folder, bytes.fromhex(wanted))
        if not roots:
            _leave(f"no span of trace {wanted} is kept here. {advice(settings)}")
    else:
        found = requests(folder)
        if arm is not None:
            of_arm = {span.trace for span in spans_saying(folder, arm)}
            found = [request for request in found if request.trace in of_arm]
        roots = _chosen(folder, found, last, slowest)
        if not roots:
            _leave(f"no request {f'of {arm} ' if arm else ''}was traced. {advice(settings)}")
    width = shutil.get_terminal_size((100, 0)).columns
    colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    drawn = [draw(root, time.time(), width, _paint if colours else plain) for root in roots]
    typer.echo("\n\n".join(drawn))


def _chosen(
    folder: Path, found: list[Request], last: int | None, slowest: int | None
) -> list[Node]:
    """Return the trees that the options ask for, the most telling one at the end."""
    if last is not None:
        candidates, most = found[::-1], last
    else:
        among = found if slowest is not None else found[-RECENT:]
        candidates = sorted(among, key=lambda request: -request.duration)
        most = slowest or SHOWN
    roots: list[Node] = []
    for request in candidates:
        if len(roots) == most:
            break
        roots += [root for root in trees(folder, request.trace) if root.span.id == request.span]
    return roots[::-1]


def advice(settings: LocalSettings) -> str:
    """Say how there come to be traces, or where they are."""
    if OTLP_ENDPOINT in settings.passed_on:
        return f"Spans go to {otlp_endpoint(settings)} ({OTLP_ENDPOINT}): look there."
    rate = settings.mesh / "telemetry" / "traces.yaml"
    return (
        f"A share of all requests is traced: randomSamplingPercentage in {rate}; change it, and "
        "the gateway follows within two seconds. Or have one request traced by the header "
        f"'x-client-trace-id: 1':\n\n  curl -i http://{settings.gateway}/ "
        "-H 'x-client-trace-id: 1' -H 'content-type: application/json' \\\n    -d "
        '\'{"carne":"54868-6031","nombre":"Nannie","curso":"S30","nota":13,"semestre":"slider",'
        '"year":2002}\'\n\nSpans are here about two seconds later; `meshsplit status` says whether '
        "`spans` runs, which keeps them."
    )


def _paint(text: str, kind: str) -> str:
    return typer.style(text, fg=_STYLES.get(kind), bold=kind == "bold")


def _settings() -> LocalSettings:
    try:
        return load()
    except SettingsError as error:
        _leave("\n".join(f"meshsplit: {problem}" for problem in error.problems), 2)


def _leave(text: str, code: int = 1) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(code)
