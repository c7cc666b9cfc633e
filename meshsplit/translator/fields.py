"""Reading a resource field by field, so that whatever nobody read can be refused."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from meshsplit.translator.refusal import Refusal

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?")


@dataclass(frozen=True, slots=True)
class Place:
    """A point in a resource, and the list that refusals go to."""

    file: str
    name: str
    refusals: list[Refusal] = field(compare=False)
    path: str = ""

    def at(self, step: str | int) -> Self:
        """Return the place one step further in."""
        if isinstance(step, int):
            path = f"{self.path}[{step}]"
        elif re.fullmatch(r"[\w-]+", step):
            path = f"{self.path}.{step}" if self.path else step
        else:
            path = f'{self.path}["{step}"]'
        return replace(self, path=path)

    def refuse(self, message: str) -> None:
        """Note that what stands here can't be honoured."""
        self.refusals.append(Refusal(self.file, self.path, self.name, message))


class Fields:
    """The fields of one mapping. Every reader marks its field as known; ``close`` refuses the rest.

    A wrong value is refused and read as absent, so that one look finds every refusal.
    """

    def __init__(self, value: Any, place: Place) -> None:
        self.place = place
        self._known: set[str] = set()
        self._values: dict[str, Any] = {}
        if isinstance(value, Mapping):
            self._values = {str(key): item for key, item in value.items()}
        elif value is not None:
            place.refuse(f"expected fields, found {_shown(value)}")

    def __contains__(self, key: str) -> bool:
        return self._values.get(key) is not None

    def keys(self) -> set[str]:
        """Return the names of the fields there are."""
        return set(self._values)

    def __bool__(self) -> bool:
        return bool(self._values)

    def refuse(self, key: str, message: str) -> None:
        """Refuse what stands under ``key``."""
        self.place.at(key).refuse(message)

    def _take(self, key: str, kind: type | tuple[type, ...], expected: str) -> Any:
        self._known.add(key)
        value = self._values.get(key)
        if value is None:
            return None
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.refuse(key, f"expected {expected}, found {_shown(value)}")
            return None
        return value

    def required(self, key: str) -> None:
        """Refuse the mapping if ``key`` is missing from it."""
        if key not in self:
            self.refuse(key, "is missing")

    def text(self, key: str) -> str | None:
        """Read a text, or None."""
        value: str | None = self._take(key, str, "a text")
        return value

    def texts(self, key: str) -> list[str]:
        """Read a list of texts."""
        found = []
        for index, item in enumerate(self._list(key)):
            if isinstance(item, str):
                found.append(item)
            else:
                self.place.at(key).at(index).refuse(f"expected a text, found {_shown(item)}")
        return found

    def one_of(self, key: str, choices: Sequence[str]) -> str | None:
        """Read one of ``choices``, or None."""
        value = self.text(key)
        if value is not None and value not in choices:
            self.refuse(key, f"expected one of {', '.join(choices)}; found {value!r}")
            return None
        return value

    def integer(self, key: str, low: int = 0, high: int = 2**31 - 1) -> int | None:
        """Read a whole number from ``low`` to ``high``, or None."""
        value: int | None = self._take(key, int, "a whole number")
        if value is not None and not low <= value <= high:
            self.refuse(key, f"expected a whole number from {low} to {high}, found {value}")
            return None
        return value

    def number(self, key: str, low: float, high: float) -> float | None:
        """Read a number from ``low`` to ``high``, or None."""
        value = self._take(key, (int, float), "a number")
        if value is not None and not low <= value <= high:
            self.refuse(key, f"expected a number from {low:g} to {high:g}, found {value}")
            return None
        return None if value is None else float(value)

    def boolean(self, key: str) -> bool | None:
        """Read true or false, or None."""
        value: bool | None = self._take(key, bool, "true or false")
        return value

    def duration(self, key: str, minimum_ms: int = 1) -> str | None:
        """Read a duration in Istio's form (``1h2m3s``, ``250ms``) as Envoy's seconds, or None."""
        value = self._take(key, str, "a duration such as 15s or 250ms")
        if value is None:
            return None
        match = _DURATION.fullmatch(value)
        if match is None or not value:
            self.refuse(key, f"expected a duration such as 15s or 250ms, found {value!r}")
            return None
        hours, minutes, seconds, millis = (float(part or 0) for part in match.groups())
        total_ms = round((hours * 60 + minutes) * 60_000 + seconds * 1000 + millis)
        if total_ms < minimum_ms:
            self.refuse(key, f"expected at least {minimum_ms}ms, found {value}")
            return None
        return f"{total_ms / 1000:.3f}".rstrip("0").rstrip(".") + "s"

    def child(self, key: str) -> Self | None:
        """Return the mapping under ``key``, or None."""
        self._known.add(key)
        if self._values.get(key) is None:
            return None
        return type(self)(self._values[key], self.place.at(key))

    def children(self, key: str) -> list[Self]:
        """Return the mappings of the list under ``key``."""
        return [
            type(self)({} if item is None else item, self.place.at(key).at(index))
            for index, item in enumerate(self._list(key))
        ]

    def named(self, key: str) -> dict[str, Self]:
        """Return the mappings under ``key`` by their names."""
        value = self._take(key, Mapping, "fields")
        place = self.place.at(key)
        return {
            str(name): type(self)(item, place.at(str(name))) for name, item in (value or {}).items()
        }

    def text_map(self, key: str) -> dict[str, str]:
        """Read a mapping of texts to texts."""
        found = {}
        for name, item in (self._take(key, Mapping, "names and texts") or {}).items():
            if isinstance(item, str):
                found[str(name)] = item
            else:
                self.place.at(key).at(str(name)).refuse(
                    f"expected a text (in quotes), found {_shown(item)}"
                )
        return found

    def at_most_one(self, *keys: str) -> None:
        """Refuse all but the first of ``keys`` that are there."""
        there = [key for key in keys if key in self]
        for key in there[1:]:
            self.refuse(key, f"can't stand beside {there[0]}")

    def close(self) -> None:
        """Refuse every field that nothing has read."""
        for key in self._values:
            if key not in self._known:
                self.refuse(key, "this field is not known to the local gateway")

    def _list(self, key: str) -> list[Any]:
        value = self._take(key, list, "a list")
        return value or []


def _shown(value: Any) -> str:
    """Show a value in a message, cut to a line."""
    kinds = {dict: "fields", list: "a list", bool: str(value).lower()}
    text = kinds.get(type(value), repr(value))
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 - a line on a screen
