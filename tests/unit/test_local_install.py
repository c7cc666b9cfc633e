import os
import subprocess
import sys
from pathlib import Path

import pytest

from meshsplit.local.install import apt, node, packages
from meshsplit.local.install.progress import InstallError, agreed, run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which no program can be found."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(packages, "SBIN", ())
    return tmp_path


def program(folder: Path, name: str, text: str = "") -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_the_installer_needs_nothing_but_pythons_own_library() -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import meshsplit.local.install.__main__"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("bare")
def test_each_missing_program_is_found_missing() -> None:
    assert {*packages.PROGRAMS} <= {*packages.missing(tests=False)}


@pytest.mark.usefixtures("bare")
def test_a_browser_is_missed_for_tests_only() -> None:
    assert "chromium" not in packages.missing(tests=False)
    assert "chromium" in packages.missing(tests=True)


def test_a_program_that_is_there_is_not_installed(bare: Path) -> None:
    program(bare, "nginx")
    assert "nginx" not in packages.missing(tests=False)


@pytest.mark.usefixtures("bare")
def test_on_a_mac_the_exact_brew_line_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(InstallError, match="brew install mariadb redis prometheus nginx"):
        packages.install(ROOT, tmp_path, tests=False)


def test_without_root_or_sudo_the_exact_apt_line_is_said(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(bare, "apt-get")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(InstallError, match="apt-get install --no-install-recommends mariadb-serv"):
        packages.install(ROOT, bare, tests=False)


def test_another_python_is_refused_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 14, 0))
    with pytest.raises(InstallError, match=r"expected 3\.11, 3\.12 or 3\.13"):
        packages.check_python()


def test_while_packages_are_installed_no_service_may_start(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    with apt.no_service_starts(policy):
        assert subprocess.run([policy], check=False).returncode == 101
    assert not policy.exists()


def test_an_administrators_own_policy_is_put_back_whatever_happens(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    program(tmp_path, policy.name, "exit 104")
    with pytest.raises(RuntimeError), apt.no_service_starts(policy):
        raise RuntimeError
    assert subprocess.run([policy], check=False).returncode == 104
    assert [path.name for path in tmp_path.iterdir()] == ["policy-rc.d"]


def test_only_boot_links_that_are_new_count(tmp_path: Path) -> None:
    wants = tmp_path / "systemd" / "multi-user.target.wants"
    wants.mkdir(parents=True)
    (wants / "mine.service").symlink_to("/lib/mine.service")
    (tmp_path / "rc2.d").mkdir()
    before = apt.boot_links(tmp_path / "systemd", tmp_path)
    (wants / "theirs.service").symlink_to("/lib/theirs.service")
    (tmp_path / "rc2.d" / "S01theirs").symlink_to("../init.d/theirs")
    new = apt.boot_links(tmp_path / "systemd", tmp_path) - before
    assert {path.name for path in new} == {"theirs.service", "S01theirs"}


def test_yes_answers_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YES", "1")
    assert agreed("Install?")


def test_a_failed_step_shows_its_end_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match=r"(?s)making tea: failed.*no water.*Fetch some"):
        run(
            "making tea",
            ["sh", "-c", "echo no water; exit 3"],
            tmp_path / "tea.log",
            "Fetch some.",
            limit_s=10,
        )


def test_a_step_is_bounded(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="not done after"):
        run("waiting", ["sleep", "20"], tmp_path / "log", "Don't.", limit_s=0.2)


def test_an_old_node_is_told_from_a_new_one(tmp_path: Path) -> None:
    program(tmp_path, "node", "echo v18.20.4")
    assert node.version(str(tmp_path)) == (18, 20)
    assert node.version(str(tmp_path)) < node.OLDEST_NODE
    assert node.version(str(tmp_path / "nowhere")) == (0, 0)
