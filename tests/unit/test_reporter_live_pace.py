"""How often everybody is told."""

import pytest

from services.reporter.live.hub import LONGEST_PAUSE_S, SHORTEST_PAUSE_S, pause_after


def test_a_quick_round_is_followed_by_the_shortest_pause() -> None:
    assert pause_after(0.001) == SHORTEST_PAUSE_S


def test_six_messages_never_fit_into_a_second() -> None:
    assert 5 * SHORTEST_PAUSE_S > 1.0


@pytest.mark.parametrize("spent", [0.1, 0.3, 0.6])
def test_a_long_round_takes_no_more_than_a_quarter_of_the_time(spent: float) -> None:
    assert spent / (spent + pause_after(spent)) == pytest.approx(0.25)


def test_no_pause_is_longer_than_a_watcher_puts_up_with() -> None:
    assert pause_after(60.0) == LONGEST_PAUSE_S
