"""The virtual environment: every package pinned and hashed, stamped by what was asked for."""

import hashlib
import shutil
import sys
from pathlib import Path

from meshsplit.local.install.progress import run

LIMIT_S = 1800
NETWORK = "Is the network there? `make up` again goes on from here."


def folder(root: Path) -> Path:
    """Return the environment's folder."""
    return root / ".venv"


def python(root: Path) -> Path:
    """Return the environment's Python."""
    return folder(root) / "bin" / "python"


def install(root: Path, state: Path, *, tests: bool) -> None:
    """Make the environment, or bring it up to date; nothing when it is.

    Raises InstallError.
    """
    log = state / "python.log"
    here = folder(root)
    stamp = here / "installed"
    have = stamp.read_text().split() if stamp.exists() else []
    works = python(root).exists() and python(root).resolve().exists()
    # what tests need holds what running needs, so an environment for tests does for both
    names = ["local", "dev"]
    wanted = {name: _hash(root, name) for name in names}
    fitting = {wanted["dev"]} if tests else set(wanted.values())
    if works and fitting & set(have):
        return
    if not works:
        shutil.rmtree(here, ignore_errors=True)
        run(
            f"making {here.name} with Python {sys.version_info[0]}.{sys.version_info[1]}",
            [sys.executable, "-m", "venv", str(here)],
            log,
            "Its module venv has to work: on Debian and Ubuntu, apt-get install python3-venv.",
            limit_s=LIMIT_S,
        )
    kind = "dev" if tests or _was_for_tests(have) else "local"
    pip_install(
        root,
        log,
        f"installing Python packages ({kind})",
        ["--require-hashes", "-r", f"requirements/{kind}.txt"],
    )
    pip_install(
        root,
        log,
        "installing the meshsplit command",
        ["--no-deps", "--no-build-isolation", "--no-index", "--editable", "."],
    )
    stamp.write_text(f"{kind} {wanted[kind]}\n")


def pip_install(root: Path, log: Path, what: str, arguments: list[str]) -> None:
    """Run pip in the environment."""
    command = [str(python(root)), "-m", "pip", "install", "--disable-pip-version-check"]
    quiet = ["--no-input", "--progress-bar", "off"]
    run(what, [*command, *quiet, *arguments], log, NETWORK, limit_s=LIMIT_S, folder=root)


def _was_for_tests(have: list[str]) -> bool:
    return "dev" in have


def _hash(root: Path, kind: str) -> str:
    """Return what decides an environment's content; its place too: its scripts name it."""
    digest = hashlib.sha256(f"{root} {sys.version_info[:2]}".encode())
    digest.update((root / "requirements" / f"{kind}.txt").read_bytes())
    digest.update((root / "pyproject.toml").read_bytes())
    return f"{kind}-{digest.hexdigest()}"
