import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from meshsplit.split.applied import counters_in_stats, percent_in_routes
from meshsplit.split.history import History
from meshsplit.split.observation import Counters, Observation
from meshsplit.split.weights import Arm, Split

ASKED = {"a": 50.0, "b": 50.0}
OTHER = {"a": 90.0, "b": 10.0}
START = datetime(2026, 1, 1, tzinfo=UTC)
SPLIT = Split("records", "split", (Arm("a", "one", "", 50), Arm("b", "two", "", 50)))


class Scrapes:
    """An observation that is given a scrape each second."""

    def __init__(self) -> None:
        self.seen = Observation()
        self._now = datetime(2026, 1, 1, tzinfo=UTC)

    def add(
        self,
        a: int,
        b: int,
        *,
        asked: dict[str, float] = ASKED,
        before: dict[str, float] | None = ASKED,
        after: dict[str, float] | None = ASKED,
        started: datetime | None = None,
        configurations: int | None = None,
    ) -> None:
        self._now += timedelta(seconds=1)
        self.seen.scraped(
            asked, (before, after), Counters({"a": a, "b": b}, started, configurations), self._now
        )


def test_counting_begins_after_the_change_has_settled() -> None:
    scrapes = Scrapes()
    scrapes.add(100, 100)
    scrapes.add(150, 150)
    assert scrapes.seen.since is None
    scrapes.add(200, 200)
    assert scrapes.seen.counts == {"a": 0, "b": 0}
    scrapes.add(210, 220)
    assert scrapes.seen.counts == {"a": 10, "b": 20}


def test_a_counter_that_began_again_loses_nothing() -> None:
    scrapes = Scrapes()
    for value in (100, 100, 100, 110, 4):
        scrapes.add(value, 100)
    assert scrapes.seen.counts == {"a": 14, "b": 0}


def test_a_proxy_that_had_no_other_weights_has_counted_from_its_start() -> None:
    scrapes = Scrapes()
    scrapes.add(500, 510, started=START, configurations=1)
    assert (scrapes.seen.since, scrapes.seen.counts) == (START, {"a": 500, "b": 510})
    scrapes.add(501, 510, started=START, configurations=1)
    assert scrapes.seen.counts == {"a": 501, "b": 510}


def test_a_proxy_that_started_again_loses_nothing_even_where_it_has_counted_further() -> None:
    scrapes = Scrapes()
    scrapes.add(10, 10, started=START, configurations=1)
    scrapes.add(25, 4, started=START + timedelta(minutes=1), configurations=1)
    assert scrapes.seen.counts == {"a": 35, "b": 14}


def test_a_start_that_drifts_because_the_uptime_is_stale_counts_nothing_twice() -> None:
    scrapes = Scrapes()
    for second, value in enumerate((10, 20, 30, 40, 50, 60)):
        drifted = START + timedelta(seconds=second)
        scrapes.add(value, value, started=drifted, configurations=1)
    scrapes.add(70, 70, started=START, configurations=1)
    assert scrapes.seen.counts == {"a": 70, "b": 70}


def resumed(first: Scrapes) -> Scrapes:
    second = Scrapes()
    saved = first.seen.saved()
    assert saved is not None
    second.seen.resume(json.loads(json.dumps(saved)))
    return second


def counting() -> Scrapes:
    scrapes = Scrapes()
    for value in (100, 100, 100, 150):
        scrapes.add(value, value, started=START, configurations=2)
    assert scrapes.seen.counts == {"a": 50, "b": 50}
    return scrapes


def test_another_process_goes_on_counting() -> None:
    first = counting()
    second = resumed(first)
    second.add(170, 180, started=START + timedelta(seconds=1), configurations=2)
    assert second.seen.counts == {"a": 70, "b": 80}
    assert second.seen.since == first.seen.since


