"""What holds for the tree as a whole."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAYS_NOTHING = re.compile(r"(^|/)(utils?|common|helpers?|misc)(\.|/)")
GENERATED = re.compile(r"generated (by|from)", re.IGNORECASE)
LINES_MAX = 300
NAME = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)")


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [name for name in listed.stdout.split("\0") if name]


def is_code(name: str) -> bool:
    """Whether a file is Python, TypeScript or shell: a script without a suffix says which."""
    path = ROOT / name
    if path.suffix:
        return path.suffix in {".py", ".pyi", ".ts", ".tsx", ".js", ".sh"}
    with path.open("rb") as file:
        return file.read(2) == b"#!"


def asked(name: str) -> dict[str, str]:
    """Requirement lines of a .in file by name, without the files it refers to."""
    lines = (ROOT / "requirements" / name).read_text().splitlines()
    found = [line.split("#")[0].strip() for line in lines]
    return {normal(line): line for line in found if line and not line.startswith("-")}


def normal(requirement: str) -> str:
    match = NAME.match(requirement)
    assert match, requirement
    return re.sub(r"[-_.]+", "-", match[1]).lower()


def pinned(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / name).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if NAME.match(line)]
    return {normal(line): line for line in lines}


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert [name for name in tracked() if SAYS_NOTHING.search(name)] == []


def test_code_written_by_hand_is_in_files_of_at_most_300_lines() -> None:
    code = {name: (ROOT / name).read_text().splitlines() for name in tracked() if is_code(name)}
    assert len(code) > 500
    by_hand = [name for name, lines in code.items() if not GENERATED.search("\n".join(lines[:3]))]
    assert {name: len(code[name]) for name in by_hand if len(code[name]) > LINES_MAX} == {}


def test_help_lists_every_target_with_a_line() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony
    targets = set(re.findall(r"^([a-z-]+):(?!=)", text, re.MULTILINE))
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    described = dict(re.findall(r"^  make (\S+) +(\S.*)$", shown, re.MULTILINE))
    assert set(described) == targets == set(phony[1].split())


@pytest.mark.parametrize(
    ("kind", "sources"),
    [
        ("runtime", ["runtime"]),
        ("local", ["runtime", "local"]),
        ("dev", ["runtime", "local", "dev"]),
        ("node", ["node"]),
    ],
)
def test_what_is_asked_for_is_pinned_and_hashed(kind: str, sources: list[str]) -> None:
    wanted = {name for source in sources for name in asked(f"{source}.in")}
    have = pinned(f"{kind}.txt")
    assert wanted <= set(have)
    for line in have.values():
        assert "==" in line
        assert "--hash=sha256:" in line


def test_a_package_has_one_version_in_every_file() -> None:
    every = [pinned(f"{kind}.txt") for kind in ("runtime", "local", "dev")]
    versions: dict[str, set[str]] = {}
    for found in every:
        for name, line in found.items():
            versions.setdefault(name, set()).add(line.split("==")[1].split()[0])
    assert {name: seen for name, seen in versions.items() if len(seen) > 1} == {}
    assert set(every[0]) <= set(every[1]) <= set(every[2])


def test_the_project_asks_for_what_the_requirement_files_ask_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    dynamic = project["tool"]["setuptools"]["dynamic"]
    assert dynamic["dependencies"]["file"] == ["requirements/runtime.in"]
    assert dynamic["optional-dependencies"]["local"]["file"] == ["requirements/local.in"]
    for name in ("runtime.in", "local.in"):
        text = (ROOT / "requirements" / name).read_text()
        assert not re.search(r"^-", text, re.MULTILINE), f"setuptools takes no option in {name}"


@pytest.mark.parametrize("lock", ["requirements/dev.txt", "services/dashboard/package-lock.json"])
def test_a_lock_file_names_no_registry(lock: str) -> None:
    assert not re.search(
        r'"resolved"|--index-url|https?://[^"]*(npmjs|pypi)', (ROOT / lock).read_text()
    )
