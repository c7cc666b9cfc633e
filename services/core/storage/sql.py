"""Statements as text with places, and the one way values get into them.

aiomysql's ``execute`` refuses bytes, and its ``executemany`` sends some statements row by row, so
statements are rendered here, many rows to one, and sent as text. Every session runs with a known
``sql_mode`` (see :mod:`services.core.storage.sessions`), under which this escaping is complete.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from pymysql.converters import escape_string

Value = str | int | bytes | UUID


def quote(value: Value) -> str:
    """Write a value as a literal; bytes and ids as hexadecimal ones."""
    if type(value) is str:  # exact types first: this runs some times a record
        return f"'{value}'" if _is_plain(value) else f"'{escape_string(value)}'"
    if type(value) is int:
        return str(value)
    if isinstance(value, UUID):
        return f"X'{value.int:032x}'"
    if isinstance(value, bytes):
        return f"X'{value.hex()}'"
    raise TypeError(f"no literal for a {type(value).__name__}")


def _is_plain(text: str) -> bool:
    """Whether a quick look settles that nothing in it wants escaping."""
    return text.isprintable() and "'" not in text and "\\" not in text and '"' not in text


@dataclass(frozen=True)
class Fixed:
    """A statement with a fixed number of places, each a ``%s``."""

    text: str

    def fill(self, *values: Value) -> str:
        """Render it with one value for each place."""
        return self.text % tuple(map(quote, values))


@dataclass(frozen=True)
class Listed:
    """A statement with a list in it: rows to insert, or values to look for."""

    head: str
    item: str
    tail: str

    def fill(self, rows: Iterable[Sequence[Value]]) -> str:
        """Render it with one item for each row; there must be at least one."""
        item = self.item
        return f"{self.head}{','.join([item % tuple(map(quote, row)) for row in rows])}{self.tail}"

    def of(self, rows: Iterable[str]) -> str:
        """Render it with rows that are literals already; there must be at least one."""
        return f"{self.head}{','.join(rows)}{self.tail}"

    def look_for(self, values: Iterable[Value]) -> str:
        """Render it with one item for each value."""
        return f"{self.head}{','.join(map(quote, values))}{self.tail}"

    @property
    def text(self) -> str:
        """The statement with a single item, its places open."""
        return self.head + self.item + self.tail
