"""Spans on disk: bounded, and read again whatever happened to the files."""

import shutil
from pathlib import Path

import pytest

from meshsplit.traces.store import CURRENT, PREVIOUS, SpanFiles, exports


def test_what_was_kept_is_read_in_its_order_also_by_another_process_s_writer(
    tmp_path: Path,
) -> None:
    for start in (0, 3):
        files = SpanFiles(tmp_path)
        for number in range(start, start + 3):
            files.append(bytes([number, 10, 0]))  # a line's end and a zero are bytes like others
        files.close()
    assert list(exports(tmp_path)) == [bytes([number, 10, 0]) for number in range(6)]


def test_a_folder_without_spans_has_none(tmp_path: Path) -> None:
    assert list(exports(tmp_path / "none")) == []


def test_the_files_never_grow_beyond_their_bound_and_the_newest_stay(tmp_path: Path) -> None:
    files = SpanFiles(tmp_path, largest=1000)
    for number in range(500):
        files.append(b"%4d" % number + b"x" * 40)
        sizes = [path.stat().st_size for path in tmp_path.iterdir()]
        assert max(sizes) <= 1000
        assert len(sizes) <= 2
    files.close()
    kept = [int(export[:4]) for export in exports(tmp_path)]
    assert kept == list(range(500 - len(kept), 500))
    assert len(kept) >= 15  # one file's worth at the least


@pytest.mark.parametrize("torn", [1, 5, 11])
def test_a_torn_line_costs_itself_and_no_other(tmp_path: Path, torn: int) -> None:
    files = SpanFiles(tmp_path)
    for word in (b"first one", b"second one"):
        files.append(word)
    files.close()
    path = tmp_path / CURRENT
    path.write_bytes(path.read_bytes()[:-torn])  # a power cut
    files = SpanFiles(tmp_path)
    files.append(b"third one")
    files.close()
    kept = list(exports(tmp_path))
    assert kept[0] == b"first one"
    assert kept[-1] == b"third one"


def test_lines_that_are_no_lines_of_ours_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / PREVIOUS).write_bytes(b"\xff\x00!\n\nAAA\n")
    files = SpanFiles(tmp_path)
    files.append(b"good")
    files.close()
    assert list(exports(tmp_path))[-1] == b"good"


@pytest.mark.parametrize("gone", ["the file", "the folder"])
def test_spans_are_kept_again_after_somebody_deleted_what_was_kept(
    tmp_path: Path, gone: str
) -> None:
    folder = tmp_path / "traces"
    files = SpanFiles(folder, largest=100)
    files.append(b"a" * 30)
    if gone == "the file":
        (folder / CURRENT).unlink()
    else:
        shutil.rmtree(folder)
    for word in (b"b", b"c"):
        files.append(word * 60)
    files.close()
    assert list(exports(folder)) == [b"b" * 60, b"c" * 60]


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    (tmp_path / CURRENT).symlink_to("/dev/full")
    files = SpanFiles(tmp_path)
    with pytest.raises(OSError, match="No space left"):
        files.append(b"lost")
    files.close()