@pytest.mark.parametrize(
    ("started", "configurations", "asked"),
    [
        (START, 3, ASKED),  # perhaps to other weights and back
        (START + timedelta(minutes=1), 2, ASKED),
        (START, None, ASKED),
        (START, 2, OTHER),
    ],
)
def test_where_the_weights_may_have_changed_meanwhile_counting_begins_anew(
    started: datetime, configurations: int | None, asked: dict[str, float]
) -> None:
    second = resumed(counting())
    for value in (170, 170, 170, 175):
        second.add(
            value,
            value,
            asked=asked,
            before=asked,
            after=asked,
            started=started,
            configurations=configurations,
        )
    assert second.seen.counts == {"a": 5, "b": 5}


def test_nothing_is_saved_while_nothing_is_counted() -> None:
    assert Observation().saved() is None


def test_a_change_of_weights_begins_anew() -> None:
    scrapes = Scrapes()
    for value in (0, 0, 0, 50):
        scrapes.add(value, value)
    scrapes.add(60, 60, asked=OTHER)
    assert scrapes.seen.counts == {"a": 0, "b": 0}
    assert scrapes.seen.since is None
    for value in (70, 70, 70, 75):
        scrapes.add(value, 60, asked=OTHER, before=OTHER, after=OTHER)
    assert scrapes.seen.counts == {"a": 5, "b": 0}


def test_a_scrape_during_which_the_weights_changed_does_not_count() -> None:
    scrapes = Scrapes()
    scrapes.add(0, 0, before=OTHER)
    scrapes.add(0, 0, after=None)
    assert scrapes.seen.since is None


def test_an_arm_that_the_proxy_leaves_out_has_weight_0() -> None:
    scrapes = Scrapes()
    for value in (0, 0, 0, 9):
        scrapes.add(value, 0, asked={"a": 100, "b": 0}, before={"a": 100}, after={"a": 100, "b": 0})
    assert scrapes.seen.counts == {"a": 9, "b": 0}


def test_every_way_a_decision_can_end_is_counted_once() -> None:
    text = """\
cluster.outbound|8000||one.upstream_rq_total: 10
cluster.outbound|8000||one.upstream_rq_pending_failure_eject: 3
cluster.outbound|8000||one.upstream_rq_retry: 2
cluster.outbound|8000|direct|one.upstream_rq_total: 99
cluster.outbound|8000||two.grades.svc.cluster.local.upstream_rq_total: 5
cluster.outbound|8000||twofold.upstream_rq_total: 70
http.gateway.rds.http.80.config_reload: 3
server.uptime: 60
"""
    now = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
    assert counters_in_stats(text, SPLIT, now) == Counters({"a": 11, "b": 5}, START, 3)
    assert counters_in_stats("", SPLIT, now) == Counters({"a": 0, "b": 0})


def test_the_weights_are_read_from_the_rule_of_the_service_alone() -> None:
    def route(service: str, name: str, **action: object) -> dict[str, object]:
        config = f"/apis/networking.istio.io/v1/namespaces/n/virtual-service/{service}"
        return {
            "name": name,
            "route": action,
            "metadata": {"filter_metadata": {"istio": {"config": config}}},
        }

    clusters = [
        {"name": "outbound|8000||one.n.svc.cluster.local", "weight": 90},
        {"name": "outbound|8000||two", "weight": 10},
    ]
    routes = [
        route("other", "split", cluster="outbound|8000||two"),
        route("records", "pinned", cluster="outbound|8000||two"),
        route("records", "split", weighted_clusters={"clusters": clusters}),
    ]
    configuration = {"virtual_hosts": [{"routes": routes}]}
    assert percent_in_routes([configuration], SPLIT) == {"a": 90, "b": 10}
    assert percent_in_routes([], SPLIT) is None


def test_history_keeps_who_when_from_and_to_and_survives_a_torn_line(tmp_path: Path) -> None:
    history = History(tmp_path / "state" / "history.jsonl")
    assert history.changes() == []
    change = history.add({"a": 50}, {"a": 90})
    with (tmp_path / "state" / "history.jsonl").open("a") as file:
        file.write('{"who": "x", "wh')
    assert history.changes() == [change]
    assert change.who
    assert change.after == {"a": 90}
