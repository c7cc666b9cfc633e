"""The page of results says what was measured, and nothing else."""

import msgspec
import pytest

from bench.asked import ASKED
from bench.cases import CASES
from bench.measured import Measured
from bench.page import PAGE, render
from bench.results import RESULTS, Machine, Results, table
from tests.benched import RUN

MACHINE = Machine(2, 24.0, "a processor", "Linux", "3.11")


def results(*runs: Measured) -> Results:
    return Results(MACHINE, 1.0, 4.0, list(runs))


def test_the_page_is_what_the_results_make() -> None:
    assert PAGE.read_text() == render(msgspec.json.decode(RESULTS.read_bytes(), type=Results)), (
        "docs/benchmarks.md is stale: python -m bench --publish"
    )


def test_the_published_results_have_every_case_and_hardly_a_void_run() -> None:
    published = msgspec.json.decode(RESULTS.read_bytes(), type=Results)
    wanted = {run for case in CASES.values() for run in case.runs}
    assert published.cases().keys() == wanted
    assert all(published.cases().values()), "a case has no run that counts"
    assert sum(bool(run.void) for run in published.runs) <= len(published.runs) / 20


def test_the_published_results_are_what_was_asked_for() -> None:
    published = msgspec.json.decode(RESULTS.read_bytes(), type=Results).cases()
    missed = [asked.what for asked in ASKED if not asked.met(published)]
    assert missed == []


def test_a_run_beside_busy_programs_is_left_out_and_counted() -> None:
    busy = msgspec.structs.replace(RUN, answers=999_999_999, others=0.21)
    text = render(results(RUN, busy))
    assert "999" not in text
    assert "and 1 more beside which other" in text


def test_a_ratio_is_of_one_round_of_one_sitting() -> None:
    def run(case: str, number: int, sitting: str, answers: int) -> Measured:
        return msgspec.structs.replace(
            RUN, case=case, round=number, sitting=sitting, answers=answers
        )

    mine = [run("even-64", 1, "a", 8_000), run("even-64", 2, "a", 9_000)]
    text = render(results(*mine, run("plain", 2, "a", 3_000), run("plain", 1, "b", 4_000)))
    assert "3.00 (3.00 to 3.00) times that of a plain route" in text
    assert "- a: `even-64`, `plain`\n- b: `plain`" in text


def test_services_over_gateway_leaves_the_stores_and_the_generator_out() -> None:
    run = msgspec.structs.replace(RUN, cpu_us={**RUN.cpu_us, "mariadb": 500.0})
    assert run.services_over_gateway == pytest.approx(1.5)


def test_a_run_without_the_gateway_has_no_such_ratio() -> None:
    run = msgspec.structs.replace(RUN, whole=False)
    assert run.services_over_gateway is None


@pytest.mark.parametrize("show", [table, render])
def test_a_void_run_is_left_out_and_counted(show: object) -> None:
    assert callable(show)
    wrong = msgspec.structs.replace(RUN, answers=999_999_999, void=["1 unanswered"])
    text = show(results(RUN, wrong))
    assert "5,000" in text
    assert "999" not in text
    assert "1 of 2 runs were void" in " ".join(text.split()) or text.splitlines()[1].endswith("1")


def test_a_case_with_void_runs_only_has_no_figures() -> None:
    assert "5,000" not in table(results(msgspec.structs.replace(RUN, void=["why"])))


def test_the_waterfall_shows_the_most_costly_process_first() -> None:
    text = table(results(RUN))
    assert text.index("  envoy") < text.index("  ingest") < text.index("  recorder")


def test_what_only_people_look_at_is_left_out_of_the_memory() -> None:
    text = render(results(msgspec.structs.replace(RUN, case="even-256")))
    assert "without locust and grafana: 50 MB" in text
