"""What the reporter says of the split, from the mesh's files and a gateway's admin interface."""

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import plain_http
from tests.admin_interface import Admin
from tests.reporter_process import ReporterProcess, reporter_process

MESH = Path(__file__).parent.parent.parent / "mesh"


@pytest.fixture
def mesh(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MESH, tmp_path / "mesh"))


@pytest.fixture
def reporter(
    mysql_url: str, redis_url: str, admin: Admin, mesh: Path, tmp_path: Path
) -> Iterator[ReporterProcess]:
    with reporter_process(
        mysql_url,
        redis_url,
        MESHSPLIT_ENVOY_ADMIN=admin.url,
        MESHSPLIT_MESH_DIR=str(mesh),
        MESHSPLIT_STATE_DIR=str(tmp_path),
    ) as running:
        yield running


CONDITIONS: dict[str, Callable[[Any], bool]] = {
    "counting": lambda it: it["applied"] is not None,
    "some observed": lambda it: it["observed"]["requests"] >= 14_000,
    "observed": lambda it: it["observed"]["requests"] >= 20_000,
    "three arms": lambda it: len(it["arms"]) == 3,
    "away": lambda it: it["applied"] is None,
    "refused": lambda it: it["configuration_error"] is not None,
}


async def split_when(reporter: ReporterProcess, condition: str) -> Any:
    """Ask until a condition on the answer holds."""
    async with asyncio.timeout(15), httpx.AsyncClient() as client:
        while True:
            answer = await client.get(f"{reporter.api}/split")
            if answer.status_code == 200 and CONDITIONS[condition](answer.json()):
                return answer.json()
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("path", ["split", "split/verdict", "split/arms"])
async def test_files_without_a_split_are_a_503_that_says_so(
    mysql_url: str, redis_url: str, tmp_path: Path, path: str
) -> None:
    with reporter_process(mysql_url, redis_url, MESHSPLIT_MESH_DIR=str(tmp_path)) as running:
        answer = await asyncio.to_thread(plain_http.get, f"{running.api}/{path}")
    assert answer.status_code == 503
    assert answer.json()["type"].endswith("no-split")
    assert answer.headers["retry-after"] == "1"


async def test_decisions_since_the_start_are_counted_and_judged(
    reporter: ReporterProcess, admin: Admin
) -> None:
    await split_when(reporter, "counting")
    await asyncio.sleep(4)  # what is counted while the weights settle belongs to nobody
    admin.counters = {"ingest": 11_000, "bridge": 11_000}

    answer = await split_when(reporter, "observed")

    assert answer["asked"] == answer["applied"] == answer["configured"]
    assert answer["observed"]["counts"] == {"fastapi": 10_000, "grpc": 10_000}
    assert answer["observed"]["shares"] == {"fastapi": 0.5, "grpc": 0.5}
    assert answer["verdict"]["state"] == "agrees"


async def test_a_gateway_with_its_first_weights_has_all_its_decisions_counted(
    reporter: ReporterProcess, admin: Admin
) -> None:
    admin.reloads = 1
    admin.counters = {"ingest": 10_000, "bridge": 10_000}

    answer = await split_when(reporter, "observed")

    assert answer["observed"]["counts"] == {"fastapi": 10_000, "grpc": 10_000}


@pytest.mark.parametrize(
    ("counters", "result"),
    [
        ({"ingest": 10_000, "bridge": 10_000}, "pass"),
        ({"ingest": 12_000, "bridge": 8_000}, "fail"),
        ({"ingest": 20, "bridge": 19}, "insufficient"),
    ],
)
async def test_a_program_that_decides_is_told_in_one_word(
    reporter: ReporterProcess, admin: Admin, counters: dict[str, int], result: str
) -> None:
    admin.reloads = 1
    admin.counters = counters
    total = sum(counters.values())
    async with asyncio.timeout(15), httpx.AsyncClient() as client:
        while True:
            answer = await client.get(f"{reporter.api}/split/verdict")
            if answer.status_code == 200 and answer.json()["requests"] == total:
                break
            await asyncio.sleep(0.1)

    told = answer.json()
    assert told["result"] == result
    assert told["asked"] == {"fastapi": 50, "grpc": 50}
    assert told["observed"]["fastapi"] == pytest.approx(100 * counters["ingest"] / total)
    low, high = told["intervals"]["fastapi"]
    assert low <= told["observed"]["fastapi"] <= high
    assert (told["needed"] > 0) is (result == "insufficient")
    assert (told["evidence"] >= 20) is (result == "fail")


async def test_a_reporter_that_starts_again_goes_on_counting(
    mysql_url: str, redis_url: str, admin: Admin, mesh: Path, tmp_path: Path
) -> None:
    settings = {
        "MESHSPLIT_ENVOY_ADMIN": admin.url,
        "MESHSPLIT_MESH_DIR": str(mesh),
        "MESHSPLIT_STATE_DIR": str(tmp_path),
    }
    with reporter_process(mysql_url, redis_url, **settings) as first:
        await split_when(first, "counting")
        await asyncio.sleep(4)
        admin.counters = {"ingest": 8_000, "bridge": 8_000}
        before = (await split_when(first, "some observed"))["observed"]
    assert before["requests"] == 14_000
    admin.counters = {"ingest": 11_000, "bridge": 11_000}
    with reporter_process(mysql_url, redis_url, **settings) as second:
        after = (await split_when(second, "observed"))["observed"]
    assert after["counts"] == {"fastapi": 10_000, "grpc": 10_000}
    assert after["since"] == before["since"]


async def test_a_gateway_that_is_away_leaves_applied_null_and_no_verdict(
    reporter: ReporterProcess, admin: Admin
) -> None:
    await split_when(reporter, "counting")
    admin.weights = {}  # it has no such rule any more

    answer = await split_when(reporter, "away")

    assert answer["verdict"]["state"] == "insufficient"
    assert "gateway" in answer["verdict"]["text"]


async def test_an_arm_more_in_the_files_is_an_arm_more_in_the_answer(
    reporter: ReporterProcess, mesh: Path
) -> None:
    records = mesh / "routes" / "records.yaml"
    text = records.read_text()
    arm = '      - {name: rust, host: oxide, color: "#7c3aed"}\n'
    first = next(line for line in text.splitlines(keepends=True) if "{name: grpc" in line)
    records.write_text(text.replace(first, first + arm))

    answer = await split_when(reporter, "three arms")

    assert answer["arms"][2] == {"name": "rust", "host": "oxide", "color": "#7c3aed"}
    assert answer["asked"]["rust"] == 0
    async with httpx.AsyncClient() as client:
        count = (await client.get(f"{reporter.api}/records/count")).json()
    assert count["arms"]["rust"] == 0


async def test_a_refused_configuration_is_shown_with_its_place(
    reporter: ReporterProcess, tmp_path: Path
) -> None:
    error = {
        "file": "mesh/routes/records.yaml",
        "path": "spec.http[0]",
        "name": "x",
        "message": "y",
    }
    (tmp_path / "envoy").mkdir()
    (tmp_path / "envoy" / "status.json").write_text(json.dumps({"ok": False, "error": error}))

    answer = await split_when(reporter, "refused")

    assert answer["configuration_error"] == error
