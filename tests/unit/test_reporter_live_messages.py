"""The words of the live WebSocket."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.core.live.selection import Selection
from services.reporter.live.messages import Figures, Nonsense, encode_error, read_select

S30 = Selection(course="S30", year=2002, semester="slider")


def test_a_select_names_a_course_in_a_semester() -> None:
    message = '{"type":"select","course":"S30","year":2002,"semester":"slider"}'

    assert read_select(message) == S30


@pytest.mark.parametrize(
    "message",
    [
        "",
        "hello",
        "null",
        "[]",
        "{}",
        "[" * 60_000,
        '{"type":"select"}',
        '{"type":"unselect","course":"S30","year":2002,"semester":"slider"}',
        '{"course":"S30","year":2002,"semester":"slider"}',
        '{"type":"select","course":"S30","year":"2002","semester":"slider"}',
        '{"type":"select","course":"S30","year":2002.5,"semester":"slider"}',
        '{"type":"select","course":"S30","year":true,"semester":"slider"}',
        '{"type":"select","course":null,"year":2002,"semester":"slider"}',
        '{"type":"select","course":"","year":2002,"semester":"slider"}',
        '{"type":"select","course":"S30","year":2002,"semester":"slider","more":1}',
        '{"type":"select","course":"S30","year":1899,"semester":"slider"}',
        '{"type":"select","course":"S30","year":99999999999999999999,"semester":"slider"}',
        '{"type":"select","course":"\\ud800","year":2002,"semester":"slider"}',
        json.dumps({"type": "select", "course": "x" * 256, "year": 2002, "semester": "slider"}),
    ],
)
def test_any_other_message_is_nonsense_and_says_why(message: str) -> None:
    with pytest.raises(Nonsense) as caught:
        read_select(message)

    assert 0 < len(str(caught.value)) <= 300


@settings(deadline=None)  # what a busy machine does to one example says nothing
@given(st.text())
def test_no_text_at_all_breaks_the_reader(message: str) -> None:
    with pytest.raises(Nonsense):
        read_select(message)


def test_a_lone_surrogate_is_nonsense() -> None:
    with pytest.raises(Nonsense):
        read_select('{"type":"select","course":"\ud800","year":2002,"semester":"s"}')


def test_figures_without_a_selection_say_null() -> None:
    assert json.loads(Figures(7, None, 0, 0.0).encode("snapshot")) == {
        "type": "snapshot",
        "total": 7,
        "selection": None,
        "behind": 0.0,
    }


def test_figures_of_a_selection_hold_it_and_its_students() -> None:
    assert json.loads(Figures(7, S30, 3, 1.23456).encode("update")) == {
        "type": "update",
        "total": 7,
        "selection": {"course": "S30", "year": 2002, "semester": "slider", "students": 3},
        "behind": 1.235,
    }


def test_an_error_holds_its_detail_and_nothing_else() -> None:
    assert json.loads(encode_error("no")) == {"type": "error", "detail": "no"}
