"""The devcontainer says what the project has: its targets and its ports."""

import json
import re
from pathlib import Path
from typing import Any

from meshsplit.local.settings import default_ports

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / ".devcontainer" / "devcontainer.json").read_text()
PROPERTIES = {
    "name",
    "image",
    "containerEnv",
    "onCreateCommand",
    "postStartCommand",
    "forwardPorts",
    "portsAttributes",
    "otherPortsAttributes",
    "hostRequirements",
}
"""Those of the Development Container Specification that are used; a slip in a name is silent."""


def described() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(re.sub(r"^\s*//.*$", "", TEXT, flags=re.MULTILINE))
    return content


def test_it_has_no_property_that_the_specification_has_not() -> None:
    assert set(described()) == PROPERTIES


def test_it_runs_make_up_and_names_only_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = [value for key, value in described().items() if key.endswith("Command")]
    assert "make up" in commands
    assert {command.split()[1] for command in commands} <= targets


def test_the_ports_it_forwards_are_the_stack_s() -> None:
    known = set(default_ports().values())
    assert set(described()["forwardPorts"]) <= known
    assert {int(port) for port in described()["portsAttributes"]} == set(
        described()["forwardPorts"]
    )
