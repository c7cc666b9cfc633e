"""The reporter's REST answers from a real ledger, held against a recount of what was sent."""

import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from audit.servers.mariadb import MariaDB
from services.core.domain.ids import IdMaker
from services.core.domain.outcome import Stored
from services.core.domain.pending import Pending
from services.core.domain.record import Record
from services.core.storage.connections import MySQL
from services.core.storage.ledger import Ledger
from tests.reporter_process import ReporterProcess, reporter_process

COURSES = ("top", "a/results", "100%", "?#&", "Matemática", "S30", "s30", "日本 語", "x/", "a+b")
SEMESTERS = ((2002, "slider"), (2002, "Slider"), (2003, "slider & co"))
NAMES = ("Nannie", "nannie", "Ángel", "Zoë")


def make_records(seed: int, number: int) -> list[Record]:
    roll = random.Random(seed)
    return [
        Record(
            student_id=f"{roll.randrange(40)}",
            student_name=roll.choice(NAMES),
            course=roll.choice(COURSES),
            grade=roll.choice((0, 60, 61, 61, 100, roll.randint(0, 100))),
            semester=semester,
            year=year,
        )
        for year, semester in roll.choices(SEMESTERS, k=number)
    ]


async def store(mysql_url: str, arm: str, records: list[Record]) -> None:
    mysql = MySQL(mysql_url)
    ledger = Ledger(mysql, arm=arm, slot=0, timeout_s=20, outbox=arm == "fastapi")
    new_id = IdMaker().new
    outcomes = await ledger.write([Pending(new_id(), each, None, "r") for each in records])
    assert all(isinstance(outcome, Stored) for outcome in outcomes), outcomes
    await ledger.close()
    await mysql.close()


@pytest.fixture(scope="module")
def reporter(mysql_url: str, redis_url: str) -> Iterator[ReporterProcess]:
    with reporter_process(mysql_url, redis_url) as running:
        yield running


@pytest.fixture
async def client(reporter: ReporterProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=reporter.api, timeout=15) as opened:
        yield opened


