"""What several proxies decided, added up while they come and go."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from meshsplit.split.gateway import Reading
from meshsplit.split.observation import Counters
from meshsplit.split.observations import Observations

ASKED = {"a": 50.0, "b": 50.0}
OTHER = {"a": 90.0, "b": 10.0}
START = datetime(2026, 1, 1, tzinfo=UTC)


def fresh(a: int, b: int, *, has: dict[str, float] = ASKED, started: datetime = START) -> Reading:
    """Return what a proxy says that never had other weights."""
    return Reading(has, Counters({"a": a, "b": b}, started, 1), has)


def test_the_counts_are_the_sum_over_the_proxies() -> None:
    seen = Observations()
    seen.scraped(ASKED, {"10.0.0.1": fresh(10, 20), "10.0.0.2": fresh(1, 2)})
    seen.scraped(ASKED, {"10.0.0.1": fresh(11, 20), "10.0.0.2": fresh(1, 5)})
    assert seen.counts == {"a": 12, "b": 25}
    assert seen.requests == 37
    assert seen.shares == {"a": 12 / 37, "b": 25 / 37}
    assert seen.since == START


def test_a_proxy_that_joins_brings_what_it_decided_from_its_start() -> None:
    seen = Observations()
    seen.scraped(ASKED, {"10.0.0.1": fresh(10, 10)})
    later = START + timedelta(minutes=5)
    seen.scraped(ASKED, {"10.0.0.1": fresh(10, 10), "10.0.0.2": fresh(3, 4, started=later)})
    assert seen.counts == {"a": 13, "b": 14}
    assert seen.since == START


@pytest.mark.parametrize("gone", [{}, {"10.0.0.2": None}])
def test_a_proxy_that_is_out_of_reach_keeps_its_counts_and_is_not_counted_anew(
    gone: dict[str, Reading | None],
) -> None:
    seen = Observations()
    seen.scraped(ASKED, {"10.0.0.1": fresh(10, 10), "10.0.0.2": fresh(5, 5)})
    seen.scraped(ASKED, {"10.0.0.1": fresh(11, 10)} | gone)
    assert seen.counts == {"a": 16, "b": 15}
    seen.scraped(ASKED, {"10.0.0.1": fresh(11, 10), "10.0.0.2": fresh(6, 5)})
    assert seen.counts == {"a": 17, "b": 15}


def test_one_that_has_other_weights_still_is_left_out_until_it_has_these() -> None:
    seen = Observations()
    seen.scraped(ASKED, {"10.0.0.1": fresh(10, 10), "10.0.0.2": fresh(90, 10, has=OTHER)})
    assert seen.counts == {"a": 10, "b": 10}


def test_a_change_of_weights_begins_anew_for_all_those_that_left_included() -> None:
    seen = Observations()
    seen.scraped(ASKED, {"10.0.0.1": fresh(10, 10), "10.0.0.2": fresh(5, 5)})
    seen.scraped(OTHER, {"10.0.0.1": fresh(10, 10)})
    assert seen.counts == {"a": 0, "b": 0}
    assert seen.since is None


def test_of_more_proxies_than_are_told_apart_the_counts_are_kept() -> None:
    seen = Observations()
    for number in range(300):
        seen.scraped(ASKED, {f"10.0.{number // 250}.{number % 250}": fresh(1, 2)})
    assert seen.counts == {"a": 300, "b": 600}
    assert seen.since == START
    saved = seen.saved()
    assert saved is not None
    assert len(saved["proxies"]) == 256


def test_another_process_goes_on_with_the_proxies_that_are_there() -> None:
    first = Observations()
    first.scraped(ASKED, {"10.0.0.1": fresh(10, 10), "10.0.0.2": fresh(5, 5)})
    second = Observations()
    second.resume(json.loads(json.dumps(first.saved())))
    second.scraped(ASKED, {"10.0.0.1": fresh(12, 13)})
    assert second.counts == {"a": 12, "b": 13}


@pytest.mark.parametrize("saved", [[], {}, {"asked": {}, "proxies": []}, {"asked": 1}])
def test_what_was_not_saved_by_one_is_refused(saved: object) -> None:
    with pytest.raises((AttributeError, KeyError, TypeError, ValueError)):
        Observations().resume(saved)  # type: ignore[arg-type]  # that is what is tried
