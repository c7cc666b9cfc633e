"""``meshsplit route`` and ``render``: what the mesh's files mean, without running them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from meshsplit.agent.loop import read_endpoints
from meshsplit.local.hosts import addresses
from meshsplit.local.settings import LocalSettings, SettingsError, load
from meshsplit.routing.choice import choose
from meshsplit.routing.request import Request
from meshsplit.routing.telling import in_words, told
from meshsplit.translator.bootstrap import Layout
from meshsplit.translator.documents import passed_by, read_all
from meshsplit.translator.endpoints import Endpoints
from meshsplit.translator.refusal import Refused
from meshsplit.translator.translation import Local, Translation, translate

AnyHost = Annotated[
    bool, typer.Option("--any-host", help="Take hosts unknown here by their names (DNS).")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(render)
    app.command()(route)


def render(
    mesh: Annotated[Path, typer.Argument(help="A mesh folder.")],
    endpoints: Annotated[Path | None, typer.Option(help="JSON, addresses by host.")] = None,
    *,
    any_host: AnyHost = False,
) -> None:
    """Print the Envoy configuration made of a mesh folder, or every reason why there is none."""
    settings = _settings()
    made = _translated(mesh, settings, endpoints, any_host=any_host)
    for resource in read_all(mesh):
        if reason := passed_by(resource):
            kind = resource.content["kind"]
            typer.echo(f"passed by: {resource.file}: {kind}: {reason}", err=True)
    typer.echo(json.dumps(made.files(), indent=2))


def route(
    method: Annotated[str, typer.Argument(help="GET, POST, ...")],
    target: Annotated[str, typer.Argument(metavar="PATH", help="The path, with a query if any.")],
    header: Annotated[
        list[str] | None,
        typer.Option("-H", "--header", metavar="'NAME: VALUE'", help="A header; may be repeated."),
    ] = None,
    mesh: Annotated[Path | None, typer.Option(help="A mesh folder; else this checkout's.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Say which rule of the mesh's files wins a request, and where it goes.

    Exit code 1: no rule does, and Envoy answers 404.
    """
    settings = _settings()
    made = _translated(mesh or settings.mesh, settings, None, any_host=True)
    if not target.startswith("/"):
        _leave([f"expected a path such as /dashboard/, found {target!r}"], 2)
    request = Request.of(method, target, [_header(text) for text in header or []])
    winner = choose(made.routes[0], request)
    if winner is None:
        _leave([f"no rule takes {method} {target}: Envoy answers 404"], 1)
    found = told(winner, request)
    typer.echo(json.dumps(found, indent=2) if as_json else in_words(found))


def _settings() -> LocalSettings:
    try:
        return load()
    except SettingsError as error:
        _leave([f"meshsplit: {problem}" for problem in error.problems], 2)


def _translated(
    mesh: Path, settings: LocalSettings, endpoints: Path | None, *, any_host: bool
) -> Translation:
    listen = ("127.0.0.1", settings.ports["gateway"])
    path = endpoints or settings.state / "endpoints.json"
    try:
        known = read_endpoints(path) if path.exists() else Endpoints(addresses(settings))
        return translate(
            mesh,
            replace(known, others_by_name=any_host),
            Local(listen, Layout(settings.state / "envoy")),
        )
    except Refused as refused:
        _leave([str(refusal) for refusal in refused.refusals], 1)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        _leave([f"expected a header such as 'x-arm: grpc', found {text!r}"], 2)
    return name.strip(), value.strip()


def _leave(lines: list[str], code: int) -> NoReturn:
    for line in lines:
        typer.echo(line, err=True)
    raise typer.Exit(code)
