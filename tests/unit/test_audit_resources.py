"""What a process may hold in the end, and what the report says of how long it was watched."""

import pytest

from audit.resources import MB, TABLE, Life, Moment, Use, check_leaks, table


def life(name: str, start: Use, memory_mb: int, *, seconds: float = 40, stored: int = 900) -> Life:
    return Life(name, start, Moment(100, 50), memory_mb * MB, Moment(100 + seconds, 50 + stored))


INGEST = Use(7, 100 * MB, 30, 10)
REDIS = Use(8, 20 * MB, 10, 4)


def test_what_a_process_may_hold_is_no_leak() -> None:
    lives = [life("ingest", INGEST, 110), life("redis", REDIS, 60)]
    end = {"ingest": Use(7, 110 * MB, 35, 12), "redis": Use(8, 60 * MB, 10, 4)}
    assert check_leaks(lives, end, records=10_000) == []


def test_a_store_of_several_may_hold_what_its_kind_may() -> None:
    lives = [life("node 2", INGEST, 250), life("redis 1", REDIS, 60)]
    assert check_leaks(lives, {}, records=10_000) == []
    assert [f.kind for f in check_leaks(lives, {}, records=0)] == ["leak"]
    assert [f.kind for f in check_leaks([life("node 2", INGEST, 300)], {}, 0)] == ["leak"]


@pytest.mark.parametrize(
    "held", [Use(7, 140 * MB, 30, 10), Use(7, 100 * MB, 130, 10), Use(7, 100 * MB, 30, 110)]
)
def test_memory_files_and_connections_that_are_not_given_back_are_a_leak(held: Use) -> None:
    lives = [life("ingest", INGEST, held.memory // MB)]
    assert [f.kind for f in check_leaks(lives, {"ingest": held}, records=0)] == ["leak"]


def test_a_process_that_was_started_again_is_measured_anew() -> None:
    lives = [life("ingest", INGEST, 100), life("ingest", Use(9, 130 * MB, 300, 300), 140)]
    assert check_leaks(lives, {"ingest": Use(9, 140 * MB, 300, 300)}, records=0) == []


def test_what_leaked_until_it_was_killed_is_a_leak_and_said_with_its_time() -> None:
    lives = [life("ingest", INGEST, 140), life("ingest", Use(9, 100 * MB, 30, 10), 100)]
    (found,) = check_leaks(lives, {"ingest": Use(9, 100 * MB, 30, 10)}, records=0)
    assert found.kind == "leak"
    assert "140 MB after 40 s and 900 records" in found.detail


def test_the_table_says_how_long_a_process_was_watched_and_what_was_stored_meanwhile() -> None:
    lives = [
        life("ingest", INGEST, 104, seconds=212, stored=21_034),
        life("ingest", Use(9, 99 * MB, 28, 8), 99, seconds=9, stored=700),
    ]
    (row,) = table(lives, {"ingest": Use(9, 99 * MB, 29, 11)})
    assert dict(zip(TABLE, row, strict=True)) == {
        TABLE[0]: "ingest",
        "memory": "100 → 104 MB",
        "watched": "212 s",
        "records meanwhile": "21034",
        "files": "28 → 29",
        "connections": "8 → 11",
    }
