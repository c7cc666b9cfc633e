"""The stores' generated passwords: made once, kept in the state folder, for the caller's eyes."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "passwords.json"


@dataclass(frozen=True)
class Passwords:
    """One password a login; hexadecimal, so that no file or URL needs to quote them."""

    mysql: str
    mysql_root: str
    redis: str


def passwords(state: Path) -> Passwords:
    """Return this state's passwords, made on the first call."""
    path = state / FILE
    if path.exists():
        return Passwords(**json.loads(path.read_text()))
    made = Passwords(*(secrets.token_hex(16) for _ in range(3)))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(made), file)
    return made
