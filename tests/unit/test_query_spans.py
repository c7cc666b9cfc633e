import re
from contextlib import suppress

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from services.core.storage import sql, statements
from services.core.storage.failures import StoreAway, StoreFailure, StoreRefused
from services.core.storage.query_spans import query_span
from tests.kept_spans import Memory, told

SERVER: dict[str, str | int] = {"db.system.name": "mariadb", "server.port": 3306}
VALUE = "it's a secret FROM nobody"
EVERY = {
    name: value
    for name, value in vars(statements).items()
    if isinstance(value, sql.Fixed | sql.Listed) and not value.text.startswith(" ")  # a part of one
}


def traced(*texts: str, error: Exception | None = None) -> ReadableSpan:
    memory = Memory()
    with suppress(StoreFailure), query_span(memory.traces.tracer, texts, SERVER):
        if error is not None:
            raise error
    (span,) = memory.spans
    return span


@pytest.mark.parametrize("name", EVERY)
def test_every_statement_is_told_by_its_operation_and_its_table(name: str) -> None:
    statement = EVERY[name].text.replace("%s", sql.quote(VALUE))
    span = traced(statement)
    assert span.kind is SpanKind.CLIENT
    assert "secret" not in f"{span.name}{told(span)}"
    operation = statement.split()[0]
    table = re.search(r"(?:INTO|FROM|UPDATE) ([a-z_]+)", EVERY[name].text)
    assert span.name == (f"{operation} {table[1]}" if table else operation)
    assert told(span)["db.operation.name"] == operation
    assert told(span).get("db.collection.name") == (table[1] if table else None)
    assert told(span)["db.system.name"] == "mariadb"


def test_a_round_trip_of_several_is_one_span_that_names_them_all() -> None:
    span = traced("INSERT INTO records (id) VALUES (1)", "SELECT id FROM fences WHERE id IN (1)")
    assert span.name == "INSERT records SELECT fences"
    assert told(span)["db.operation.name"] == "BATCH"
    assert told(span)["db.operation.batch.size"] == 2
    same = traced("INSERT INTO records (id) VALUES (1)", "INSERT INTO fences (id) VALUES (1)")
    assert told(same)["db.operation.name"] == "BATCH INSERT"


def test_an_error_is_told_by_its_code_and_without_the_values_in_its_words() -> None:
    span = traced("COMMIT", error=StoreRefused(1062, f"Duplicate entry '{VALUE}'"))
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description is None
    assert told(span)["db.response.status_code"] == told(span)["error.type"] == "1062"
    assert span.events == ()
    away = traced("COMMIT", error=StoreAway("no answer"))
    assert (away.status.description, told(away)["error.type"]) == ("no answer", "StoreAway")
