import os
import socket
from pathlib import Path

import pytest

from meshsplit.local import places as where
from meshsplit.local.passwords import passwords
from meshsplit.local.ports import free_ports, taken
from meshsplit.local.settings import default_ports
from meshsplit.local.stack import StackError, fill, load_stack
from meshsplit.local.supervise import Supervisor, configuration


def test_every_port_of_the_table_belongs_to_one_service() -> None:
    used = [port for service in load_stack().services for port in service.ports]
    assert sorted([*used, "load"]) == sorted(default_ports())  # `make load` is no service


def test_every_host_of_the_mesh_leads_to_a_port_that_exists() -> None:
    assert set(load_stack().hosts.values()) <= set(default_ports())


def test_every_wait_of_the_table_is_bounded() -> None:
    for service in load_stack().services:
        assert 0 < service.within_s <= 120
        assert 0 < service.stop_s <= 120


def test_a_placeholder_that_means_nothing_is_refused_by_name() -> None:
    with pytest.raises(StackError, match=r"\{nothing\}"):
        fill("a {nothing} b", {})


def test_a_service_in_no_stage_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "stack.toml"
    table.write_text(
        'stages = ["one"]\n[hosts]\n[environment]\n'
        '[[service]]\nname = "x"\ntitle = "x"\nstage = "two"\n'
    )
    with pytest.raises(StackError, match="two"):
        load_stack(table)


def test_a_taken_port_is_named_with_who_has_it_and_what_moves_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (sentence,) = taken({"redis": port}, "127.0.0.1")
    assert f"process {os.getpid()}" in sentence
    assert "MESHSPLIT_PORT_REDIS" in sentence
    assert "MESHSPLIT_PORT_SHIFT" in sentence


def test_a_free_port_is_no_complaint() -> None:
    assert taken(free_ports(["redis"]), "127.0.0.1") == []


def test_free_ports_are_all_different() -> None:
    ports = free_ports(default_ports())
    assert len(set(ports.values())) == len(default_ports())


def test_passwords_are_made_once_and_only_the_caller_reads_them(tmp_path: Path) -> None:
    first = passwords(tmp_path)
    assert passwords(tmp_path) == first
    assert len({first.mysql, first.mysql_root, first.redis}) == 3
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_state_with_a_long_path_gets_its_socket_elsewhere(tmp_path: Path) -> None:
    state = tmp_path / ("x" * 120)
    here = where.Places(state, state / "data")
    assert len(str(here.socket)) <= where.LONGEST_SOCKET_PATH


def test_two_checkouts_have_two_data_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    one = where.places(tmp_path / "a" / ".local")
    two = where.places(tmp_path / "b" / ".local")
    assert one.data != two.data
    assert one.data.parent == two.data.parent == where.SYSTEM_DATA


def test_a_store_runs_as_the_caller_unless_that_is_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert where.store_user(("mysql", "nobody")) is None
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert where.store_user(("no-such-user", "nobody")) == "nobody"


def test_a_percent_sign_reaches_a_service_as_it_is(tmp_path: Path) -> None:
    here = where.Places(tmp_path, tmp_path / "data")
    service = load_stack().services[0]
    text = configuration(here, [(service.filled(AnyValue("100%")), None)])
    assert "100%%" in text


def test_what_stores_records_gives_way_to_the_gateway(tmp_path: Path) -> None:
    here = where.Places(tmp_path, tmp_path / "data")
    services = {service.name: service.filled(AnyValue("x")) for service in load_stack().services}
    for name in ("mariadb", "ingest", "bridge", "recorder"):
        assert "command = nice -n 5 x" in configuration(here, [(services[name], None)])
    assert "nice" not in configuration(here, [(services["envoy"], None)])


def test_a_stale_pid_of_a_dead_supervisor_is_nobody(tmp_path: Path) -> None:
    here = where.Places(tmp_path, tmp_path / "data")
    here.supervisor_pid.write_text(str(os.getpid()))
    supervisor = Supervisor(here)
    assert supervisor.process() is None
    assert not supervisor.alive()
    assert supervisor.processes() == {}


class AnyValue(dict[str, str]):
    """The same value for every placeholder."""

    def __init__(self, value: str) -> None:
        super().__init__()
        self._value = value

    def __missing__(self, key: str) -> str:
        return self._value
