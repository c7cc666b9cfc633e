"""The audit's checker: every kind of defect, planted, is found; what is allowed is not."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from audit.checks import check, check_alike, check_charts, check_live, check_rollups
from audit.history import Outcome
from audit.ledger import Live, Marks
from audit.recount import charts, recount
from tests.auditing import ARMS, TOLD, Sent, attempt

PASS_MARK = 61


@pytest.fixture
def sent() -> Sent:
    return Sent()


def kinds(sent: Sent) -> set[str]:
    return {finding.kind for finding in check(sent.history, sent.ledger())}


def test_a_run_in_which_all_went_well_has_no_finding(sent: Sent) -> None:
    ledger = sent.ledger()
    assert check(sent.history, ledger) == []
    assert check_rollups(ledger) == []
    assert check_live(ledger, sent.live(), TOLD) == []
    assert check_charts(ledger, charts(sent.rows, ARMS, PASS_MARK), ARMS, PASS_MARK) == []


def test_an_acknowledged_record_that_is_gone_is_lost(sent: Sent) -> None:
    gone = sent.rows.pop(7)
    assert gone.values == sent.entry.values
    assert kinds(sent) == {"lost"}


def test_a_record_without_a_key_that_is_gone_is_lost(sent: Sent) -> None:
    entry = sent.begin(key=None)
    sent.history.note(entry, attempt(Outcome.ACKNOWLEDGED, sent.store(entry)))
    assert kinds(sent) == set()
    sent.rows.pop()
    assert kinds(sent) == {"lost"}


def test_a_record_that_is_stored_twice_is_doubled(sent: Sent) -> None:
    sent.store(sent.entry)
    assert "doubled" in kinds(sent)


def test_two_records_under_one_key_are_doubled(sent: Sent) -> None:
    other = sent.begin(Outcome.UNKNOWN, key=sent.entry.key)
    assert kinds(sent) == set()
    sent.store(other)
    assert "doubled" in kinds(sent)


def test_a_record_that_nobody_sent_is_found(sent: Sent) -> None:
    entry = sent.history.begin(sent.records.roll(), None)
    sent.store(entry)
    sent.history.entries.remove(entry)
    assert kinds(sent) == {"never sent"}


def test_a_key_that_nobody_sent_is_found(sent: Sent) -> None:
    sent.keys["nobody's"] = sent.rows[0].id
    assert kinds(sent) == {"never sent"}


def test_a_value_that_changed_on_the_way_is_a_loss_and_a_record_never_sent(sent: Sent) -> None:
    row = sent.rows[7]
    sent.rows[7] = row._replace(values=row.values._replace(grade=101))
    assert {"lost", "never sent"} <= kinds(sent)


@pytest.mark.parametrize("stored", [True, False])
def test_what_got_no_answer_may_be_stored_or_not(sent: Sent, stored: bool) -> None:
    entry = sent.begin(Outcome.UNKNOWN, Outcome.REFUSED)
    if stored:
        sent.store(entry)
    assert kinds(sent) == set()


def test_a_record_that_was_only_ever_refused_must_not_be_stored(sent: Sent) -> None:
    entry = sent.begin(Outcome.REFUSED, Outcome.REFUSED)
    assert kinds(sent) == set()
    sent.store(entry)
    assert kinds(sent) == {"broken promise"}


def test_a_conflict_needs_another_record_with_the_key(sent: Sent) -> None:
    sent.begin(Outcome.CONFLICT, key=sent.entry.key)
    assert kinds(sent) == set()
    sent.begin(Outcome.CONFLICT, key="nobody else's")
    assert kinds(sent) == {"wrong answer"}


def test_a_key_that_leads_elsewhere_is_a_loss(sent: Sent) -> None:
    sent.keys["key-7"] = sent.rows[8].id
    assert kinds(sent) == {"lost"}


def test_an_answer_with_another_id_or_arm_is_wrong(sent: Sent) -> None:
    row = sent.rows[7]
    sent.history.note(
        sent.entry, attempt(Outcome.ACKNOWLEDGED, row._replace(arm="two"), repeated=True)
    )
    assert (row.arm, kinds(sent)) == ("two", set())
    sent.history.note(
        sent.entry, attempt(Outcome.ACKNOWLEDGED, row._replace(arm="one"), repeated=True)
    )
    assert kinds(sent) == {"wrong answer"}


def test_a_key_answered_as_new_twice_is_wrong(sent: Sent) -> None:
    sent.history.note(sent.entry, attempt(Outcome.ACKNOWLEDGED, sent.rows[7]))
    assert kinds(sent) == {"wrong answer"}


def test_an_answer_that_nobody_should_get_is_found(sent: Sent) -> None:
    sent.history.note(sent.entry, attempt(Outcome.WRONG))
    assert kinds(sent) == {"wrong answer"}


def _off_by_one(figures: dict[Any, Any]) -> None:
    key = next(iter(figures))
    value = figures[key]
    figures[key] = (
        value._replace(grades=value.grades + 1) if isinstance(value, Marks) else value + 1
    )


def _missing(figures: dict[Any, Any]) -> None:
    figures.popitem()


def _too_many(figures: dict[Any, Any]) -> None:
    figures["nowhere"] = 1


@pytest.mark.parametrize("figure", ["grades", "students", "enrolments", "marks", "totals"])
@pytest.mark.parametrize("spoil", [_off_by_one, _missing, _too_many])
def test_a_rollup_that_is_off_by_one_is_found(
    sent: Sent, figure: str, spoil: Callable[[dict[Any, Any]], None]
) -> None:
    ledger = sent.ledger()
    spoil(getattr(ledger.rollups, figure))
    assert {finding.kind for finding in check_rollups(ledger)} == {"rollup"}


def test_nodes_that_hold_the_same_are_alike_and_any_difference_is_found(sent: Sent) -> None:
    first = sent.ledger()
    assert check_alike(first, sent.ledger(), "node 2") == []
    fewer = replace(first, records=first.records[1:])
    without_key = replace(first, keys=dict(list(first.keys.items())[1:]))
    off = replace(first, rollups=recount(first.records[1:]))
    for other in (fewer, without_key, off):
        assert {f.kind for f in check_alike(first, other, "node 2")} == {"nodes differ"}


def test_a_redis_that_lacks_a_record_or_a_student_or_has_one_too_many_is_stale(sent: Sent) -> None:
    ledger, live = sent.ledger(), sent.live()
    id_, values = live.records.popitem()
    assert {f.kind for f in check_live(ledger, live, TOLD)} == {"stale Redis"}
    live.records[id_] = values
    course, students = live.students.popitem()
    live.students[course] = students | {"nobody"}
    assert {f.kind for f in check_live(ledger, live, TOLD)} == {"stale Redis"}
    live.students[course] = students
    assert check_live(ledger, live, TOLD) == []
    live.records[sent.rows[1].id] = sent.rows[1].values
    assert {f.kind for f in check_live(ledger, live, TOLD)} == {"stale Redis"}


def test_a_redis_that_waits_or_is_not_complete_is_stale(sent: Sent) -> None:
    assert check_live(replace(sent.ledger(), unapplied=1), sent.live(), TOLD)
    assert check_live(sent.ledger(), replace(sent.live(), complete=False), TOLD)


def test_a_redis_that_holds_nothing_of_an_arm_that_it_mirrors_is_stale(sent: Sent) -> None:
    nothing = Live({}, {}, complete=True)
    assert {f.kind for f in check_live(sent.ledger(), nothing, TOLD)} == {"stale Redis"}


def test_every_chart_is_held_against_the_recount(sent: Sent) -> None:
    right = charts(sent.rows, ARMS, PASS_MARK)
    assert {path.partition("?")[0].rpartition("/")[2] for path in right} == {
        "semesters", "count", "top", "courses", "results",
    }  # fmt: skip
    for path in right:
        wrong = {**right, path: []}
        assert [f.kind for f in check_charts(sent.ledger(), wrong, ARMS, PASS_MARK)] == [
            "wrong chart"
        ]


def test_the_pass_mark_decides_who_passed(sent: Sent) -> None:
    right = charts(sent.rows, ARMS, PASS_MARK)
    assert check_charts(sent.ledger(), right, ARMS, PASS_MARK + 20)
