"""The record: Spanish names on the wire, English ones inside, one set of rules for both arms.

A record comes as JSON (:func:`decode_record`) or already as values, from the other side of a
gRPC call (:func:`validate_record`). Both refuse the same things in the same words.
"""

import json
import re
from typing import Annotated, Final, Never, TypedDict, cast

import msgspec

from services.core.domain.problems import FieldError, InvalidRecord, MalformedJSON

TEXT_MAX: Final = 255
"""Longest text, in code points."""
GRADE_MIN: Final = 0
GRADE_MAX: Final = 100
YEAR_MIN: Final = 1900
YEAR_MAX: Final = 2200
ERRORS_MAX: Final = 20
"""Most wrong fields one answer lists: a body can hold thousands of unknown ones."""

_EDGE: Final = r"[^\s\u0000-\u001f\u007f-\u009f]"
_Text = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=TEXT_MAX,
        extra_json_schema={"pattern": rf"^{_EDGE}([^\u0000-\u001f\u007f-\u009f]*{_EDGE})?$"},
    ),
]
_Grade = Annotated[int, msgspec.Meta(ge=GRADE_MIN, le=GRADE_MAX)]
_Year = Annotated[int, msgspec.Meta(ge=YEAR_MIN, le=YEAR_MAX)]

WIRE_NAMES: Final = {
    "student_id": "carne",
    "student_name": "nombre",
    "course": "curso",
    "grade": "nota",
    "semester": "semestre",
    "year": "year",
}
"""Each attribute's name on the wire, in the wire's order."""


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename=WIRE_NAMES, gc=False):
    """One grade of one student in one course."""

    student_id: _Text
    student_name: _Text
    course: _Text
    grade: _Grade
    semester: _Text
    year: _Year


class _Values(TypedDict):
    student_id: str
    student_name: str
    course: str
    grade: int
    semester: str
    year: int


_TEXT_FIELDS: Final = ("student_id", "student_name", "course", "semester")
_RANGES: Final = {"grade": (GRADE_MIN, GRADE_MAX), "year": (YEAR_MIN, YEAR_MAX)}
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_DIGITS_MAX: Final = 18
_decoder: Final = msgspec.json.Decoder(Record)


def decode_record(body: bytes) -> Record:
    """Decode and check one record from its JSON text.

    The last of a repeated field counts. Numbers with a fraction or an exponent are no integers,
    whatever their value (``13.0`` is refused), as in msgspec's and most typed decoders.

    Raises:
        MalformedJSON: the body is not UTF-8, not JSON, or nested too deeply to read.
        InvalidRecord: it is JSON, but not a record; it names every wrong field.
    """
    try:
        record = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _explain(body)
    return record if _are_plain(record) else validate_record(record)


def make_record(values: dict[str, object]) -> Record:
    """Make a record from values by attribute name; what is not there is missing.

    Raises:
        InvalidRecord: they break a rule of the wire; it names every wrong field.

    """
    errors = _errors_in(values)
    if errors:
        raise InvalidRecord(errors)
    return Record(**cast("_Values", values))  # _errors_in has just checked the types


def validate_record(record: Record) -> Record:
    """Check a record whose values did not come through :func:`decode_record`; give it back.

    Raises:
        InvalidRecord: it breaks a rule of the wire; it names every wrong field.
    """
    errors = _errors_in({name: getattr(record, name) for name in WIRE_NAMES})
    if errors:
        raise InvalidRecord(errors)
    return record


def is_surely_right(record: Record) -> bool:
    """Take a quick look at values that nobody has checked; False: only a close one can tell.

    Their types must be right.
    """
    return (
        GRADE_MIN <= record.grade <= GRADE_MAX
        and YEAR_MIN <= record.year <= YEAR_MAX
        and 0 < len(record.student_id) <= TEXT_MAX
        and 0 < len(record.student_name) <= TEXT_MAX
        and 0 < len(record.course) <= TEXT_MAX
        and 0 < len(record.semester) <= TEXT_MAX
        and _are_plain(record)
    )


def _are_plain(record: Record) -> bool:
    return (
        _is_plain(record.student_id)
        and _is_plain(record.student_name)
        and _is_plain(record.course)
        and _is_plain(record.semester)
    )


def _is_plain(text: str) -> bool:
    """Whether a quick look settles that a text is fine: the only printable blank is a space."""
    return text.isprintable() and text[0] != " " and text[-1] != " "


def _explain(body: bytes) -> Record:
    """Read the slow way, to say everything that is wrong, or that only an earlier repeat was."""
    try:
        document = json.loads(
            body.decode(), parse_constant=_no_constant, parse_int=_bounded_integer
        )
    except UnicodeDecodeError as error:
        raise MalformedJSON(f"the body is not UTF-8: byte {error.start}") from None
    except RecursionError:
        raise MalformedJSON("the body is nested too deeply") from None
    except ValueError as error:
        raise MalformedJSON(f"the body is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise InvalidRecord([FieldError("", "expected one JSON object")])
    values = {name: document[wire] for name, wire in WIRE_NAMES.items() if wire in document}
    unknown = sorted(document.keys() - WIRE_NAMES.values())
    errors = _errors_in(values)
    errors += [FieldError(_printable(name), "unknown field") for name in unknown[:ERRORS_MAX]]
    if errors:
        raise InvalidRecord(errors[:ERRORS_MAX])
    return Record(**cast("_Values", values))  # _errors_in has just checked the types


def _errors_in(values: dict[str, object]) -> list[FieldError]:
    errors = []
    for name, wire in WIRE_NAMES.items():
        if name not in values:
            detail: str | None = "missing"
        elif name in _TEXT_FIELDS:
            detail = _wrong_text(values[name])
        else:
            detail = _wrong_integer(values[name], *_RANGES[name])
        if detail is not None:
            errors.append(FieldError(wire, detail))
    return errors


def _wrong_text(value: object) -> str | None:
    if not isinstance(value, str):
        return f"expected text, got {_kind(value)}"
    if not 1 <= len(value) <= TEXT_MAX:
        return f"expected 1 to {TEXT_MAX} characters, got {len(value)}"
    if value != value.strip():
        return "expected no blank at either end"
    if _CONTROL.search(value):
        return "expected no control character"
    if _SURROGATE.search(value):
        return "expected Unicode text, got half of a surrogate pair"
    return None


def _wrong_integer(value: object, low: int, high: int) -> str | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return f"expected an integer, got {_kind(value)}"
    if not low <= value <= high:
        return f"expected {low} to {high}"
    return None


def _kind(value: object) -> str:
    kinds: dict[type, str] = {
        bool: "a boolean",
        dict: "an object",
        float: "a number with a fraction or an exponent",
        int: "a number",
        list: "an array",
        str: "text",
    }
    return "null" if value is None else kinds[type(value)]


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")


def _bounded_integer(digits: str) -> int:
    """Read an integer; of one far out of every range only its sign and size matter."""
    return int(digits[: _DIGITS_MAX + 1])


def _printable(name: str) -> str:
    """Shorten an unknown field's name, and make it one that UTF-8 can hold."""
    return name[:TEXT_MAX].encode("utf-8", "backslashreplace").decode()
