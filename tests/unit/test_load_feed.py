"""Which records a run sends, and what it says of them at the end."""

import json
import uuid
from pathlib import Path

import pytest

from loadtest.answers import Acknowledged
from loadtest.datafile import DataFileError, read_bodies
from loadtest.feed import Feed
from loadtest.tally import Tally

RECORD = {
    "carne": "54868-6031",
    "nombre": "Nannie",
    "curso": "S30",
    "nota": 13,
    "semestre": "slider",
    "year": 2002,
}
BODIES = [b"a", b"b", b"c", b"d", b"e"]


def drained(feed: Feed, most: int = 100) -> list[bytes]:
    sent: list[bytes] = []
    while len(sent) < most and (item := feed.next()) is not None:
        sent.append(item.body)
        feed.settle()
    return sent


def test_once_hands_out_each_record_once_and_is_then_finished() -> None:
    feed = Feed(BODIES, run="r", repeat=False)
    assert drained(feed) == BODIES
    assert feed.finished


def test_a_record_in_a_users_hands_keeps_the_run_from_being_finished() -> None:
    feed = Feed(BODIES[:1], run="r", repeat=False)
    feed.next()
    assert not feed.finished
    feed.settle()
    assert feed.finished


def test_steady_starts_over_with_new_keys() -> None:
    feed = Feed(BODIES, run="r", repeat=True)
    items = [feed.next() for _ in range(12)]
    assert len({item.key for item in items if item}) == 12
    assert not feed.finished


def test_steady_with_a_count_stops_there() -> None:
    assert len(drained(Feed(BODIES, run="r", repeat=True, limit=12))) == 12


def test_parts_share_the_file_without_gap_or_overlap() -> None:
    parts = [Feed(BODIES, run="r", repeat=False, part=part, parts=3) for part in (1, 2, 3)]
    assert sorted(body for part in parts for body in drained(part)) == BODIES


def test_a_part_with_nothing_in_it_is_finished_at_once() -> None:
    feed = Feed(BODIES, run="r", repeat=True, part=9, parts=9)
    assert feed.next() is None
    assert feed.finished


def test_the_data_file_is_sent_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    text = json.dumps(RECORD, indent=3, ensure_ascii=True)
    path.write_text(f"[{text},{text}]")
    assert read_bodies(path) == [text.encode()] * 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (json.dumps([RECORD, RECORD | {"nota": 101}]), "row 2: nota: expected 0 to 100"),
        (json.dumps([RECORD | {"carne": 5}]), "row 1: carne: expected text"),
        (json.dumps([{"x": 1}]), "row 1: carne: missing"),
        (json.dumps([1]), "row 1: record: expected one JSON object"),
        ("[]", "nothing to send"),
        ("{}", "expected a JSON array"),
        ("[{", "expected a JSON array"),
        ("", "expected a JSON array"),
    ],
)
def test_a_bad_data_file_is_refused_by_row_and_field(
    tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / "data.json"
    path.write_text(content)
    with pytest.raises(DataFileError) as caught:
        read_bodies(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_data_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match=r"nowhere\.json"):
        read_bodies(tmp_path / "nowhere.json")


def test_a_file_that_is_wrong_throughout_is_described_briefly(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text(json.dumps([{}] * 1000))
    with pytest.raises(DataFileError) as caught:
        read_bodies(path)
    assert len(str(caught.value).splitlines()) <= 11


def test_an_id_given_twice_is_wrong() -> None:
    tally = Tally(keep=True)
    answer = Acknowledged(uuid.uuid4(), "grpc", repeated=False)
    assert tally.acknowledge(0, answer)
    assert not tally.acknowledge(1, answer)
    assert not tally.passed(unsent=0)


def test_a_run_passes_only_when_every_record_was_acknowledged() -> None:
    tally = Tally(keep=False)
    assert not tally.passed(unsent=0)
    tally.acknowledge(0, Acknowledged(uuid.uuid4(), "grpc", repeated=False))
    assert tally.passed(unsent=0)
    assert not tally.passed(unsent=1)
    tally.lose_sight(1)
    assert not tally.passed(unsent=0)
