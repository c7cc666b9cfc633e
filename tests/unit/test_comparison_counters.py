from math import inf

import pytest

from meshsplit.comparison.counters import Increase, RawCounters, Sample
from meshsplit.comparison.evidence import LEAST_RECORDS, LEAST_S, MOST_S, Evidence

HOSTS = {"one": "a", "two": "b"}


def series(name: str, value: float, job: str = "j", **labels: str) -> Sample:
    return {"__name__": name, "job": job, "instance": "i", **labels}, value


def answers(value: float, host: str, code: str) -> Sample:
    return series("gateway:requests:total", value, host=host, code=code)


def increase_of(before: list[Sample], after: list[Sample]) -> Increase:
    counters = RawCounters(HOSTS)
    assert counters.take(before) == Increase()
    return counters.take(after)


def test_what_a_process_had_counted_before_is_nobodys() -> None:
    found = increase_of(
        [answers(100, "one", "201"), answers(7, "elsewhere", "200")],
        [answers(130, "one", "201"), answers(9, "elsewhere", "200")],
    )
    assert found.answers == {"a": 30}


def test_a_counter_that_went_back_began_again() -> None:
    found = increase_of(
        [series("process_cpu_seconds_total", 50)], [series("process_cpu_seconds_total", 2)]
    )
    assert found.cpu == {("j", "i"): 2}


def test_a_counter_that_is_new_in_a_known_process_began_at_0() -> None:
    found = increase_of(
        [answers(10, "one", "201")], [answers(10, "one", "201"), answers(3, "one", "503")]
    )
    assert found.answers == {"a": 3}
    assert found.errors == {"a": 3}


def test_a_process_that_was_not_seen_for_a_while_goes_on_where_it_was() -> None:
    counters = RawCounters(HOSTS)
    counters.take([series("process_cpu_seconds_total", 5)])
    assert counters.take([]) == Increase()
    assert counters.take([series("process_cpu_seconds_total", 7)]).cpu == {("j", "i"): 2}


def test_times_are_told_apart_by_arm_and_bound() -> None:
    def bucket(value: float, bound: str) -> Sample:
        return series("meshsplit_request_seconds_bucket", value, arm="a", le=bound)

    found = increase_of(
        [bucket(0, "0.01"), bucket(0, "+Inf")], [bucket(3, "0.01"), bucket(4, "+Inf")]
    )
    assert found.within == {("a", 0.01): 3, ("a", inf): 4}


def worked(cpu: dict[str, float], records: dict[tuple[str, str], float]) -> Increase:
    return Increase(
        cpu={(job, "i"): seconds for job, seconds in cpu.items()},
        records={((job, "i"), arm): count for (job, arm), count in records.items()},
    )


def test_a_record_costs_what_each_of_its_services_takes_for_one() -> None:
    known = Evidence.of(["a", "b"])
    known.take(
        worked(
            {"door a": 0.1, "door b": 0.2, "writer": 0.6},
            {("door a", "a"): 100, ("door b", "b"): 200, ("writer", "b"): 200},
        ),
        LEAST_S,
    )
    assert known.arms["a"].cost.mean == pytest.approx(0.001)
    assert known.arms["b"].cost.mean == pytest.approx(0.001 + 0.003)
    assert known.savings["a", "b"].mean == pytest.approx(-0.003)


def test_a_process_that_works_for_two_arms_is_charged_to_both_by_their_records() -> None:
    known = Evidence.of(["a", "b"])
    known.take(worked({"writer": 0.8}, {("writer", "a"): 300, ("writer", "b"): 100}), LEAST_S)
    assert known.arms["a"].cost.mean == pytest.approx(0.002)
    assert known.arms["b"].cost.mean == pytest.approx(0.002)


def test_an_arm_whose_second_service_was_not_seen_has_no_cost_for_that_window() -> None:
    known = Evidence.of(["a"])
    both = {("door", "a"): 100.0, ("writer", "a"): 100.0}
    known.take(worked({"door": 0.1, "writer": 0.1}, both), LEAST_S)
    known.take(worked({"door": 0.1}, {("door", "a"): 100.0}), LEAST_S)
    assert known.arms["a"].cost.windows == 1


def test_a_window_waits_for_records_but_not_for_ever() -> None:
    known = Evidence.of(["a", "b"])
    few = worked({"door": 0.01}, {("door", "a"): LEAST_RECORDS - 1})
    assert not known.take(few, LEAST_S)
    assert known.take(worked({"door": 0.01}, {("door", "a"): 1}), LEAST_S)
    assert not known.take(few, MOST_S - 1)
    assert known.take(Increase(), 1)
    assert known.arms["a"].cost.windows == 1


def test_records_that_share_a_batch_are_known_by_its_bucket() -> None:
    known = Evidence.of(["a"])
    window = worked({"door": 0.1}, {("door", "a"): 100})
    window.batches = {(("door", "i"), bound): n for bound, n in ((1.0, 50), (8.0, 50), (inf, 50))}
    known.take(window, LEAST_S)
    assert known.arms["a"].company == 1
    window.batches[("door", "i"), 8.0] = window.batches[("door", "i"), inf] = 60
    known.take(window, LEAST_S)
    assert known.arms["a"].company == pytest.approx((100 + 10 * 64) / (100 + 10 * 8))
