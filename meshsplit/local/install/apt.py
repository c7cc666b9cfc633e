"""`apt.py PACKAGE…`, as root: install packages, and leave no service of theirs on.

While apt works, /usr/sbin/policy-rc.d forbids starting services; an administrator's own file is put
back. Units and boot links that were there before are never touched.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

POLICY = Path("/usr/sbin/policy-rc.d")
FORBID = "#!/bin/sh\n# meshsplit: no service starts while it installs packages\nexit 101\n"
SYSTEMD_LINKS = Path("/etc/systemd/system")
BOOT_FOLDERS = "rc[2-5].d"
QUIET = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1", "LC_ALL": "C.UTF-8"}
LOCK_WAIT = ("-o", "DPkg::Lock::Timeout=300")


def main(packages: list[str]) -> int:
    """Install the packages; returns apt's exit code."""
    os.environ.update(QUIET)
    before = boot_links()
    with no_service_starts():
        code = _run("apt-get", *LOCK_WAIT, "update")
        if code == 0:
            code = _run(
                "apt-get", *LOCK_WAIT, "install", "-y", "--no-install-recommends", *packages
            )
        switch_off(boot_links() - before)
    return code


@contextlib.contextmanager
def no_service_starts(policy: Path = POLICY) -> Iterator[None]:
    """Forbid starting services for a while, whatever ends that while."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    kept = policy.with_name(policy.name + ".before-meshsplit")
    if policy.exists() and policy.read_text() != FORBID:
        policy.rename(kept)
    policy.write_text(FORBID)
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink(missing_ok=True)
        if kept.exists():
            kept.rename(policy)


def boot_links(systemd: Path = SYSTEMD_LINKS, etc: Path = Path("/etc")) -> set[Path]:
    """Return every link that starts something at boot."""
    wants = set(systemd.glob("*.wants/*")) | set(systemd.glob("*.service"))
    return wants | set(etc.glob(f"{BOOT_FOLDERS}/S*"))


def switch_off(new: set[Path]) -> None:
    """Stop and disable what is new; quietly where this machine has no systemd."""
    units = sorted({link.name for link in new if SYSTEMD_LINKS in link.parents})
    scripts = sorted(
        {link.name.lstrip("S0123456789") for link in new if SYSTEMD_LINKS not in link.parents}
    )
    if units and shutil.which("systemctl"):
        _run("systemctl", "disable", *units)
        if Path("/run/systemd/system").exists():
            _run("systemctl", "stop", *units)
    if shutil.which("update-rc.d"):
        for script in scripts:
            _run("update-rc.d", script, "disable")
    for link in new:
        if SYSTEMD_LINKS in link.parents and link.is_symlink():
            link.unlink()
    for name in {*units, *scripts}:
        print("not left running or enabled:", name)


def _run(*command: str) -> int:
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
