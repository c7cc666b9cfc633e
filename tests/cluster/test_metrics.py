"""What Prometheus in the cluster knows: everyone's metrics, the rules, and the way to traces."""

import time
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from observability.queries import QUERIES
from tests import plain_http
from tests.cluster.conftest import ROOT
from tests.cluster.jaeger import jaeger
from tests.cluster.system import ADDRESS, Cluster, Load, forwarded

LOOKED_BACK_S = 25.0
"""For so long nobody else has sent anything: whose traces a collector dropped, for one."""
SCRAPED_S = 11.0
"""Two scrapes and an evaluation of the rules."""
Asked = Callable[..., Any]


@pytest.fixture(scope="module")
def asked(cluster: Cluster) -> Iterator[Asked]:
    """Ask Prometheus' API, after some load, a change of weights and records that are refused."""
    with Load(users=4, headers={"x-client-trace-id": "any"}) as load:
        cluster.weigh(fastapi=40, grpc=60)
        refused = [plain_http.post(ADDRESS, json={}, trust_env=False) for _ in range(8)]
        time.sleep(7)
        cluster.weigh(fastapi=50, grpc=50)
        time.sleep(12)
    assert load.failed == []
    assert {answer.status_code for answer in refused} == {422}
    time.sleep(SCRAPED_S)
    with (
        forwarded("prometheus", 9090, "meshsplit") as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", trust_env=False) as api,
    ):

        def ask(path: str, **parameters: str) -> Any:
            return api.get(path, params=parameters).raise_for_status().json()["data"]

        yield ask


def test_every_target_is_reached(asked: Asked) -> None:
    found = {each["labels"]["job"]: each["lastError"] for each in asked("targets")["activeTargets"]}
    assert {"gateway", "ingest", "bridge", "recorder", "reporter", "shadow"} <= found.keys()
    assert set(found.values()) == {""}


def test_every_rule_is_evaluated(asked: Asked) -> None:
    rules = [rule for group in asked("rules")["groups"] for rule in group["rules"]]
    assert rules
    assert [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"] == []


def test_every_query_has_an_answer_but_those_of_what_is_not_here(asked: Asked) -> None:
    silent = {
        name
        for name, query in QUERIES.items()
        if not asked("query", query=query.over("1m"))["result"]
    }
    assert {name for name in silent if not name.startswith("load")} == set()


def test_each_service_says_which_version_it_is(asked: Asked) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    said = asked("query", query="meshsplit_build_info")["result"]
    assert {each["metric"]["version"] for each in said} == {project["version"]}


@pytest.mark.part("traces")
def test_a_histogram_s_exemplar_leads_to_its_trace(asked: Asked) -> None:
    query = 'meshsplit_request_seconds_bucket{arm!="",arm!="shadow"}'
    between = {"start": f"{time.time() - LOOKED_BACK_S:.0f}", "end": f"{time.time():.0f}"}
    found = asked("query_exemplars", query=query, **between)
    traces = {each["labels"]["trace_id"] for series in found for each in series["exemplars"]}
    assert traces
    with jaeger() as api:
        assert None not in [api.trace(number) for number in traces]
