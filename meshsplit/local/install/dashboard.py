"""The dashboard's build, with the machine's Node or PyPI's; stamped by the hash of its sources."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from meshsplit.local.install import environment
from meshsplit.local.install.progress import InstallError, run, say

OLDEST_NODE = (20, 19)
LIMIT_S = 900
BUILT_NOT = frozenset({"node_modules", "dist", "test-results", "coverage"})
ADVICE = "Is the network there? `make up` again goes on from here."


def install(root: Path, state: Path) -> None:
    """Install the page's packages and build it, where its sources changed.

    Raises InstallError.
    """
    page = root / "services" / "dashboard"
    log = state / "dashboard.log"
    packages_stamp, build_stamp = state / "dashboard-packages", state / "dashboard-build"
    packages = _hash([page / "package-lock.json"])
    sources = _hash(_sources(page))
    built = (page / "dist" / "index.html").exists() and _is(build_stamp, sources)
    installed = (page / "node_modules").exists() and _is(packages_stamp, packages)
    if built and installed:
        return
    path = node_path(root, state)
    if not installed:
        run(
            "installing the dashboard's packages (npm ci)",
            [_program("npm", path), "ci", "--no-audit", "--no-fund"],
            log,
            ADVICE,
            limit_s=LIMIT_S,
            environment={"PATH": path},
            folder=page,
        )
        packages_stamp.write_text(packages)
    run(
        "building the dashboard",
        [_program("npm", path), "run", "build"],
        log,
        "The log names the file and line that doesn't compile.",
        limit_s=LIMIT_S,
        environment={"PATH": path},
        folder=page,
    )
    build_stamp.write_text(sources)


def node_path(root: Path, state: Path) -> str:
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
        raise InstallError("Node from PyPI doesn't run here; install Node 20 or newer yourself.")
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


def _program(name: str, path: str) -> str:
    return shutil.which(name, path=path) or name


def _sources(page: Path) -> list[Path]:
    return sorted(
        path
        for path in page.rglob("*")
        if path.is_file() and BUILT_NOT.isdisjoint(path.relative_to(page).parts)
    )


def _hash(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _is(stamp: Path, value: str) -> bool:
    return stamp.exists() and stamp.read_text() == value
