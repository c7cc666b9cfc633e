"""Node: the machine's where it is new enough, else PyPI's in the virtual environment."""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from meshsplit.local.install import environment
from meshsplit.local.install.progress import InstallError, run, say

OLDEST_NODE = (20, 19)
LIMIT_S = 900
NETWORK = "Is the network there? The same command again goes on from here."


def packages(folder: Path, root: Path, state: Path, what: str) -> None:
    """Install a folder's npm packages from its lock file, unless those are there.

    Raises InstallError.
    """
    stamp = folder / "node_modules" / ".installed"
    wanted = hash_of([folder / "package-lock.json"])
    if is_stamped(stamp, wanted):
        return
    npm(["ci", "--no-audit", "--no-fund"], folder, root, state, f"installing {what}'s packages")
    stamp.write_text(wanted)


def npm(arguments: list[str], folder: Path, root: Path, state: Path, what: str) -> None:
    """Run npm in a folder; raises InstallError."""
    path = search_path(root, state)
    run(
        f"{what} (npm {arguments[0]})",
        [shutil.which("npm", path=path) or "npm", *arguments],
        state / "node.log",
        NETWORK if arguments[0] == "ci" else "The log names the file and line at fault.",
        limit_s=LIMIT_S,
        environment={"PATH": path},
        folder=folder,
    )


def search_path(root: Path, state: Path) -> str:
    """Return a PATH on which node and npm are new enough, installing PyPI's where none is.

    Raises InstallError.
    """
    own = f"{environment.folder(root) / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    for path in (os.environ.get("PATH", os.defpath), own):
        if shutil.which("npm", path=path) and version(path) >= OLDEST_NODE:
            return path
    say(f"no Node {'.'.join(map(str, OLDEST_NODE))} or newer here; PyPI's goes into .venv")
    environment.pip_install(
        root,
        state / "python.log",
        "installing Node",
        ["--require-hashes", "-r", "requirements/node.txt"],
    )
    if version(own) < OLDEST_NODE:
        raise InstallError("Node from PyPI doesn't run here; install Node 20.19 or newer yourself.")
    return own


def version(path: str) -> tuple[int, int]:
    """Return the version of the node on a PATH; (0, 0) where there is none that works."""
    node = shutil.which("node", path=path)
    if node is None:
        return (0, 0)
    try:
        said = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=30, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    match = re.match(r"v(\d+)\.(\d+)", said)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def hash_of(paths: Iterable[Path]) -> str:
    """Return a hash of files' names and contents."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_stamped(stamp: Path, value: str) -> bool:
    """Tell whether a stamp holds a value."""
    return stamp.exists() and stamp.read_text() == value
