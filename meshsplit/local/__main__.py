"""`python -m meshsplit.local up`: the local runner without the rest of the command."""

import typer

from meshsplit.local.commands import register


def main() -> None:
    """Run the local commands alone."""
    app = typer.Typer(no_args_is_help=True, help="The whole system on this machine.")
    register(app)
    app()


if __name__ == "__main__":
    main()
