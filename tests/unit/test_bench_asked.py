"""Figures are held against what was asked, and rates follow only peaks that count."""

from math import inf

import msgspec
import pytest

from bench.asked import ASKED, Asked
from bench.cases import BOTH
from bench.measured import Measured
from bench.recovery import Overload
from bench.rounds import FEW, Bench
from bench.system import UnfitError
from tests import benched

RUN = msgspec.structs.replace(
    benched.RUN,
    answers=4_000,
    seconds=1.0,
    cpu_us={"envoy": 100.0, "ingest": 60.0, "bridge": 40.0, "recorder": 20.0},
)
FLOODED = msgspec.structs.replace(
    RUN,
    case="flood",
    answers=1_999,
    overload=Overload(0.01, None, {"envoy": (50.0, 70.0), "locust": (1.0, 90.0)}, peak=5_000),
)


def asked(words: str) -> Asked:
    (found,) = (each for each in ASKED if words in each.what)
    return found


def middle(words: str, *runs: Measured) -> list[float]:
    cases: dict[str, list[Measured]] = {}
    for run in runs:
        cases.setdefault(run.case, []).append(run)
    return asked(words).figures(cases)


def test_a_figure_is_met_within_its_bound_and_not_beyond() -> None:
    figure = asked("S/E at 64")
    assert figure.met({"even-64": [RUN]}) is True
    dear = msgspec.structs.replace(RUN, cpu_us={**RUN.cpu_us, "recorder": 41.0})
    assert figure.met({"even-64": [dear]}) is False
    assert figure.row({"even-64": [dear]}) == (
        "S/E at 64 connections",
        "at most 1.4",
        "1.41 (1.41 to 1.41)",
        "NO",
    )


def test_nothing_is_said_of_what_was_not_run() -> None:
    assert asked("S/E at 64").met({}) is None
    assert asked("S/E at 64").row({"even-64": []}) is None


def test_the_plain_version_is_held_against_the_same_rounds() -> None:
    plain = msgspec.structs.replace(RUN, case=BOTH, answers=1_000)
    elsewhere = msgspec.structs.replace(plain, round=2, answers=1)
    assert middle("plain", RUN, plain, elsewhere) == [4.0]


@pytest.mark.parametrize(
    ("words", "figure"),
    [
        ("twice saturation: accepted", 39.98),
        ("twice saturation: p99", 40.0),
        ("twice saturation: memory", 1.4),
        ("twice saturation: back to normal", inf),
    ],
)
def test_what_a_flood_did_is_told(words: str, figure: float) -> None:
    assert middle(words, FLOODED) == [pytest.approx(figure)]


class Peaks(Bench):
    """Whose peaks a test gives."""

    def give(self, *peaks: Measured) -> None:
        self._given = list(peaks)

    def saturation(self, connections: int) -> Measured:
        assert connections == FEW
        return self._given.pop(0)


@pytest.fixture
def bench() -> Peaks:
    return Peaks(measuring=None, round=1)  # type: ignore[arg-type]  # it measures nothing


DISTURBED = msgspec.structs.replace(RUN, answers=1, others=0.3)
VOID = msgspec.structs.replace(RUN, answers=2, void=["1 unanswered"])


def test_rates_follow_a_peak_that_nothing_disturbed(bench: Peaks) -> None:
    bench.give(DISTURBED, VOID, RUN)
    assert bench.peak() == 4_000
    assert bench.peak() == 4_000, "it isn't measured again"


def test_without_such_a_peak_there_are_no_rates(bench: Peaks) -> None:
    bench.give(VOID, VOID, DISTURBED)
    with pytest.raises(UnfitError, match="others used 30%"):
        bench.peak()
