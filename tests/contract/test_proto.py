import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.arms import ROOT

PROTO = ROOT / "proto"
BUF = PROTO / "node_modules" / ".bin" / "buf"


def test_the_stubs_are_what_the_contract_makes_today(tmp_path: Path) -> None:
    subprocess.run([sys.executable, PROTO / "generate.py", tmp_path], check=True, cwd=tmp_path)
    made = {
        path.relative_to(tmp_path): path.read_text()
        for path in tmp_path.rglob("*.py*")
        if "__pycache__" not in path.parts
    }
    checked_in = {
        path.relative_to(ROOT): path.read_text()
        for path in (ROOT / "services" / "stubs").rglob("*.py*")
        if "__pycache__" not in path.parts
    }
    assert made == checked_in, "run: python proto/generate.py"


def buf(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    if not BUF.exists():
        pytest.fail("buf is missing; run: npm ci --prefix proto")
    return subprocess.run(
        [BUF, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_contract_is_lint_clean() -> None:
    done = buf("lint", folder=PROTO)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contract_does_not_break_the_released_one() -> None:
    done = buf("breaking", "--against", "released.json", folder=PROTO)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("string course = 4;", ""),
        ("string course = 4;", "bytes course = 4;"),
        ("string course = 4;", "string subject = 4;"),
        ("rpc Settle(SettleRequest) returns (SettleResponse);", ""),
    ],
)
def test_a_breaking_change_is_caught(tmp_path: Path, old: str, new: str) -> None:
    shutil.copy(PROTO / "buf.yaml", tmp_path)
    text = (PROTO / "grades" / "v1" / "grades.proto").read_text()
    assert old in text
    changed = tmp_path / "grades" / "v1" / "grades.proto"
    changed.parent.mkdir(parents=True)
    changed.write_text(text.replace(old, new))
    done = buf("breaking", "--against", PROTO / "released.json", folder=tmp_path)
    assert done.returncode != 0
    assert "grades.proto" in done.stdout
