"""stack.toml read into values: the services, how each is started, known to be ready, stopped."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from meshsplit.local.settings import STACK_FILE

PLACEHOLDER = re.compile(r"\{([a-z_.-]+)\}")


class StackError(Exception):
    """stack.toml says something that can't be started."""


@dataclass(frozen=True)
class Service:
    """One program of the stack; texts may hold placeholders until `filled`."""

    name: str
    title: str
    stage: str
    command: tuple[str, ...]
    ports: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    as_user: tuple[str, ...] = ()
    ready: str = ""
    within_s: float = 45
    stop_s: float = 30
    stop_signal: str = "TERM"
    once: bool = False
    ours: bool = False
    unless: str = ""
    needs: str = ""
    nice: int = 0

    @property
    def words(self) -> tuple[str, ...]:
        """What is run: the command, at the service's priority."""
        return ("nice", "-n", str(self.nice), *self.command) if self.nice else self.command

    def filled(self, values: Mapping[str, str]) -> "Service":
        """Return the service with its placeholders replaced.

        Raises StackError for a placeholder that has no value.
        """
        return Service(
            **{
                **self.__dict__,
                "command": tuple(fill(part, values) for part in self.command),
                "environment": {n: fill(v, values) for n, v in self.environment.items()},
                "ready": fill(self.ready, values),
            }
        )


@dataclass(frozen=True)
class Stack:
    """Everything stack.toml says."""

    stages: tuple[str, ...]
    services: tuple[Service, ...]
    environment: Mapping[str, str]
    hosts: Mapping[str, str]

    def of_stage(self, stage: str) -> list[Service]:
        """Return a stage's services in the order of the file."""
        return [service for service in self.services if service.stage == stage]


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace each {placeholder}; raises StackError for one that has no value."""

    def value(match: re.Match[str]) -> str:
        try:
            return values[match[1]]
        except KeyError:
            raise StackError(f"stack.toml: nothing is known as {match[0]} in {text!r}") from None

    return PLACEHOLDER.sub(value, text)


def load_stack(path: Path = STACK_FILE) -> Stack:
    """Read the stack; raises StackError for a service in a stage that isn't listed."""
    read: dict[str, Any] = tomllib.loads(path.read_text())
    stages = tuple(read["stages"])
    services = []
    for entry in read["service"]:
        for name in ("command", "ports", "as_user"):
            entry[name] = tuple(entry.get(name, ()))
        service = Service(**entry)
        if service.stage not in stages:
            raise StackError(f"stack.toml: {service.name}: no stage {service.stage!r} in {stages}")
        services.append(service)
    return Stack(stages, tuple(services), read["environment"], read["hosts"])
