"""``meshsplit``: the command. Each part of it brings its own verbs; this puts them together."""

import typer

from meshsplit.explaining import commands as explaining
from meshsplit.local import commands as local
from meshsplit.routing import commands as routing
from meshsplit.split import commands as split
from meshsplit.traces import commands as traces

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Student records, split in a service mesh: run it, load it, and change the split.",
)
app.add_typer(split.app, name="split")
local.register(app)
routing.register(app)
explaining.register(app)
traces.register(app)


def main() -> None:
    """Run the command."""
    app()


if __name__ == "__main__":
    main()
