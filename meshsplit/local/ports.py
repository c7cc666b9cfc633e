"""Who has a port: asked before anything binds, so that a person reads a name, not an errno."""

import random
import socket
from collections.abc import Iterable, Mapping

import psutil

from meshsplit.local.settings import PREFIX, port_setting

CONNECT_LIMIT_S = 1
FREE_RANGE = range(20000, 32000)  # below what Linux and macOS give to outgoing connections
LONGEST_COMMAND = 80


def answers(host: str, port: int) -> bool:
    """Tell whether anything accepts a connection there."""
    try:
        with socket.create_connection((host, port), timeout=CONNECT_LIMIT_S):
            return True
    except OSError:
        return False


def bindable(host: str, port: int) -> bool:
    """Tell whether the port can be bound there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def taken(wanted: Mapping[str, int], host: str) -> list[str]:
    """Return a sentence for each port that somebody has: who, and which setting moves ours."""
    sentences = []
    for name, port in wanted.items():
        if answers(host, port) or not bindable(host, port):
            sentences.append(
                f"port {port} ({name}) is taken by {holder(port)}. "
                f"{port_setting(name)}=… moves this one, {PREFIX}PORT_SHIFT=… all."
            )
    return sentences


def holder(port: int) -> str:
    """Say who listens on a port."""
    try:
        connections = psutil.net_connections("inet")
    except psutil.AccessDenied:  # macOS tells only root
        return "another program; its name needs root to see"
    pids = [
        c.pid
        for c in connections
        if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port
    ]
    if not pids:
        return (
            "something no process here listens for, such as a cluster's or a container's host port"
        )
    for pid in pids:
        if pid is not None:
            return _name(pid)
    return "another user's process; its name needs root to see"


def free_ports(names: Iterable[str]) -> dict[str, int]:
    """Choose a free port for each name, at random so that two choosers rarely meet."""
    chosen: dict[str, int] = {}
    candidates = random.SystemRandom().sample(FREE_RANGE, len(FREE_RANGE))
    for name in names:
        while True:
            port = candidates.pop()
            if bindable("127.0.0.1", port) and bindable("0.0.0.0", port):
                chosen[name] = port
                break
    return chosen


def _name(pid: int) -> str:
    try:
        process = psutil.Process(pid)
        command = " ".join(process.cmdline()) or process.name()
        user = process.username()
    except psutil.Error:
        return f"process {pid}"
    short = command if len(command) <= LONGEST_COMMAND else command[:LONGEST_COMMAND] + "…"
    return f"process {pid} of {user} ({short})"
