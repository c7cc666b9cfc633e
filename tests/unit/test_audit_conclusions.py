"""What the audit's clients conclude from an answer, and what its report says."""

import random
from dataclasses import replace

import pytest

from audit.__main__ import command
from audit.history import Attempt, History, Outcome
from audit.nemesis import Row, check_recovery
from audit.posting import PROBLEM, conclude
from audit.records import Records
from audit.report import Verdict, kind_of, markdown
from audit.wire import Answer

OURS = {"content-type": PROBLEM, "retry-after": "1"}


@pytest.mark.parametrize(
    ("status", "headers", "body", "outcome"),
    [
        (201, {}, b'{"id":"1","arm":"one"}', Outcome.ACKNOWLEDGED),
        (200, {}, b'{"id":"1","arm":"one"}', Outcome.ACKNOWLEDGED),
        (503, OURS, b'{"type":"not-stored"}', Outcome.REFUSED),
        (504, OURS, b'{"type":"outcome-unknown"}', Outcome.UNKNOWN),
        (409, OURS, b'{"type":"idempotency-key-conflict"}', Outcome.CONFLICT),
        (503, {"content-type": "text/plain"}, b"upstream connect error", Outcome.UNKNOWN),
        (503, {"retry-after": "1"}, b"reset reason: overflow", Outcome.REFUSED),
        (504, {"content-type": "text/plain"}, b"upstream request timeout", Outcome.UNKNOWN),
        (503, {"content-type": PROBLEM}, b'{"type":"not-stored"}', Outcome.WRONG),
        (500, OURS, b'{"type":"internal-error"}', Outcome.WRONG),
        (422, OURS, b'{"type":"invalid-record"}', Outcome.WRONG),
        (404, {}, b"", Outcome.WRONG),
        (201, {}, b"{}", Outcome.WRONG),
        (201, {}, b"not JSON", Outcome.WRONG),
        (503, OURS, b"[]", Outcome.WRONG),
    ],
)
def test_an_answer_means_what_it_promises_and_no_more(
    status: int, headers: dict[str, str], body: bytes, outcome: Outcome
) -> None:
    made = conclude(Answer(status, headers, body), during="calm", door="gateway")
    assert made.outcome is outcome
    assert made.repeated == (status == 200)


def row(recovered_s: float = 1.0, complaint: str | None = None) -> Row:
    return Row("kill -9 nobody", 0.5, 10, 3, 2, recovered_s, 10.0, complaint)


def test_the_report_has_a_row_for_each_fault_and_fails_for_any_finding() -> None:
    rows = [row(), row(complaint="nobody met")]
    history = History()
    entry = history.begin(Records(random.Random(1)).roll(), None)
    for size in (7, 8):
        said = f"left after {size} of 90 bytes"
        history.note(entry, Attempt("calm", "gateway", Outcome.UNKNOWN, said))
    good = Verdict(4, 60.0, history, rows[:1], [], [], [])
    assert good.passed
    assert "seed 4: passed" in markdown(good)
    assert "| kill -9 nobody | 0.5 s | 10           | 3       | 2       | 1.0 s" in markdown(good)
    assert "| left after N of N bytes | unknown | 2 " in markdown(good)
    bad = Verdict(4, 60.0, History(), rows, [], [], check_recovery(rows))
    assert not bad.passed
    assert "seed 4: FAILED" in markdown(bad)
    assert "fault: 1\n    kill -9 nobody: nobody met" in markdown(bad)


def test_the_title_says_how_many_faults_were_not_tried() -> None:
    impossible = replace(row(), impossible="that takes root")

    def title(*rows: Row) -> str:
        verdict = Verdict(4, 60.0, History(), rows, [], [], check_recovery(rows))
        return markdown(verdict).partition("\n")[0]

    assert title(row()) == "# Audit, seed 4: passed"
    assert title(row(), impossible) == "# Audit, seed 4: passed, 1 fault not tried"
    assert title(row(), impossible, impossible) == "# Audit, seed 4: passed, 2 faults not tried"
    assert title(impossible) == "# Audit, seed 4: FAILED, 1 fault not tried"


def test_the_report_says_how_many_pairs_of_faults_both_had_an_effect() -> None:
    rows = [row(), *(replace(row(), both=both) for both in (True, False, True))]
    text = markdown(Verdict(4, 60.0, History(), rows, [], [], []))
    assert "- two faults came at once 3 times, 2 times both had an effect" in text
    assert "at once" not in markdown(Verdict(4, 60.0, History(), rows[:1], [], [], []))


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("kill -9 nobody", "kill -9"),
        ("kill -9 everything at once", "kill -9 everything at once"),
        ("SIGSTOP envoy", "SIGSTOP"),
        ("cut: ingest to redis", "cut"),
        ("node 2 cut off", "node cut off"),
        ("Redis emptied", "Redis emptied"),
        ("kill -9 ingest + cut: ingest to redis", "two at once"),
    ],
)
def test_a_fault_s_kind_leaves_out_whom_it_happens_to(fault: str, kind: str) -> None:
    assert kind_of(fault) == kind


def test_an_hour_s_report_sums_its_faults_up_by_kind() -> None:
    rows = [row(1.0), row(3.5), row(2.0)]
    text = markdown(Verdict(4, 60.0, History(), rows, [], [], []))
    assert (
        "| kill -9       | 3     | 30           | 9       | 6       | 3.5 s            | 10 s"
        in text
    )
    once = markdown(Verdict(4, 60.0, History(), rows[:1], [], [], []))
    assert "kind of fault" not in once


def test_the_command_that_repeats_a_run_has_all_that_made_its_schedule() -> None:
    given = ["--fault", "kill -9", "--minutes", "2"]
    assert command(given, 7) == "python -m audit --fault 'kill -9' --minutes 2 --seed 7"
    assert command(["--seed", "7", "--rate", "50"], 7) == "python -m audit --seed 7 --rate 50"
