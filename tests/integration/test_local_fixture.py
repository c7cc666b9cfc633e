"""The tests' own stack goes away, however the tests end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from meshsplit.local.places import Places, places
from meshsplit.local.ports import answers, free_ports
from meshsplit.local.run import leftovers
from meshsplit.local.settings import checkout, default_ports, port_setting

if TYPE_CHECKING:
    from collections.abc import Iterator

WAITS = """
import json, sys, time
from tests.stack import live_stack
with live_stack(**json.loads(sys.argv[1])) as stack:
    print(json.dumps([str(stack.state), *stack.ports.values()]), flush=True)
    time.sleep(600)
"""
GONE_S = 90


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
Session = subprocess.Popen[str]


def ports_of_their_own() -> dict[signal.Signals, dict[str, int]]:
    """Choose the ports of all sessions together: each by itself could choose another's."""
    wanted = {(number, name): f"{number} {name}" for number in SIGNALS for name in default_ports()}
    free = free_ports(wanted.values())
    return {
        number: {name: free[wanted[number, name]] for name in default_ports()} for number in SIGNALS
    }


def begin(ports: dict[str, int]) -> Session:
    settings = {port_setting(name): str(port) for name, port in ports.items()}
    words = [sys.executable, "-c", WAITS, json.dumps(settings)]
    return subprocess.Popen(words, cwd=checkout(), stdout=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def sessions() -> Iterator[dict[signal.Signals, Session]]:
    """A session for each signal, begun at once: each waits most of the time for its own parts."""
    begun = {number: begin(ports) for number, ports in ports_of_their_own().items()}
    try:
        yield begun
    finally:
        for session in begun.values():  # of a test that wasn't asked for
            session.terminate()
            session.wait(GONE_S)


@pytest.mark.parametrize("number", SIGNALS)
def test_an_interrupted_session_leaves_no_process_no_port_and_no_file(
    sessions: dict[signal.Signals, Session], number: signal.Signals
) -> None:
    with sessions[number] as session:
        assert session.stdout is not None
        said = session.stdout.readline()
        assert said, "the stack didn't start"
        state, *ports = json.loads(said)
        here = places(Path(state))
        assert leftovers(here) != []
        session.send_signal(number)
        session.wait(GONE_S)
    wait_until_gone(here, ports)


def wait_until_gone(here: Places, ports: list[int]) -> None:
    deadline = time.monotonic() + GONE_S
    while leftovers(here) or here.state.parent.exists() or here.data.exists():
        assert time.monotonic() < deadline, (leftovers(here), here)
        time.sleep(0.5)
    assert [port for port in ports if answers("127.0.0.1", port)] == []
