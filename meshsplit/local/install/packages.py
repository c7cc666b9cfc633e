"""The system's packages: which are missing, and their installation with apt."""

import os
import platform
import shutil
import sys
from pathlib import Path

from meshsplit.local.install.progress import InstallError, agreed, run, say

OLDEST, NEWEST = (3, 11), (3, 13)
SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/opt/homebrew/bin", "/usr/local/bin")
APT_LIMIT_S = 1800

# program → Debian's and Ubuntu's package, Homebrew's formula
PROGRAMS = {
    "mariadbd": ("mariadb-server-core", "mariadb"),
    "redis-server": ("redis-server", "redis"),
    "prometheus": ("prometheus", "prometheus"),
    "nginx": ("nginx-light", "nginx"),
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
GALERA = ("/usr/lib/galera/libgalera_smm.so", "/usr/bin/wsrep_sst_rsync")
"""What the tests of a ledger on three nodes need; both come with MariaDB's whole package."""


def install(root: Path, state: Path, *, tests: bool) -> None:
    """Install what is missing, after asking.

    Raises InstallError with the exact command where this can't be done from here.
    """
    check_python()
    wanted = missing(tests=tests)
    if not wanted:
        return
    if sys.platform == "darwin":
        formulas = " ".join(PROGRAMS[p][1] for p in wanted if p in PROGRAMS)
        casks = "\n    brew install --cask chromium" if "chromium" in wanted else ""
        raise InstallError(
            f"This Mac lacks {', '.join(wanted)}. With Homebrew (its services stay stopped):\n"
            f"    brew install {formulas}{casks}\nThen the same command again."
        )
    debian = [PROGRAMS[p][0] if p in PROGRAMS else p for p in wanted]
    line = f"apt-get install --no-install-recommends {' '.join(debian)}"
    if shutil.which("apt-get") is None:
        raise InstallError(
            f"This machine lacks {', '.join(wanted)}, and has no apt to install them with. "
            f"Debian and Ubuntu call the packages {', '.join(debian)}; install your system's, "
            "leave their services stopped, and run the same command again."
        )
    before = _as_root(line)
    say(f"missing system packages: {', '.join(debian)}")
    say("their services will be left stopped and disabled; ours use ports and data of their own")
    if not agreed("Install them with apt-get?"):
        raise InstallError(f"Nothing was installed. To do it yourself:\n    sudo {line}")
    run(
        "installing system packages",
        [*before, sys.executable, str(Path(__file__).with_name("apt.py")), *debian],
        state / "packages.log",
        f"`sudo apt-get update && sudo {line}` shows it at length.",
        limit_s=APT_LIMIT_S,
        folder=root,
    )
    still = missing(tests=tests)
    if still:
        raise InstallError(
            f"apt-get installed {' '.join(debian)}, but {', '.join(still)} can't be found."
        )


def check_python() -> None:
    """Raise InstallError when this Python is too old, or newer than what is tested."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        raise InstallError(
            f"{sys.executable} is Python {platform.python_version()}; expected 3.11, 3.12 or 3.13. "
            "Install one (Debian 12 and newer and Ubuntu 24.04 have it as python3) and name it: "
            "make up PYTHON=python3.12"
        )


def missing(*, tests: bool) -> list[str]:
    """Return the programs (and packages without one) that this machine lacks."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *SBIN])
    lacking = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if not has_venv() and sys.platform == "linux":
        lacking.append(f"python{sys.version_info[0]}.{sys.version_info[1]}-venv")
    if tests and not any(shutil.which(name, path=path) for name in BROWSERS):
        lacking.append("chromium")
    if tests and sys.platform == "linux" and not all(Path(file).exists() for file in GALERA):
        lacking += ["mariadb-server", "rsync"]
    if tests and sys.platform == "linux" and shutil.which("strace", path=path) is None:
        lacking.append("strace")  # the audit makes a disk slow with it
    return lacking


def has_venv() -> bool:
    """Tell whether this Python can make environments with pip; Debian's needs a package for it."""
    try:
        import ensurepip  # noqa: F401, PLC0415  absent is what is asked
        import venv  # noqa: F401, PLC0415  as above
    except ImportError:
        return False
    return True


def _as_root(line: str) -> list[str]:
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo is None:
        raise InstallError(
            "System packages are missing, and installing them needs root or sudo. Ask whoever has "
            f"it to run\n    {line}\n(and to leave their services stopped), then run the same "
            "command again."
        )
    kept = [
        f"{n}={os.environ[n]}" for n in ("http_proxy", "https_proxy", "no_proxy") if n in os.environ
    ]
    return [sudo, "env", *kept] if sys.stdin.isatty() else [sudo, "-n", "env", *kept]
