"""`python3 -m meshsplit.local.install [--tests]`: each step only where something is missing."""

import argparse
import sys
from pathlib import Path

from meshsplit.local.install import dashboard, environment, node, packages
from meshsplit.local.install.progress import InstallError


def main() -> int:
    """Bring what is missing, in order; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="meshsplit install", description=__doc__)
    parser.add_argument("--tests", action="store_true", help="what `make test` needs as well")
    chosen = parser.parse_args()
    root = Path(__file__).resolve().parents[3]
    state = root / ".local" / "install"
    try:
        packages.install(root, state, tests=chosen.tests)
        environment.install(root, state, tests=chosen.tests)
        dashboard.install(root, state)
        if chosen.tests:
            node.packages(root / "proto", root, state, "the contract's linter")
    except InstallError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped by ^C; running it again goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
