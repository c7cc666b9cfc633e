import contextlib
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.domain.problems import FieldError, InvalidRecord, MalformedJSON
from services.core.domain.record import ERRORS_MAX, WIRE_NAMES, Record, decode_record, make_record

GOOD: dict[str, Any] = {
    "carne": "54868-6031",
    "nombre": "Nannie",
    "curso": "S30",
    "nota": 13,
    "semestre": "slider",
    "year": 2002,
}
TEXTS = ("carne", "nombre", "curso", "semestre")


def wrong_fields(body: bytes) -> set[str]:
    with pytest.raises(InvalidRecord) as caught:
        decode_record(body)
    return {error.field for error in caught.value.errors}


def encoded(**changes: Any) -> bytes:
    return json.dumps(GOOD | changes).encode()


def test_a_good_record_is_decoded_under_english_names() -> None:
    assert decode_record(encoded()) == Record("54868-6031", "Nannie", "S30", 13, "slider", 2002)


@pytest.mark.parametrize("field", GOOD)
def test_a_missing_field_is_named(field: str) -> None:
    body = json.dumps({k: v for k, v in GOOD.items() if k != field}).encode()
    with pytest.raises(InvalidRecord) as caught:
        decode_record(body)
    assert caught.value.errors == [FieldError(field, "missing")]


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize(
    "value",
    [
        *["", " a", "a ", "\u3000a", "a\u2028", "a\x00b", "a\x7fb", "a\x85b", "\ud800", "é" * 256],
        *[None, 1, True, [], {}],
    ],
)
def test_a_wrong_text_is_named(field: str, value: object) -> None:
    assert wrong_fields(encoded(**{field: value})) == {field}


@pytest.mark.parametrize("field", ["nota", "year"])
@pytest.mark.parametrize(
    "value", [None, "13", True, 13.0, 13.5, -1, 2201, 10**40, -(10**40), [], {}]
)
def test_a_wrong_integer_is_named(field: str, value: object) -> None:
    assert wrong_fields(encoded(**{field: value})) == {field}


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" * 5000, "1e2", "1.0"])
def test_numbers_out_of_every_range_name_their_field(number: str) -> None:
    assert wrong_fields(encoded(nota=-7).replace(b"-7", number.encode())) == {"nota"}


@pytest.mark.parametrize("field", ["nota", "year"])
def test_the_ends_of_a_range_are_inside(field: str) -> None:
    low, high = {"nota": (0, 100), "year": (1900, 2200)}[field]
    decode_record(encoded(**{field: low}))
    decode_record(encoded(**{field: high}))
    assert wrong_fields(encoded(**{field: low - 1})) == {field}
    assert wrong_fields(encoded(**{field: high + 1})) == {field}


def test_texts_of_255_characters_of_any_script_are_taken() -> None:
    assert decode_record(encoded(nombre="😀" * 255)).student_name == "😀" * 255
    assert decode_record(encoded(curso="a\u3000b c")).course == "a\u3000b c"


def test_all_wrong_fields_are_named_at_once() -> None:
    assert wrong_fields(b'{"carne":1,"nota":true,"x":0}') == {*GOOD, "x"}


def test_unknown_fields_are_named_but_not_without_end() -> None:
    with pytest.raises(InvalidRecord) as caught:
        decode_record(encoded(**{f"x{n}": n for n in range(1000)}))
    assert len(caught.value.errors) == ERRORS_MAX


def test_the_last_of_a_repeated_field_counts() -> None:
    body = encoded()[:-1]
    assert decode_record(b'{"nota":"wrong",' + body[1:] + b"}").grade == 13
    assert decode_record(body + b',"nota":7}').grade == 7
    assert wrong_fields(body + b',"nota":700}') == {"nota"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{}x",
        b"\xff",
        b"\xef\xbb\xbf{}",
        encoded(nota=math.nan),
        encoded(nota=math.inf),
        encoded()[:-1] + b",}",
        encoded().replace(b"Nannie", b"Nan\xffnie"),
        encoded().replace(b"Nannie", b"Nan\xed\xa0\x80"),
        encoded().replace(b"Nannie", b"Nan\nnie"),
        encoded().decode().encode("utf-16"),
        b"[" * 60_000,
        b'{"a":' * 10_000,
    ],
)
def test_what_is_not_json_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedJSON):
        decode_record(body)


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"a"', b"1" * 60_000])
def test_json_that_is_no_object_is_an_invalid_record(body: bytes) -> None:
    assert wrong_fields(body) == {""}


@given(st.binary(max_size=200))
def test_any_bytes_are_a_record_or_refused(body: bytes) -> None:
    with contextlib.suppress(MalformedJSON, InvalidRecord):
        decode_record(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)


@given(st.fixed_dictionaries({field: JSON | st.just(good) for field, good in GOOD.items()}))
def test_both_ways_of_checking_agree(values: dict[str, Any]) -> None:
    """The fast way reads JSON, the gRPC side checks values: they must refuse the same fields."""
    named = {name: values[wire] for name, wire in WIRE_NAMES.items()}
    by_value: set[str] = set()
    try:
        make_record(named)
    except InvalidRecord as error:
        by_value = {wrong.field for wrong in error.errors}
    by_json: set[str] = set()
    try:
        decode_record(json.dumps(values).encode())
    except InvalidRecord as error:
        by_json = {wrong.field for wrong in error.errors}
    except MalformedJSON:
        return  # NaN and infinities are no JSON
    assert by_json == by_value
