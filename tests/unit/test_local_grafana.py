"""Grafana is found where it is, and its absence is said and does no harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from meshsplit.local import grafana
from meshsplit.local.run import open_run
from meshsplit.local.screen import welcome
from meshsplit.local.settings import checkout, load
from meshsplit.local.stores import DEFAULT_PAGE
from observability.dashboards.layout import DASHBOARD_PAGE
from tests.stack import settings_for

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _machine_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grafana, "HOMES", ())


def unpacked(folder: Path) -> Path:
    """Make a home of Grafana's as its tarball has it."""
    program = folder / "bin" / "grafana"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    (folder / "conf").mkdir()
    (folder / grafana.DEFAULTS).touch()
    return folder


def test_the_setting_names_the_folder_or_the_program(tmp_path: Path) -> None:
    home = unpacked(tmp_path / "grafana-12")
    wanted = {"grafana": str(home / "bin" / "grafana"), "grafana_home": str(home)}
    assert grafana.find(str(home), "") == wanted
    assert grafana.find(str(home / "bin" / "grafana"), "") == wanted


def test_one_on_the_path_is_found_with_the_home_that_its_link_leads_to(tmp_path: Path) -> None:
    home = unpacked(tmp_path / "grafana-12")
    folder = tmp_path / "links"
    folder.mkdir()
    (folder / "grafana").symlink_to(home / "bin" / "grafana")
    found = grafana.find("", str(folder))
    assert found == {"grafana": str(folder / "grafana"), "grafana_home": str(home)}


def test_a_packages_program_and_home_lie_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = unpacked(tmp_path / "share" / "grafana")
    monkeypatch.setattr(grafana, "HOMES", (str(home),))
    assert grafana.find("", "")["grafana"] == str(home / "bin" / "grafana")
    program = tmp_path / "sbin" / "grafana"
    program.parent.mkdir()
    program.touch(mode=0o755)
    found = grafana.find("", str(program.parent))
    assert found == {"grafana": str(program), "grafana_home": str(home)}


def test_another_program_of_that_name_is_none(tmp_path: Path) -> None:
    (tmp_path / "grafana").touch(mode=0o755)
    assert grafana.find("", str(tmp_path)) == {}


def test_none_is_wanted_where_the_setting_says_so(tmp_path: Path) -> None:
    home = unpacked(tmp_path / "grafana-12")
    assert grafana.find(grafana.NONE, str(home / "bin")) == {}


@pytest.mark.parametrize("named", ["nowhere", "."])
def test_a_setting_that_names_no_grafana_is_refused_by_name(tmp_path: Path, named: str) -> None:
    with pytest.raises(grafana.GrafanaError, match=r"MESHSPLIT_GRAFANA=.*expected"):
        grafana.find(str(tmp_path / named), "")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A run's folder whose data goes with it, also where root would have it elsewhere."""
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "data-folder").write_text(str(tmp_path / "data"))
    return folder


def test_the_last_screen_says_how_to_get_it_where_it_is_missing(state: Path) -> None:
    given = settings_for(state, checkout() / "mesh", MESHSPLIT_GRAFANA="")
    said = welcome(open_run(load(given)), 1)
    assert "Grafana isn't on this machine" in said
    assert "grafana.com/grafana/download" in said
    assert f"127.0.0.1:{given['MESHSPLIT_PORT_GRAFANA']}" not in said


def test_the_last_screen_says_nothing_of_it_where_none_is_wanted(state: Path) -> None:
    given = settings_for(state, checkout() / "mesh")
    assert "Grafana" not in welcome(open_run(load(given)), 1)


def test_the_run_knows_the_pages_address_in_the_dashboards() -> None:
    assert DEFAULT_PAGE == DASHBOARD_PAGE
