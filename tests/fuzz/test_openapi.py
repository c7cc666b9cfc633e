"""Each service keeps what its OpenAPI document says, whatever is made from that document."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.arms import Arms, ServiceProcess
from tests.reporter_process import ReporterProcess, reporter_process

CASES = int(os.environ.get("MESHSPLIT_FUZZ_CASES", "100"))
"""Requests to each operation."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def reporter(mysql_url: str, redis_url: str) -> Iterator[ReporterProcess]:
    with reporter_process(mysql_url, redis_url) as running:
        yield running


@pytest.fixture(scope="module")
def shadow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    service = ServiceProcess("shadow", tmp_path_factory.mktemp("shadow"), {})
    try:
        yield service.start()
    finally:
        service.kill()


def try_every_operation(document: str) -> int:
    """Send what the document allows and what it doesn't; return how many operations it has."""
    schema = schemathesis.openapi.from_url(document, wait_for_schema=5)
    operations: list[Any] = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr] # a document it can't read fails here
    for operation in operations:

        @settings(
            max_examples=CASES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def holds(case: Any) -> None:
            case.call_and_validate(checks=CHECKS, timeout=20)

        holds()
    return len(operations)


@pytest.mark.parametrize("name", ["ingest", "bridge", "recorder"])
def test_an_arm_keeps_its_document(arms: Arms, name: str) -> None:
    service = next(each for each in arms.all if each.name == name)
    assert try_every_operation(f"{service.url}/openapi.json") >= 4


def test_the_shadow_keeps_its_document(shadow: ServiceProcess) -> None:
    assert try_every_operation(f"{shadow.url}/openapi.json") >= 4


def test_the_reporter_keeps_its_document(reporter: ReporterProcess) -> None:
    assert try_every_operation(f"{reporter.api}/openapi.json") >= 8
