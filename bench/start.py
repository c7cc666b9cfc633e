"""``python -m bench.start`` (`make bench-start`): how soon `make up` stores the first record.

It is the `make up` that a person types, everything installed before, with free ports and folders
that go away.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import httpx

from bench.aims import FIRST_RECORD
from meshsplit.local.run import Run
from meshsplit.local.settings import PREFIX, checkout, port_setting
from meshsplit.local.temporary import own_run

_LIMIT_S: Final = 180.0
_LOOK_S: Final = 0.02
_STOP_S: Final = 30.0


class StartError(Exception):
    """`make up` failed, or stored nothing in time; says what it wrote."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Start so many times; 1 if one failed."""
    parser = argparse.ArgumentParser(prog="python -m bench.start", description=__doc__)
    parser.add_argument("--times", type=int, default=3, help="how often, each time from nothing")
    for _ in range(parser.parse_args(arguments).times):
        try:
            with own_run() as run:
                first, whole = _start(run)
        except StartError as problem:
            sys.stderr.write(f"VOID: {problem}\n")
            return 1
        sys.stdout.write(
            f"first record stored after {FIRST_RECORD.held(first)}; all {whole:.1f} s\n"
        )
        sys.stdout.flush()
    return 0


def _start(run: Run) -> tuple[float, float]:
    """Give the seconds until a record was stored, and until `make up` ended."""
    count = f"http://{run.settings.gateway}/api/v1/records/count"
    with tempfile.TemporaryFile("w+") as told, httpx.Client(timeout=2) as client:
        began = time.monotonic()
        with _make_up(run, told.fileno()) as making:
            first = None
            while (spent := time.monotonic() - began) < _LIMIT_S:
                ended = making.poll()
                if first is None and _any(client, count):
                    first = time.monotonic() - began
                if ended is not None and (ended or first is not None):
                    break
                time.sleep(_LOOK_S)
        if making.returncode or first is None:
            told.seek(0)
            raise StartError(f"make up ended with {making.returncode}:\n{told.read()[-3000:]}")
        return first, spent


@contextmanager
def _make_up(run: Run, out: int) -> Iterator[subprocess.Popen[bytes]]:
    making = subprocess.Popen(
        ["make", "up"],  # noqa: S607 - as a person does
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=out,
        cwd=checkout(),
        env=_environment(run),
    )
    try:
        yield making
    finally:
        if making.poll() is None:
            making.terminate()
            making.wait(_STOP_S)


def _environment(run: Run) -> Mapping[str, str]:
    # a make above would hand its own flags on
    inherited = {name: v for name, v in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS"}}
    ports = {port_setting(name): str(port) for name, port in run.settings.ports.items()}
    own = {
        f"{PREFIX}STATE_DIR": str(run.settings.state),
        f"{PREFIX}MESH_DIR": str(run.settings.mesh),
        f"{PREFIX}GRAFANA": run.settings.grafana,
    }
    return {**inherited, **ports, **own}


def _any(client: httpx.Client, count: str) -> bool:
    try:
        answer = client.get(count)
        return answer.status_code == httpx.codes.OK and answer.json()["total"] > 0
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    sys.exit(main())
