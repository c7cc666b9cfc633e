"""Each service keeps what its OpenAPI document says, whatever is made from that document."""

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.arms import Arms, ServiceProcess
from tests.fuzz.seeds import own_seed
from tests.reporter_process import ReporterProcess, reporter_process

CASES = int(os.environ.get("MESHSPLIT_FUZZ_CASES", "100"))
"""Requests to each operation, of what its document allows and as many of what it forbids."""
KEPT = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CHECKS = {
    GenerationMode.POSITIVE: KEPT,
    GenerationMode.NEGATIVE: [*KEPT, negative_data_rejection],
}


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


def try_every_operation(document: str) -> Counter[GenerationMode]:
    """Send what the document allows and what it forbids; count the operations that got each."""
    schema = schemathesis.openapi.from_url(document, wait_for_schema=5)
    operations: list[Any] = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr] # a document it can't read fails here
    tried: Counter[GenerationMode] = Counter()
    for operation in operations:
        for mode in GenerationMode:
            if mode.is_positive or takes_anything(operation):
                send(operation.as_strategy(mode), CHECKS[mode])
                tried[mode] += 1
    return tried


def takes_anything(operation: Any) -> bool:
    """Tell whether there is anything to get wrong."""
    return bool(operation.body or operation.query or operation.path_parameters)


def send(cases: SearchStrategy[Any], checks: list[Any]) -> None:
    @seed(own_seed())
    @settings(
        max_examples=CASES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=cases)
    def holds(case: Any) -> None:
        case.call_and_validate(checks=checks, timeout=20)

    holds()


@pytest.mark.parametrize(("name", "forbidding"), [("ingest", 1), ("bridge", 1), ("recorder", 0)])
def test_an_arm_keeps_its_document(arms: Arms, name: str, forbidding: int) -> None:
    service = next(each for each in arms.all if each.name == name)
    tried = try_every_operation(f"{service.url}/openapi.json")
    assert tried[GenerationMode.POSITIVE] >= 4
    assert tried[GenerationMode.NEGATIVE] >= forbidding


def test_the_shadow_keeps_its_document(shadow: ServiceProcess) -> None:
    assert try_every_operation(f"{shadow.url}/openapi.json")[GenerationMode.POSITIVE] >= 4


def test_the_reporter_keeps_its_document(reporter: ReporterProcess) -> None:
    tried = try_every_operation(f"{reporter.api}/openapi.json")
    assert tried[GenerationMode.POSITIVE] >= 8
    assert tried[GenerationMode.NEGATIVE] >= 4
