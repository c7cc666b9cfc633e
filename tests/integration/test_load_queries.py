"""Prometheus reaches every part of the real stack, and every named query has an answer."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from observability.queries import QUERIES
from observability.rules import rules
from tests import plain_http
from tests.dashboards import boards, panels

if TYPE_CHECKING:
    from tests.stack import LiveStack

JSON = {"content-type": "application/json"}
ROOT = Path(__file__).parents[2]
SCRAPES_S = 20
"""Enough for a rate: a few scrapes of two seconds each."""
OBJECTIVES_S = 30
"""Objectives are looked at every 30 s only."""


def ask(stack: LiveStack, promql: str) -> list[dict[str, Any]]:
    answer = plain_http.get(f"{stack.url('prometheus')}/api/v1/query", params={"query": promql})
    answer.raise_for_status()
    result: list[dict[str, Any]] = answer.json()["data"]["result"]
    return result


def send(stack: LiveStack, folder: Path, *options: str) -> dict[str, Any]:
    report = folder / "report.json"
    command = [
        *(sys.executable, "-m", "locust", "-f", "loadtest/locustfile.py", "--headless"),
        *("--only-summary", "--host", stack.gateway, "-u", "5", "-r", "5"),
        *("--run-time", "60s", "--report", str(report), *options),
    ]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False, env=os.environ
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(report.read_text())
    return told


@pytest.fixture(scope="module")
def traffic(stack: LiveStack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Change the weights, and send records (and what is none) long enough for a rate."""

    def applied() -> set[str]:
        seen = ask(stack, QUERIES["weights"].over())
        return {row["value"][1] for row in seen if row["metric"]["stage"] == "applied"}

    records = stack.mesh / "routes" / "records.yaml"
    text = records.read_text()
    try:
        moved = text.replace("weight: 50", "weight: 60", 1).replace("weight: 50", "weight: 40")
        records.write_text(moved)
        deadline = time.monotonic() + SCRAPES_S
        while applied() != {"0.6", "0.4"}:
            assert time.monotonic() < deadline, "Prometheus doesn't see the new weights"
            time.sleep(0.5)
    finally:
        records.write_text(text)
    for number in range(20):  # so that each arm has some, whatever the weights say
        traced = {"traceparent": f"00-{number + 1:032x}-{number + 1:016x}-01"}
        bad = plain_http.post(stack.gateway, content=b"{", headers=JSON | traced)
        assert bad.status_code == 400
    folder = tmp_path_factory.mktemp("traffic")
    return send(stack, folder, "--mode", "steady", "--rate", "4", "--count", "400")


def test_every_acknowledged_record_is_in_the_ledgers_count(
    stack: LiveStack, tmp_path: Path
) -> None:
    counts = f"{stack.gateway}/api/v1/records/count"
    before = plain_http.get(counts).json()["arms"]
    told = send(stack, tmp_path, "--mode", "once")
    after = plain_http.get(counts).json()["arms"]
    grown = {arm: after[arm] - before.get(arm, 0) for arm in after}
    assert grown == told["acknowledged"]
    assert sum(grown.values()) == 1000


def test_every_target_is_up(stack: LiveStack) -> None:
    deadline = time.monotonic() + SCRAPES_S
    wanted = {"ingest", "bridge", "recorder", "shadow", "reporter", "gateway", "locust"}
    while True:
        seen = ask(stack, 'min by (job) (up{job!="load"})')
        up = {row["metric"]["job"] for row in seen if row["value"][1] == "1"}
        if up == wanted or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    assert up == wanted


def test_every_rule_is_loaded_and_can_be_evaluated(stack: LiveStack) -> None:
    groups = yaml.safe_load(rules())["groups"]
    wanted = {rule.get("alert") or rule["record"] for group in groups for rule in group["rules"]}
    deadline = time.monotonic() + SCRAPES_S
    while True:
        answer = plain_http.get(f"{stack.url('prometheus')}/api/v1/rules").raise_for_status().json()
        found = [rule for group in answer["data"]["groups"] for rule in group["rules"]]
        health = {rule["name"]: rule["health"] for rule in found}
        if "unknown" not in health.values() or time.monotonic() > deadline + OBJECTIVES_S:
            break
        time.sleep(0.5)
    assert health == dict.fromkeys(wanted, "ok")


@pytest.mark.parametrize("name", QUERIES)
def test_every_named_query_has_an_answer(
    stack: LiveStack, traffic: dict[str, Any], name: str
) -> None:
    assert sum(traffic["acknowledged"].values()) == 400
    deadline = time.monotonic() + SCRAPES_S
    while not (rows := ask(stack, QUERIES[name].over("2m"))):
        assert time.monotonic() < deadline, f"{name} has no series"
        time.sleep(0.5)
    assert all(float(row["value"][1]) == float(row["value"][1]) for row in rows), "NaN"


PANELS = {
    f"{name}: {panel['title']} {target['refId']}": target["expr"]
    for name, board in boards().items()
    for panel in panels(board)
    for target in panel.get("targets", [])
}


@pytest.mark.parametrize("asked", PANELS.values(), ids=PANELS)
def test_every_panel_of_a_dashboard_has_something_to_show(
    stack: LiveStack, traffic: dict[str, Any], asked: str
) -> None:
    arms = [row["metric"]["arm"] for row in ask(stack, QUERIES["decisions"].over())]
    assert {*arms} == {*traffic["acknowledged"]}
    plain = asked.replace("$__rate_interval", "2m").replace("1m]", "2m]")
    if "$job" in plain:  # not every service has what some have
        jobs = [row["metric"]["job"] for row in ask(stack, QUERIES["targets_up"].over())]
        assert any(ask(stack, plain.replace("$job", job)) for job in jobs)
    else:
        for arm in arms:
            assert ask(stack, plain.replace("$arm", arm)), plain


def test_every_variable_of_a_dashboard_has_values(
    stack: LiveStack, traffic: dict[str, Any]
) -> None:
    found = {
        variable["name"]: {
            match
            for row in ask(stack, variable["query"].removeprefix("query_result(")[:-1])
            for match in re.findall(
                variable["regex"].strip("/"), json.dumps(row["metric"]).replace('": "', '="')
            )
        }
        for board in boards().values()
        for variable in board.get("templating", {}).get("list", [])
    }
    assert found["arm"] == {*traffic["acknowledged"]}
    assert found["job"] >= {"ingest", "bridge", "recorder", "reporter", "gateway"}


def test_the_users_of_a_run_without_a_page_are_seen_while_it_runs(stack: LiveStack) -> None:
    command = [
        *(sys.executable, "-m", "locust", "-f", "loadtest/locustfile.py", "--headless"),
        *("--only-summary", "--host", stack.gateway, "-u", "3", "-r", "3", "--rate", "1"),
        *("--run-time", "60s", "--metrics-port", str(stack.ports["load"])),
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as load:
        try:
            wait_for_users(stack, "3")
        finally:
            load.terminate()
    wait_for_users(stack, "0")


def wait_for_users(stack: LiveStack, number: str) -> None:
    deadline = time.monotonic() + SCRAPES_S
    while (rows := ask(stack, QUERIES["load_users"].over()))[0]["value"][1] != number:
        assert time.monotonic() < deadline, rows
        time.sleep(0.5)


def test_the_arms_counts_in_prometheus_are_those_of_the_load(
    stack: LiveStack, traffic: dict[str, Any]
) -> None:
    rows = ask(stack, QUERIES["request_rate"].over("2m"))
    assert {row["metric"]["arm"] for row in rows} >= set(traffic["acknowledged"])
