"""Has the code changed since a service was started: one hash over all of it."""

import hashlib
from pathlib import Path

PYTHON = ("services", "meshsplit", "loadtest")
SKIPPED = frozenset({"node_modules", "__pycache__", "dist"})


def fingerprint(root: Path) -> str:
    """Return a hash of every Python source the services run."""
    digest = hashlib.sha256()
    for folder in PYTHON:
        for path in sorted((root / folder).rglob("*.py")):
            if SKIPPED.isdisjoint(path.parts):
                digest.update(f"{path.relative_to(root)}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()
