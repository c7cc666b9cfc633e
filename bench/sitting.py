"""A sitting: what was measured one after the other, on one state of the source."""

import subprocess
from datetime import UTC, datetime

from meshsplit.local.settings import checkout


def sitting() -> str:
    """Name the one that begins now: its minute in UTC, and the commit where there is one."""
    asked = ("git", "describe", "--always", "--dirty", "--abbrev=7", "--exclude=*")
    try:
        told = subprocess.run(
            asked, cwd=checkout(), capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):  # no git, or no history
        told = "no commit"
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M}, {told}"
