"""What the wire's rules say of a body, read off the design and not off the product's code."""

import json
import unicodedata
from typing import Any, Final

TEXTS: Final = {"carne", "nombre", "curso", "semestre"}
LIMITS: Final = {"nota": (0, 100), "year": (1900, 2200)}
BODY_MAX: Final = 65_536


def expected(body: bytes) -> set[int]:
    """Return the statuses that the rules allow for a body."""
    if len(body) > BODY_MAX:
        return {413}
    try:
        document = json.loads(
            body.decode(), parse_constant=_refuse, parse_int=_integer, parse_float=lambda _: 0.5
        )
    except (ValueError, RecursionError):
        return {400, 422}  # 422 where a field was wrong before that place
    return {201} if _is_record(document) else {422}


def _is_record(document: Any) -> bool:
    return (
        isinstance(document, dict)
        and document.keys() == TEXTS | LIMITS.keys()
        and all(_is_text(document[name]) for name in TEXTS)
        and all(_is_within(document[name], *limits) for name, limits in LIMITS.items())
    )


def _is_text(value: Any) -> bool:
    return (
        isinstance(value, str)
        and 1 <= len(value) <= 255
        and value == value.strip()
        and not any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in value)
    )


def _is_within(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _integer(digits: str) -> int:
    return int(digits) if len(digits) < 100 else -1  # Python refuses to read very long ones


def _refuse(constant: str) -> None:
    raise ValueError(constant)
