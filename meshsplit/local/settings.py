"""The local runner's settings: where it keeps things and which ports it takes.

They come from the environment, from a git-ignored `.env` beside the Makefile, or from what the
running stack was started with; the first that says something wins.
"""

import ipaddress
import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PREFIX = "MESHSPLIT_"
OWN = ("PORT_SHIFT", "BIND", "STATE_DIR", "MESH_DIR", "STACK_FILE", "GRAFANA")
LOWEST_PORT, HIGHEST_PORT = 1, 65535
STACK_FILE = Path(__file__).with_name("stack.toml")
RUN_FILE = "run.json"
"""In the state folder while a stack runs: its id, and the settings it was started with."""


class SettingsError(Exception):
    """One or more settings make no sense; `problems` says of each what was expected."""

    def __init__(self, problems: list[str]) -> None:
        """Keep every problem: a person mends all of them in one go."""
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class LocalSettings:
    """What a person may choose about a run on this machine."""

    root: Path
    state: Path
    mesh: Path
    stack: Path
    """The file that says what runs."""
    grafana: str
    """Grafana's program or home; "none" for no Grafana, "" for wherever it is found."""
    bind: str
    shift: int
    """Added to every port that has no setting of its own."""
    ports: Mapping[str, int]
    passed_on: Mapping[str, str]
    """Every other MESHSPLIT_ setting: it is meant for a service and handed on to all of ours."""

    @property
    def gateway(self) -> str:
        """Where a client on this machine finds the gateway, as host:port."""
        any_address = ipaddress.ip_address(self.bind).is_unspecified
        return f"{'127.0.0.1' if any_address else self.bind}:{self.ports['gateway']}"

    @property
    def origins(self) -> str:
        """The page's own addresses, from which a WebSocket is let in; comma-separated."""
        port = self.ports["gateway"]
        hosts = dict.fromkeys(("127.0.0.1", "localhost", self.gateway.rsplit(":", 1)[0]))
        return ",".join(f"http://{host}:{port}" for host in hosts)


def checkout() -> Path:
    """Return the folder that holds the project."""
    return Path(__file__).resolve().parents[2]


