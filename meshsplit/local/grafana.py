"""Where this machine has Grafana: a program that is welcome here and not needed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from meshsplit.local.settings import PREFIX

SETTING = f"{PREFIX}GRAFANA"
NONE = "none"
"""What the setting says where no Grafana is wanted."""
HOMES = ("/usr/share/grafana", "/opt/homebrew/share/grafana", "/usr/local/share/grafana")
"""Where Grafana's packages and Homebrew put its files."""
DEFAULTS = "conf/defaults.ini"
"""What a home of Grafana's has."""
HOW_TO_GET_IT = f"""\
Grafana isn't on this machine; with it there are dashboards of how all this runs. Install version 10
or newer (https://grafana.com/grafana/download; on a Mac, `brew install grafana`) or unpack it where
every user may read and say {SETTING}=<its folder>; then `make up` again."""


class GrafanaError(Exception):
    """The setting names no Grafana."""


def find(named: str, path: str) -> dict[str, str]:
    """Return Grafana's program and home as stack.toml knows them; nothing where it is missing.

    Args:
        named: the setting: a program, its home, "none", or "" to look in the usual places.
        path: where programs are looked for, as in PATH.

    Raises:
        GrafanaError: the setting names something else.

    """
    if named == NONE:
        return {}
    if not named:
        programs = [shutil.which("grafana", path=path), *(f"{home}/bin/grafana" for home in HOMES)]
        found = [(Path(p), home) for p in programs if p and _runs(Path(p)) and (home := _home(p))]
        return _known(*found[0]) if found else {}
    place = Path(named).expanduser().absolute()
    program = place / "bin" / "grafana" if place.is_dir() else place
    home = _home(str(program)) if _runs(program) else None
    if home is None:
        raise GrafanaError(
            f"{SETTING}={named}: expected Grafana's program, of version 10 or newer, or the folder "
            f"with its bin/grafana and {DEFAULTS}; or {NONE}"
        )
    return _known(program, home)


def _known(program: Path, home: Path) -> dict[str, str]:
    return {"grafana": str(program), "grafana_home": str(home)}


def _runs(program: Path) -> bool:
    return program.is_file() and os.access(program, os.X_OK)


def _home(program: str) -> Path | None:
    """Return the home that a program belongs to: the one it lies in, or a usual one."""
    own = Path(program).resolve().parent.parent
    return next((h for h in (own, *map(Path, HOMES)) if (h / DEFAULTS).exists()), None)
