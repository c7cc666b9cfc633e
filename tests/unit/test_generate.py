"""The generator: the same seed, the same file; realistic, valid, and written as it is made."""

import io
import itertools
import json
import re
import subprocess
import sys
import tracemalloc
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from loadtest import generate
from services.core.domain.record import decode_record

ROOT = Path(__file__).parents[2]


def made(*arguments: str) -> bytes:
    command = [sys.executable, "-m", "loadtest.generate", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60).stdout


def test_the_committed_sample_is_what_its_command_makes() -> None:
    assert made("--records", "1000", "--seed", "1") == (ROOT / "loadtest/sample.json").read_bytes()


def test_another_seed_makes_another_file() -> None:
    assert made("--records", "50", "--seed", "1") != made("--records", "50", "--seed", "2")


@pytest.mark.parametrize("count", [0, 1, 2])
def test_the_smallest_files_are_json_too(count: int) -> None:
    out = io.StringIO()
    generate.write(generate.records(count, 1), out)
    assert len(json.loads(out.getvalue())) == count


def test_every_record_is_one_the_services_take() -> None:
    for row in generate.records(5000, 3):
        decode_record(json.dumps(row).encode())


def test_a_student_keeps_name_and_carne() -> None:
    names = defaultdict(set)
    for row in generate.records(5000, 1):
        names[row["carne"]].add(row["nombre"])
    assert len(names) > 900
    assert all(len(held) == 1 for held in names.values())


def test_carnes_and_courses_have_the_usual_form() -> None:
    for row in generate.records(500, 1):
        assert re.fullmatch(r"\d{5}-\d{4}", str(row["carne"]))
        assert re.fullmatch(r"[A-Z]\d\d", str(row["curso"]))


def test_no_two_students_share_a_carne() -> None:
    assert len({generate.student(1, number).carne for number in range(20_000)}) == 20_000


def test_the_most_popular_course_has_about_twice_the_second() -> None:
    counts = Counter(row["curso"] for row in generate.records(20_000, 1)).most_common(2)
    assert 1.8 < counts[0][1] / counts[1][1] < 2.2


def test_some_fail_and_more_pass() -> None:
    grades = [int(row["nota"]) for row in generate.records(20_000, 1)]
    assert 0.2 < sum(grade < 61 for grade in grades) / len(grades) < 0.5
    assert min(grades) == 0
    assert max(grades) == 100


def test_names_come_in_several_scripts() -> None:
    letters = {letter for row in generate.records(20_000, 1) for letter in str(row["nombre"])}
    scripts = {unicodedata.name(letter, "").split()[0] for letter in letters if letter.isalpha()}
    assert {"LATIN", "CYRILLIC", "GREEK", "CJK", "HANGUL", "ARABIC", "HEBREW"} <= scripts


def test_memory_does_not_grow_with_the_file() -> None:
    rows = generate.records(10**9, 1)
    tracemalloc.start()
    try:
        for _ in itertools.islice(rows, 40_000):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * 2**20


def test_a_senseless_size_is_refused_by_name() -> None:
    command = [sys.executable, "-m", "loadtest.generate", "--records", "-1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--records" in done.stderr
