"""``meshsplit explain``: one request's story."""

import shutil
from typing import Annotated, NoReturn

import typer

from meshsplit.explaining.findings import BadIdError, Finding, about_when, canonical, find
from meshsplit.explaining.rules import Rule, rule_of
from meshsplit.explaining.telling import candidates, story
from meshsplit.local.settings import LocalSettings, SettingsError, load
from meshsplit.traces.commands import advice

_DASHES = 4


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(explain)


def explain(
    asked: Annotated[
        str, typer.Argument(metavar="ID", help="x-request-id, x-trace-id, or a record's id.")
    ],
) -> None:
    """Tell one request's story: its rule, its arm, the queue, its batch, the commit, the answer.

    From the gateway's access log, the services' logs, and, where it was traced, its spans.

    Exit code 1: nothing is known of it.
    """
    try:
        settings, wanted = load(), canonical(asked)
    except SettingsError as error:
        _leave("\n".join(f"meshsplit: {problem}" for problem in error.problems), 2)
    except BadIdError as error:
        _leave(str(error), 2)
    findings = find(settings.state, wanted)
    if not findings:
        _leave_with_what_the_id_says(settings, wanted)
    mesh = settings.mesh.name
    width = shutil.get_terminal_size((100, 0)).columns
    stories = [story(each, _rule(each, settings), mesh, width) for each in findings]
    typer.echo("\n\n".join(stories))
    traced = [each.root.span.trace.hex() for each in findings if each.root is not None]
    if traced:
        typer.echo(f"\nmeshsplit trace {traced[0]}    shows when each step ran")
    else:
        typer.echo(f"\nIt wasn't traced, so of the arm's side nothing is known. {advice(settings)}")


def _rule(finding: Finding, settings: LocalSettings) -> Rule | None:
    access = finding.access or {}
    config = access.get("rule_of")
    if not isinstance(config, str):
        return None
    name, path = str(access.get("route") or ""), str(access.get("path"))
    return rule_of(settings.mesh, name, config, str(access.get("method")), path)


def _leave_with_what_the_id_says(settings: LocalSettings, wanted: str) -> NoReturn:
    """Say what can be said of an id that nothing here names."""
    unknown = f"nothing here names {wanted}: no line of the access log, no span."
    made = about_when(settings.state, wanted) if wanted.count("-") == _DASHES else None
    if made is None:
        _leave(
            f"{unknown} The access log is written within a second, spans within about two; "
            "the oldest of both are dropped."
        )
    _leave(f"{unknown} {candidates(*made)}", 0 if made[1] else 1)


def _leave(text: str, code: int = 1) -> NoReturn:
    typer.echo(text, err=bool(code))
    raise typer.Exit(code)
