"""``meshsplit split`` on the cluster's VirtualService, and what the reporter says of it."""

import json
import os
import subprocess
import sys
import time
from typing import Any

import httpx

from tests.cluster.system import Cluster, Load, kubectl


def split(*words: str) -> str:
    context = kubectl("config", "current-context").strip()
    done = subprocess.run(
        (sys.executable, "-m", "meshsplit.cli", "split", "--context", context, *words),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def told(client: httpx.Client) -> Any:
    return client.get("/api/v1/split").json()


def test_set_undo_and_history_change_the_object_and_wait_for_the_gateway(
    cluster: Cluster, client: httpx.Client
) -> None:
    with Load() as load:
        assert "the gateway has it after" in split("set", "fastapi=70", "grpc=30")
        time.sleep(2)
        report = told(client)
        assert report["asked"] == report["applied"] == {"fastapi": 70, "grpc": 30}
        split("undo")
    assert load.failed == []
    assert cluster.stored(load.course) == load.arms
    assert split("history").splitlines()[-1].endswith("fastapi=70 grpc=30  ->  fastapi=50 grpc=50")


def test_the_reporter_counts_what_the_gateway_decided(
    cluster: Cluster, client: httpx.Client
) -> None:
    split("set", "fastapi=60", "grpc=40")
    until = time.monotonic() + 20
    while told(client)["observed"]["requests"] and time.monotonic() < until:
        time.sleep(0.5)
    time.sleep(4)
    before = told(client)["observed"]["counts"]
    with Load() as load:
        time.sleep(5)
    time.sleep(3)
    after = told(client)["observed"]["counts"]
    assert {arm: after[arm] - before[arm] for arm in after} == dict(load.arms)
    assert json.loads(split("show", "--json"))["observed"]["counts"] == after
    assert cluster.stored(load.course) == load.arms


def test_a_trial_changes_nothing(cluster: Cluster) -> None:
    version = ("get", "virtualservice/records", "-o", "jsonpath={.metadata.resourceVersion}")
    before = cluster.run(*version)
    assert "not written" in split("set", "--dry-run", "fastapi=1", "grpc=99")
    assert cluster.run(*version) == before
