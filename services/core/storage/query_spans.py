"""A round trip to MySQL as a span, where something that is traced waits for it.

aiomysql has no instrumentation. Names are those of OpenTelemetry's semantic conventions for
databases; values never get into a span, only what is done to which tables.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer

from services.core.storage.failures import StoreAway, StoreRefused

_FORM: Final = re.compile(r"([A-Z]+)(?: INTO| FROM)?(?: ([a-z_]+)\b)?")
_SOURCE: Final = re.compile(r" FROM ([a-z_]+)\b")
_LOOKED_AT: Final = 300
"""Characters of a statement; the tables' names come before any value."""
_SUMMARY_MAX: Final = 255


@contextmanager
def query_span(
    tracer: Tracer, statements: Sequence[str], server: dict[str, str | int]
) -> Iterator[Span]:
    """Trace a round trip.

    Args:
        tracer: makes the span.
        statements: rendered SQL, of which only operations and tables are told.
        server: the attributes that say which database it is.

    """
    found = [_summary(statement) for statement in statements]
    summary = " ".join(f"{operation} {table}" if table else operation for operation, table in found)
    attributes: dict[str, str | int] = {**server, "db.query.summary": summary[:_SUMMARY_MAX]}
    operations = {operation for operation, _ in found}
    if len(found) == 1:
        attributes["db.operation.name"] = found[0][0]
        if found[0][1]:
            attributes["db.collection.name"] = found[0][1]
    else:
        attributes["db.operation.batch.size"] = len(found)
        attributes["db.operation.name"] = " ".join(
            ["BATCH", *(operations if len(operations) == 1 else ())]
        )
    with tracer.start_as_current_span(
        attributes["db.query.summary"],  # type: ignore[arg-type]  # a str, of a mixed dictionary
        kind=SpanKind.CLIENT,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as error:
            _failed(span, error)
            raise


def _summary(statement: str) -> tuple[str, str]:
    """Give a statement's operation, and the table it is about; "" where there is none."""
    statement = statement[:_LOOKED_AT]
    if (parts := _FORM.match(statement)) is None:
        return "", ""
    operation, table = parts.groups("")
    if operation == "SELECT":
        source = _SOURCE.search(statement)
        table = source[1] if source else ""
    return operation, table


def _failed(span: Span, error: BaseException) -> None:
    kind = type(error).__name__
    if isinstance(error, StoreRefused):
        kind = str(error.code)
        span.set_attribute("db.response.status_code", kind)
    span.set_attribute("error.type", kind)
    # A server's own words may have a record's values in them.
    span.set_status(StatusCode.ERROR, str(error) if isinstance(error, StoreAway) else None)
