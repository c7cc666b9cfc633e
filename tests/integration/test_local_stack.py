"""The commands a person types, on a whole stack of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from meshsplit.local.pages import built_page, served_page
from meshsplit.local.places import places
from meshsplit.local.ports import answers
from meshsplit.local.run import leftovers, open_run
from meshsplit.local.settings import checkout, load
from tests import plain_http
from tests.stack import remove, reopen, settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIMIT_S = 240
SOON_S = 60


@dataclass(frozen=True)
class Machine:
    """A person's settings, and the commands under them."""

    settings: dict[str, str]

    def meshsplit(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "meshsplit.local", *arguments],
            cwd=checkout(),
            env={**os.environ, "YES": "", **self.settings, **more},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=LIMIT_S,
            check=False,
        )

    def works(self, *arguments: str) -> str:
        done = self.meshsplit(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def state(self) -> Path:
        return Path(self.settings["MESHSPLIT_STATE_DIR"])

    @property
    def gateway(self) -> str:
        return f"http://127.0.0.1:{self.settings['MESHSPLIT_PORT_GATEWAY']}"

    def total(self) -> int:
        answer = plain_http.get(f"{self.gateway}/api/v1/records/count", timeout=10)
        return int(answer.raise_for_status().json()["total"])

    def pids(self) -> dict[str, int]:
        known = open_run(load(self.settings)).supervisor.processes()
        return {name: process.pid for name, process in known.items()}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    state = tmp_path_factory.mktemp("local") / "state"
    machine = Machine(settings_for(state, checkout() / "mesh"))
    try:
        yield machine
    finally:
        remove(reopen(state))


def wait_until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SOON_S
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def test_up_starts_everything_and_sends_the_sample_through_the_gateway(machine: Machine) -> None:
    said = machine.works("up")
    assert f"{machine.gateway}/dashboard/" in said
    assert machine.total() == 1000


def test_every_service_is_ready_and_says_so(machine: Machine) -> None:
    table = machine.works("status")
    services = [s.name for s in open_run(load(machine.settings)).services if not s.once]
    assert [line.split()[0] for line in table.splitlines()[1:]] == services
    assert all(line.endswith(" ready") for line in table.splitlines()[1:])


def test_a_second_up_is_quick_and_changes_nothing(machine: Machine) -> None:
    before = machine.pids()
    began = time.monotonic()
    said = machine.works("up")
    assert time.monotonic() - began < 10
    assert "nothing was changed" in said
    assert machine.pids() == before
    assert machine.total() == 1000


def test_an_up_on_a_running_stack_serves_the_page_as_it_is_built_now(machine: Machine) -> None:
    page = f"{machine.gateway}/dashboard/"
    (served_page(places(machine.state)) / "index.html").write_text("as it was before")
    assert plain_http.get(page).text == "as it was before"
    before = machine.pids()
    assert "the dashboard's page has changed" in machine.works("up")
    assert plain_http.get(page).text == (built_page(checkout()) / "index.html").read_text()
    assert machine.pids() == before


def test_a_killed_service_is_started_again(machine: Machine) -> None:
    pid = machine.pids()["bridge"]
    psutil.Process(pid).kill()
    wait_until(lambda: machine.pids()["bridge"] not in {0, pid}, "no new bridge")
    wait_until(lambda: machine.meshsplit("status").returncode == 0, "the new bridge isn't ready")


def test_restart_gives_a_service_a_new_process_and_leaves_the_others(machine: Machine) -> None:
    before = machine.pids()
    machine.works("restart", "reporter")
    after = machine.pids()
    assert {name for name in before if before[name] != after[name]} == {"reporter"}


def test_a_service_that_does_not_exist_is_named_with_those_that_do(machine: Machine) -> None:
    done = machine.meshsplit("restart", "oracle")
    assert done.returncode == 1
    assert "'oracle'" in done.stderr
    assert "recorder" in done.stderr


def test_other_settings_are_not_mixed_into_a_running_stack(machine: Machine) -> None:
    done = machine.meshsplit("up", MESHSPLIT_LOG_LEVEL="debug")
    assert done.returncode == 1
    assert "MESHSPLIT_LOG_LEVEL" in done.stderr
    assert "make down" in done.stderr


def test_logs_show_what_services_wrote(machine: Machine) -> None:
    assert "ready for connections" in machine.works("logs", "mariadb")


def test_the_stores_listen_on_the_loopback_only_and_not_as_root(machine: Machine) -> None:
    for name, pid in machine.pids().items():
        process = psutil.Process(pid)
        bound = {c.laddr.ip for c in process.net_connections("inet") if c.status == "LISTEN"}
        assert {ip.removeprefix("::ffff:") for ip in bound} <= {"127.0.0.1"}, name
        if name in {"mariadb", "redis", "prometheus", "dashboard"} and os.geteuid() == 0:
            assert process.username() != "root", name


def test_the_stores_ask_for_a_password(machine: Machine) -> None:
    with socket.create_connection(
        ("127.0.0.1", int(machine.settings["MESHSPLIT_PORT_REDIS"])), timeout=5
    ) as redis:
        redis.sendall(b"PING\r\n")
        assert redis.recv(100).startswith(b"-NOAUTH")


def test_down_leaves_no_process_and_no_port_and_keeps_the_data(machine: Machine) -> None:
    machine.works("down")
    assert leftovers(places(machine.state)) == []
    for name, value in machine.settings.items():
        if "_PORT_" in name:
            assert not answers("127.0.0.1", int(value)), name
    assert machine.meshsplit("status").returncode == 1
    assert "nothing was running" in machine.works("down")
    machine.works("up")
    assert machine.total() == 1000


def test_a_run_whose_supervisor_was_killed_is_cleared_away_by_the_next_up(
    machine: Machine,
) -> None:
    supervisor = open_run(load(machine.settings)).supervisor.process()
    assert supervisor is not None
    supervisor.kill()
    said = machine.works("up")
    assert "left by a run whose supervisor is gone" in said
    assert machine.total() == 1000


def test_a_taken_port_stops_up_with_who_has_it_before_anything_starts(machine: Machine) -> None:
    machine.works("down")
    port = int(machine.settings["MESHSPLIT_PORT_GATEWAY"])
    with socket.create_server(("127.0.0.1", port)):
        done = machine.meshsplit("up")
    assert done.returncode == 1
    assert f"port {port} (gateway) is taken by process {os.getpid()}" in done.stderr
    assert "MESHSPLIT_PORT_GATEWAY" in done.stderr
    assert machine.pids() == {}


def test_a_service_that_can_not_start_says_why_and_where_to_read_more(machine: Machine) -> None:
    done = machine.meshsplit("up", MESHSPLIT_LOG_LEVEL="loud")
    assert done.returncode == 1
    assert "MESHSPLIT_LOG_LEVEL" in done.stderr
    assert "logs/" in done.stderr
    machine.works("down")


def test_nonsense_in_settings_is_named_all_at_once(machine: Machine) -> None:
    done = machine.meshsplit("up", MESHSPLIT_BIND="x", MESHSPLIT_PORT_LOCUST="y")
    assert done.returncode == 2
    assert "MESHSPLIT_BIND=x" in done.stderr
    assert "MESHSPLIT_PORT_LOCUST=y" in done.stderr


def test_reset_without_a_yes_deletes_nothing(machine: Machine) -> None:
    done = machine.meshsplit("reset")
    assert done.returncode == 1
    assert "YES=1" in done.stderr
    assert machine.state.exists()


def test_reset_drops_the_data(machine: Machine) -> None:
    machine.works("reset", "--yes")
    assert leftovers(places(machine.state)) == []
    assert not machine.state.exists()