async def get(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_every_chart_equals_a_recount_of_what_was_sent(
    client: httpx.AsyncClient, empty_mysql_url: str
) -> None:
    halves = {"fastapi": make_records(1, 400), "grpc": make_records(2, 300)}
    for arm, records in halves.items():
        await store(empty_mysql_url, arm, records)
    sent = halves["fastapi"] + halves["grpc"]

    assert await get(client, "records/count") == {
        "total": 700,
        "arms": {"fastapi": 400, "grpc": 300},
    }
    assert await get(client, "semesters") == [
        {"year": year, "semester": semester} for year, semester in sorted(SEMESTERS)
    ]
    for year, semester in SEMESTERS:
        there = [each for each in sent if (each.year, each.semester) == (year, semester)]
        of = {"year": year, "semester": semester}
        students = defaultdict(set)
        for each in there:
            students[each.course].add(each.student_id)
        listed = [
            {"course": course, "students": len(students[course])} for course in sorted(students)
        ]
        best = sorted(listed, key=lambda row: (-len(students[str(row["course"])]), row["course"]))
        assert await get(client, "courses", **of) == listed
        assert await get(client, "courses/top", **of) == best[:3]
        assert await get(client, "courses/top", **of, limit=100) == best
        assert await get(client, "students/top", **of) == best_averages(there)[:5]
        for course in COURSES:
            grades = [each.grade for each in there if each.course == course]
            passed = sum(grade >= 61 for grade in grades)
            path = f"courses/{quote(course, safe='')}/results"
            assert await get(client, path, **of) == {
                "course": course,
                **of,
                "passed": passed,
                "failed": len(grades) - passed,
            }
    assert await get(client, "students/top", limit=100) == best_averages(sent)


def best_averages(records: list[Record]) -> list[dict[str, object]]:
    grades = defaultdict(list)
    names = defaultdict(set)
    for each in records:
        grades[each.student_id].append(each.grade)
        names[each.student_id].add(each.student_name)
    rows = [
        {
            "student_id": student,
            "student_name": min(names[student]),
            "average": sum(of) / len(of),
            "records": len(of),
        }
        for student, of in grades.items()
    ]
    return sorted(rows, key=lambda row: (-row["average"], row["student_name"], row["student_id"]))  # type: ignore[operator]  # a dict of mixed values


async def test_an_empty_ledger_and_what_was_never_seen_are_zeros(
    client: httpx.AsyncClient, empty_mysql_url: str
) -> None:
    of = {"year": 2002, "semester": "slider"}

    assert await get(client, "semesters") == []
    assert await get(client, "courses", **of) == []
    assert await get(client, "students/top") == []
    count = await get(client, "records/count")
    assert count == {"total": 0, "arms": {"fastapi": 0, "grpc": 0}}

    await store(empty_mysql_url, "grpc", [Record("1", "Ana", "S30", 61, "slider", 2002)])
    for never in ("S3", "s30", "S30 ", " S30", "S30\x00", "S30%"):
        results = await get(client, f"courses/{quote(never, safe='')}/results", **of)
        assert results == {"course": never, **of, "passed": 0, "failed": 0}
    assert await get(client, "courses", year=2002, semester="slider ") == []


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("courses", ["year", "semester"]),
        ("courses?year=2002", ["semester"]),
        ("courses?year=x&semester=s", ["year"]),
        ("courses?year=1899&semester=s", ["year"]),
        ("courses?year=2002&semester=", ["semester"]),
        ("courses/top?semester=s", ["year"]),
        ("courses/top?year=2002&semester=s&limit=0", ["limit"]),
        ("courses/top?year=2002&semester=s&limit=101", ["limit"]),
        ("courses/S30/results", ["year", "semester"]),
        ("courses/%FF/results?year=2002&semester=s", ["course"]),
        ("students/top?year=2002", ["semester"]),
        ("students/top?semester=s", ["year"]),
        ("students/top?limit=many", ["limit"]),
    ],
)
async def test_a_wrong_parameter_is_named_in_a_problem(
    client: httpx.AsyncClient, path: str, named: list[str]
) -> None:

    answer = await client.get(path, headers={"x-request-id": "mine"})

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == named
    assert answer.headers["x-request-id"] == answer.json()["instance"] == "mine"


async def test_paths_and_methods_that_are_not_there_are_problems(
    client: httpx.AsyncClient,
) -> None:
    unknown = await client.get("nothing")
    wrong = await client.post("semesters")

    assert (unknown.status_code, wrong.status_code) == (404, 405)
    assert wrong.headers["allow"] == "GET"
    for answer in (unknown, wrong):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-request-id"]


async def test_openapi_describes_every_route_and_its_problems(
    client: httpx.AsyncClient,
) -> None:
    paths = (await get(client, "openapi.json"))["paths"]

    api = {path.removeprefix("/api/v1/") for path in paths if path.startswith("/api/v1/")}
    assert api == {
        "semesters",
        "courses",
        "courses/top",
        "courses/{course}/results",
        "students/top",
        "records/count",
        "split",
        "split/arms",
        "split/verdict",
        "live",
    }
    described = paths["/api/v1/courses/{course}/results"]["get"]
    assert {"200", "422", "503"} <= described["responses"].keys()
    assert (await client.get("docs")).status_code == 200


async def test_a_ledger_that_hangs_gives_503_in_time_and_comes_back_by_itself(
    empty_mysql_url: str, redis_url: str, mariadb: MariaDB
) -> None:
    with reporter_process(empty_mysql_url, redis_url, MESHSPLIT_STORE_TIMEOUT_S="1") as reporter:
        async with httpx.AsyncClient(base_url=reporter.api, timeout=15) as client:
            assert await get(client, "semesters") == []
            mariadb.program.pause()
            try:
                answer = await client.get("semesters", timeout=5)
            finally:
                mariadb.program.resume()
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
            assert answer.json()["type"] == "store-away"
            assert await get(client, "semesters") == []
