"""Only SQL that MySQL 8, MariaDB 10.11, Galera and TiDB all take."""

import re

import pytest

from services.core.storage import statements
from services.core.storage.sql import Fixed, Listed, quote

WORDS = {
    "AND",
    "AS",
    "ASC",
    "BY",
    "CAST",
    "COMMIT",
    "COUNT",
    "DECIMAL",
    "DELETE",
    "DESC",
    "DISTINCT",
    "DIV",
    "DUPLICATE",
    "FOR",
    "FROM",
    "GROUP",
    "HEX",
    "IN",
    "INSERT",
    "INTERVAL",
    "INTO",
    "IS",
    "KEY",
    "LEAST",
    "LIMIT",
    "NOT",
    "MICROSECOND",
    "NULL",
    "OFFSET",
    "ON",
    "ORDER",
    "ROLLBACK",
    "SECOND",
    "SELECT",
    "SET",
    "SUM",
    "TIMESTAMPDIFF",
    "UPDATE",
    "UTC_TIMESTAMP",
    "VALUES",
    "WHERE",
}
"""Every word that a statement may be made of; one more needs a look at four databases' manuals."""

ALL = {name: each for name, each in vars(statements).items() if isinstance(each, Fixed | Listed)}


@pytest.mark.parametrize("name", ALL)
def test_a_statement_uses_only_words_that_every_database_knows(name: str) -> None:
    words = set(re.findall(r"\b[A-Z][A-Z_]+\b", ALL[name].text))
    assert words <= WORDS, f"{words - WORDS} in {ALL[name].text}"


@pytest.mark.parametrize("name", ALL)
def test_a_statement_orders_by_an_index_in_one_direction(name: str) -> None:
    ordered = re.search(r"ORDER BY (.*?)(?: LIMIT|$)", ALL[name].text)
    if ordered is None or name == "TOP_COURSES":  # sums have no index
        return
    assert len({term.endswith(" DESC") for term in ordered[1].split(", ")}) == 1


@pytest.mark.parametrize("name", ALL)
def test_a_statement_keeps_its_keywords_in_capitals(name: str) -> None:
    small = set(re.findall(r"\b[a-z]+\b", re.sub(r"%s", "", ALL[name].text)))
    assert not {word.upper() for word in small} & (
        WORDS - {"KEY"} | {"RETURNING", "IGNORE", "SKIP", "LOCKED", "REPLACE", "WITH", "LEFT"}
    )


@pytest.mark.parametrize("name", ALL)
def test_a_delete_is_bounded(name: str) -> None:
    text = ALL[name].text
    assert not text.startswith("DELETE") or re.search(r"(LIMIT \d+| WHERE id IN \(%s\))$", text)


def test_text_is_quoted_whatever_it_holds() -> None:
    assert quote("o'B\\r%s\"\n\x00") == "'o\\'B\\\\r%s\\\"\\n\\0'"
    assert quote(b"\x00'") == "X'0027'"


def test_a_value_that_looks_like_a_place_is_left_alone() -> None:
    statement = Listed("IN (", "(%s,%s)", ")")
    assert statement.fill([("%s", "%d"), ("a", 1)]) == "IN (('%s','%d'),('a',1))"
