"""The tests' own stack goes away, however the tests end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from meshsplit.local.places import Places, places
from meshsplit.local.ports import answers
from meshsplit.local.run import leftovers
from meshsplit.local.settings import checkout

WAITS = """
import json, sys, time
from tests.stack import live_stack
with live_stack() as stack:
    print(json.dumps([str(stack.state), *stack.ports.values()]), flush=True)
    time.sleep(600)
"""
GONE_S = 90


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_session_leaves_no_process_no_port_and_no_file(
    number: signal.Signals,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WAITS], cwd=checkout(), stdout=subprocess.PIPE, text=True
    ) as session:
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
