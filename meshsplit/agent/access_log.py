"""Keeps the gateway's access log from filling the disk: one file being written, one before it."""

import logging
import urllib.error
import urllib.request
from pathlib import Path

LARGEST_BYTES = 64 * 1024 * 1024
REOPEN_LIMIT_S = 2

log = logging.getLogger("meshsplit.agent")


def rotate(path: Path, admin: tuple[str, int], *, largest: int = LARGEST_BYTES) -> bool:
    """Put the log aside when it has grown too large, and have Envoy begin a new one.

    Returns whether it did. An Envoy that can't be asked goes on writing to the file put aside,
    and no line is lost: it is asked again when that has become the larger one.
    """
    previous = path.with_name(path.name + ".1")
    if not path.exists():
        overdue = previous.exists() and previous.stat().st_size > largest
        return overdue and _reopen(admin)
    if path.stat().st_size <= largest:
        return False
    path.replace(previous)
    return _reopen(admin)


def _reopen(admin: tuple[str, int]) -> bool:
    url = f"http://{admin[0]}:{admin[1]}/reopen_logs"
    request = urllib.request.Request(url, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=REOPEN_LIMIT_S):  # noqa: S310  our own URL
            return True
    except (urllib.error.URLError, TimeoutError) as error:
        log.warning("the gateway did not begin a new access log: %s", error)
        return False
