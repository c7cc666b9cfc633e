"""`make up` starts a Grafana that is there, with its data source and dashboards in place."""

from __future__ import annotations

import os
import shutil
import tempfile
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import yaml

from meshsplit.local import up as starting
from meshsplit.local.screen import status, welcome
from observability.dashboards.files import texts
from observability.dashboards.layout import DASHBOARD_PAGE
from tests import plain_http
from tests.stack import LiveStack, live_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(__file__).parents[1] / "programs" / "grafana"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home of Grafana's with the stand-in in it, where a lesser user may read."""
    folder = Path(tempfile.mkdtemp(prefix="meshsplit-grafana-"))
    folder.chmod(0o755)
    try:
        (folder / "conf").mkdir()
        (folder / "conf" / "defaults.ini").touch()
        (folder / "bin").mkdir()
        shutil.copy(PROGRAM, folder / "bin" / "grafana")
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def watched(home: Path) -> Iterator[LiveStack]:
    """A whole stack that has found Grafana."""
    with live_stack(MESHSPLIT_GRAFANA=str(home)) as running:
        yield running


@dataclass(frozen=True)
class Told:
    """What the stand-in was given and found."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        lines = (self.folder / "environment").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def text(self, name: str) -> str:
        """Return a file's text, with the environment's values in it as Grafana puts them there."""
        return Template((self.folder / name).read_text()).safe_substitute(self.environment)

    def provisioned(self, kind: str) -> dict[str, Any]:
        """Return the one entry of a kind."""
        (entry,) = yaml.safe_load(self.text(f"provisioning/{kind}/meshsplit.yaml"))[
            {"datasources": "datasources", "dashboards": "providers"}[kind]
        ]
        found: dict[str, Any] = entry
        return found


@pytest.fixture(scope="module")
def told(watched: LiveStack) -> Told:
    return Told(watched.run.here.data / "grafana" / "data")


def test_it_is_ready_with_the_rest_and_the_screen_says_where(watched: LiveStack) -> None:
    assert plain_http.get(f"{watched.url('grafana')}/api/health").status_code == 200
    table, good = status(watched.run)
    assert good
    assert "grafana" in table
    assert f"Grafana          {watched.url('grafana')}/" in welcome(watched.run, 1)


def test_it_runs_as_a_lesser_user_on_the_loopback_only_and_keeps_its_data_in_the_run(
    watched: LiveStack, told: Told
) -> None:
    process = psutil.Process(watched.pid("grafana"))
    bound = {c.laddr.ip for c in process.net_connections("inet") if c.status == "LISTEN"}
    assert bound == {"127.0.0.1"}
    if os.geteuid() == 0:
        assert told.text("user").strip() != "root"
    data = watched.run.here.data / "grafana"
    for kind in ("DATA", "LOGS", "PLUGINS", "PROVISIONING"):
        assert Path(told.environment[f"GF_PATHS_{kind}"]).is_relative_to(data)
    assert told.environment["GF_LOG_MODE"] == "console"


def test_it_is_started_as_version_10_and_newer_want_it(
    watched: LiveStack, home: Path, told: Told
) -> None:
    ini = watched.run.here.data / "grafana" / "grafana.ini"
    asked = told.text("arguments").splitlines()
    assert asked == ["server", "--homepath", str(home), "--config", str(ini)]


def test_whoever_reaches_it_looks_without_a_login_and_it_asks_nobody_outside(
    told: Told,
) -> None:
    ini = ConfigParser(interpolation=None)
    ini.read_string(told.text("config"))
    assert ini["auth.anonymous"] == {"enabled": "true", "org_role": "Viewer"}
    assert ini["auth"]["disable_login_form"] == "true"
    for name in ("reporting_enabled", "check_for_updates", "check_for_plugin_updates"):
        assert ini["analytics"][name] == "false"
    assert ini["plugins"]["preinstall_disabled"] == "true"
    assert ini["news"]["news_feed_enabled"] == "false"
    assert Path(ini["dashboards"]["default_home_dashboard_path"]).name == "overview.json"


def test_its_data_source_is_this_runs_prometheus(watched: LiveStack, told: Told) -> None:
    source = told.provisioned("datasources")
    assert source["uid"] == "prometheus"
    assert source["url"] == watched.url("prometheus")
    assert plain_http.get(f"{source['url']}/-/ready").status_code == 200
    assert source["jsonData"]["timeInterval"] == "2s"
    flags = plain_http.get(f"{source['url']}/api/v1/status/flags").json()["data"]
    assert flags["enable-feature"] == "exemplar-storage"


def test_its_dashboards_are_those_of_the_code_with_this_runs_page(
    watched: LiveStack, told: Told
) -> None:
    provider = told.provisioned("dashboards")
    assert provider["options"]["path"] == told.environment["DASHBOARDS_FOLDER"]
    page = f"{watched.gateway}/dashboard/"
    found = {path.name: path.read_text() for path in (told.folder / "dashboards").iterdir()}
    assert found == {n: t.replace(DASHBOARD_PAGE, page) for n, t in texts().items()}


def test_a_restart_takes_the_dashboards_of_now(watched: LiveStack) -> None:
    dashboards = watched.run.here.data / "grafana" / "dashboards"
    (dashboards / "gone.json").touch()
    watched.stop("grafana")
    starting.up(watched.run, print)
    assert {path.name for path in dashboards.iterdir()} == {*texts()}
