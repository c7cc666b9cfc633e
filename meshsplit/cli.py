"""``meshsplit``: the command. Each part of it brings its own verbs; this puts them together."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from meshsplit.agent.loop import read_endpoints
from meshsplit.local import commands as local
from meshsplit.local.settings import SettingsError, load
from meshsplit.split import commands as split
from meshsplit.translator.bootstrap import Layout
from meshsplit.translator.endpoints import Endpoints
from meshsplit.translator.refusal import Refused
from meshsplit.translator.translation import Local, translate

SERVICES = ("ingest", "bridge", "reporter", "dashboard", "shadow")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Student records, split in a service mesh: run it, load it, and change the split.",
)
app.add_typer(split.app, name="split")
local.register(app)


@app.command()
def render(
    mesh: Annotated[Path, typer.Argument(help="A mesh folder.")],
    endpoints: Annotated[Path | None, typer.Option(help="JSON, addresses by host.")] = None,
) -> None:
    """Print the Envoy configuration made of a mesh folder, or every reason why there is none."""
    try:
        settings = load()
        known = _endpoints(endpoints or settings.state / "endpoints.json", settings.ports)
        listen = ("127.0.0.1", settings.ports["gateway"])
        made = translate(mesh, known, Local(listen, Layout(settings.state / "envoy")))
    except SettingsError as error:
        for problem in error.problems:
            typer.echo(f"meshsplit: {problem}", err=True)
        raise typer.Exit(2) from error
    except Refused as refused:
        for refusal in refused.refusals:
            typer.echo(str(refusal), err=True)
        raise typer.Exit(1) from refused
    typer.echo(json.dumps(made.files(), indent=2))


def main() -> None:
    """Run the command."""
    app()


def _endpoints(path: Path, ports: Mapping[str, int]) -> Endpoints:
    if path.exists():
        return read_endpoints(path)
    return Endpoints({name: f"127.0.0.1:{ports[name]}" for name in SERVICES})


if __name__ == "__main__":
    main()
