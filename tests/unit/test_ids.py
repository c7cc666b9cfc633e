import time

import pytest

from services.core.domain.ids import IdMaker


def test_ids_are_uuid7_in_the_order_they_were_made() -> None:
    maker = IdMaker()
    made = [maker.new() for _ in range(20_000)]
    assert made == sorted(set(made))
    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}


def test_a_clock_that_steps_back_does_not_turn_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([2_000, 1_000, 1_500, 2_001])
    monkeypatch.setattr(time, "time_ns", lambda: next(clock) * 1_000_000)
    maker = IdMaker()
    made = [maker.new() for _ in range(4)]
    assert made == sorted(made)
    assert made[-1].int >> 80 == 2_001


def test_a_random_part_that_runs_over_takes_the_next_millisecond(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 5_000_000)
    maker = IdMaker()
    first = maker.new()
    maker._random = (1 << 74) - 1  # noqa: SLF001 - chance would take for ever
    assert maker.new() > first