def default_ports(stack: Path = STACK_FILE) -> dict[str, int]:
    """Return every port's name and default, in the order of the stack's file.

    Raises SettingsError when the file can't be read or has no ports.
    """
    try:
        ports: dict[str, int] = dict(tomllib.loads(stack.read_text())["ports"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = f"{PREFIX}STACK_FILE={stack}: expected a file such as {STACK_FILE.name}: {error}"
        raise SettingsError([problem]) from error
    if wrong := [f"{name} = {port!r}" for name, port in ports.items() if type(port) is not int]:
        raise SettingsError([f"{stack}: expected ports as whole numbers, found {', '.join(wrong)}"])
    return ports


def port_setting(name: str) -> str:
    """Return the setting that moves one port."""
    return f"{PREFIX}PORT_{name.upper()}"


def read_env_file(path: Path) -> dict[str, str]:
    """Read NAME=value lines; blank lines and # comments are skipped.

    Raises SettingsError naming every line that is neither.
    """
    if not path.exists():
        return {}
    values: dict[str, str] = {}
    problems = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path} can't be read: {error}"]) from error
    for number, line in enumerate(lines, 1):
        text = line.strip().removeprefix("export ")
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            problems.append(f"{path}:{number}: expected NAME=value, found {text!r}")
            continue
        values[name.strip()] = value.strip().strip("'\"")
    if problems:
        raise SettingsError(problems)
    return values


def load(environ: Mapping[str, str] | None = None, root: Path | None = None) -> LocalSettings:
    """Read the settings.

    Raises SettingsError that names all wrong settings at once.
    """
    root = root or checkout()
    given = read_env_file(root / ".env")
    given.update(os.environ if environ is None else environ)
    values = {
        name.removeprefix(PREFIX): value.strip()
        for name, value in given.items()
        if name.startswith(PREFIX) and value.strip()
    }
    problems: list[str] = []
    state = (root / values.get("STATE_DIR", ".local")).absolute()
    values = {**_running(state / RUN_FILE, shifted="PORT_SHIFT" in values), **values}
    stack = (root / values.get("STACK_FILE", STACK_FILE)).absolute()
    defaults = default_ports(stack)
    bind = _address(values.get("BIND", "127.0.0.1"), problems)
    shift = _shift(values, problems)
    ports = _ports(values, defaults, shift, problems)
    if state.exists() and not state.is_dir():
        problems.append(f"{PREFIX}STATE_DIR={state}: expected a folder")
    mesh = (root / values.get("MESH_DIR", "mesh")).absolute()
    if not mesh.is_dir():
        problems.append(f"{PREFIX}MESH_DIR={mesh}: expected a folder with the mesh's files")
    _collector(values.get("OTLP_ENDPOINT"), problems)
    if problems:
        raise SettingsError(problems)
    ours = {*OWN, *(port_setting(name).removeprefix(PREFIX) for name in ports)}
    # a port's name that isn't in the file any more is nobody's setting
    passed_on = {
        f"{PREFIX}{name}": value
        for name, value in values.items()
        if name not in ours and not name.startswith("PORT_")
    }
    grafana = values.get("GRAFANA", "")
    return LocalSettings(root, state, mesh, stack, grafana, bind, shift, ports, passed_on)


def _running(path: Path, *, shifted: bool) -> dict[str, str]:
    """Return what the running stack was started with, so that any shell's commands find it.

    A shift that was just asked for moves every port, so the old ones don't count then.
    """
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))["settings"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # nothing runs, or it was started by a version that kept less
    if not isinstance(settings, dict):
        return {}
    names = {
        name.removeprefix(PREFIX): value
        for name, value in settings.items()
        if isinstance(value, str)
    }
    return {n: v for n, v in names.items() if not (shifted and n.startswith("PORT_"))}


def _shift(values: Mapping[str, str], problems: list[str]) -> int:
    text = values.get("PORT_SHIFT", "0")
    try:
        return int(text)
    except ValueError:
        problems.append(f"{PREFIX}PORT_SHIFT={text}: expected a whole number, such as 100")
        return 0


def _address(text: str, problems: list[str]) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        problems.append(
            f"{PREFIX}BIND={text}: expected an IPv4 address of this machine, such as 127.0.0.1"
        )
        return "127.0.0.1"


def _collector(text: str | None, problems: list[str]) -> None:
    """Check where spans go instead of this run's store: Envoy is told by host and port."""
    if text is not None and not re.fullmatch(r"http://[^/:@\s]+:\d+/?", text):
        problems.append(
            f"{PREFIX}OTLP_ENDPOINT={text}: expected an OTLP/gRPC collector such as "
            "http://127.0.0.1:4317"
        )


def _ports(
    values: Mapping[str, str], defaults: Mapping[str, int], shift: int, problems: list[str]
) -> dict[str, int]:
    ports: dict[str, int] = {}
    for name, default in defaults.items():
        setting = port_setting(name)
        text = values.get(setting.removeprefix(PREFIX))
        shown = setting if text is not None else f"{PREFIX}PORT_SHIFT"
        try:
            port = default + shift if text is None else int(text)
        except ValueError:
            problems.append(f"{setting}={text}: expected a port number")
            continue
        if not LOWEST_PORT <= port <= HIGHEST_PORT:
            problems.append(
                f"{shown}={text or shift}: {name} would get port {port}; "
                f"expected {LOWEST_PORT} to {HIGHEST_PORT}"
            )
        ports[name] = port
    _no_port_twice(ports, problems)
    return ports


def _no_port_twice(ports: Mapping[str, int], problems: list[str]) -> None:
    first: dict[int, str] = {}
    for name, port in ports.items():
        if port in first:
            problems.append(
                f"{port_setting(name)}={port}: expected a port of its own, "
                f"{first[port]} has that one too"
            )
        first.setdefault(port, name)
