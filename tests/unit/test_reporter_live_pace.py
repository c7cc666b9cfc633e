"""How often everybody is told."""

import pytest

from services.reporter.live.hub import LONGEST_PAUSE_S, ROUND_S, SHORTEST_PAUSE_S, pause_after


@pytest.mark.parametrize("took", [0.001, 0.05, 0.15])
def test_what_telling_took_is_no_longer_waited_for(took: float) -> None:
    assert took + pause_after(0.001, took) == pytest.approx(ROUND_S)


def test_six_messages_never_fit_into_a_second() -> None:
    assert 5 * ROUND_S > 1.0


@pytest.mark.parametrize("took", [0.2, 0.5, 3.0])
def test_there_is_a_pause_however_long_telling_took(took: float) -> None:
    assert pause_after(0.001, took) == SHORTEST_PAUSE_S


@pytest.mark.parametrize("spent", [0.1, 0.3, 0.6])
def test_a_long_round_takes_no_more_than_a_quarter_of_the_time(spent: float) -> None:
    assert spent / (spent + pause_after(spent, spent)) == pytest.approx(0.25)


def test_no_pause_is_longer_than_a_watcher_puts_up_with() -> None:
    assert pause_after(60.0, 60.0) == LONGEST_PAUSE_S
