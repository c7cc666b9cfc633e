"""Every PromQL expression stands in one place, under one name, and says what it answers."""

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import yaml

from observability.arm_queries import ARM_QUERIES
from observability.gateway_queries import GATEWAY_QUERIES
from observability.queries import QUERIES
from observability.query import Query
from observability.record_queries import RECORD_QUERIES
from observability.rules import FILE
from observability.service_queries import SERVICE_QUERIES
from observability.store_queries import STORE_QUERIES
from tests.promtool import hold
from tests.unit.test_house import ROOT, tracked

PARTS = (ARM_QUERIES, GATEWAY_QUERIES, RECORD_QUERIES, SERVICE_QUERIES, STORE_QUERIES)
WINDOWS = ("30s", "5m", "30m", "1h", "2h", "6h", "1d", "3d")
PROMQL = re.compile(r"\b(i?rate|increase|histogram_quantile|[a-z]+_over_time)\(.*[\[{]")
"""What PromQL has and no other language here."""
MADE = ("observability/rules.yml", "observability/grafana/")


def test_no_name_is_given_twice() -> None:
    named = Counter(name for part in PARTS for name in part)
    assert {name for name, times in named.items() if times > 1} == set()
    assert named.keys() <= QUERIES.keys()


@pytest.mark.parametrize(("name", "query"), QUERIES.items(), ids=QUERIES)
def test_a_query_says_what_it_answers_and_in_what(name: str, query: Query) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]+", name)
    assert "?" in query.answers
    assert "\n" not in query.answers
    assert query.unit


def test_every_query_parses(tmp_path: Path) -> None:
    groups = [
        {
            "name": window,
            "rules": [
                {"record": f"asked:{name}", "expr": query.over(window)}
                for name, query in QUERIES.items()
            ],
        }
        for window in WINDOWS
    ]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": groups}))
    done = subprocess.run(
        ["promtool", "check", "rules", "--lint=none", path],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_copies_that_a_shadow_gets_are_no_share_of_the_split(tmp_path: Path) -> None:
    counted = 'meshsplit_requests_total{{arm="{}",method="POST"}}'
    series = {counted.format(arm): "0+100x40" for arm in ("fastapi", "grpc")}
    series |= {counted.format("shadow"): "0+200x40"}
    for arm in ("fastapi", "grpc"):
        series[f'meshsplit_split_weight_ratio{{arm="{arm}",stage="applied"}}'] = "0.5x40"
    halves = [{"labels": f'{{arm="{arm}"}}', "value": 0.5} for arm in ("fastapi", "grpc")]
    asked = QUERIES["share_now"].over("1m")
    hold(series, [{"expr": asked, "eval_time": "5m", "exp_samples": halves}], tmp_path)


def test_no_expression_stands_anywhere_else() -> None:
    found = {
        name
        for name in tracked()
        if name.endswith((".py", ".ts", ".tsx", ".yaml", ".yml", ".template", ".sh", ".md"))
        and not re.fullmatch(r"observability/\w+_queries\.py", name)
        and not name.startswith(MADE)
        and PROMQL.search((ROOT / name).read_text())
    }
    assert found - {"tests/unit/test_queries.py"} == set()
    assert any(PROMQL.search(query.promql) for query in QUERIES.values())


def test_a_rule_is_made_of_named_queries_and_comparisons_only() -> None:
    asked = sorted(
        {query.over(window) for query in QUERIES.values() for window in WINDOWS},
        key=len,
        reverse=True,
    )
    for group in yaml.safe_load(FILE.read_text())["groups"]:
        for rule in group["rules"]:
            left = rule["expr"]
            for query in asked:
                left = left.replace(query, "q")
            words = re.findall(r"[a-z_:]{2,}", left)
            assert set(words) <= {"and", "or", "on", "unless", "arm"}, rule
