"""The split, updates and failures in the cluster, each under load through the gateway."""

import math
import time
from collections.abc import Iterator

import pytest

from tests.cluster.system import Cluster, Load

WRITERS = ("ingest", "bridge", "recorder")
NOTICED_S = 3.0
"""Within it Kubernetes has seen that a process ended, and every proxy knows."""


@pytest.mark.parametrize(("fastapi", "grpc"), [(50, 50), (90, 10), (100, 0), (0, 100)])
def test_records_go_to_the_arms_as_the_weights_say(
    cluster: Cluster, fastapi: int, grpc: int
) -> None:
    cluster.weigh(fastapi=fastapi, grpc=grpc)
    time.sleep(3)
    with Load(pause_s=0) as load:
        time.sleep(8)
    assert load.failed == []
    total = load.acknowledged
    # Four standard deviations: one such test in 16,000 would fail by chance.
    bound = 4 * math.sqrt(total * fastapi / 100 * grpc / 100)
    assert abs(load.arms["fastapi"] - total * fastapi / 100) <= bound
    assert cluster.stored(load.course) == load.arms


def test_weights_change_under_load_without_a_failed_request(cluster: Cluster) -> None:
    with Load() as load:
        for fastapi in (50, 90, 0, 100, 50):
            cluster.weigh(fastapi=fastapi, grpc=100 - fastapi)
            time.sleep(2)
    assert load.failed == []
    assert cluster.stored(load.course) == load.arms


def test_an_update_of_every_service_at_once_fails_no_request(cluster: Cluster) -> None:
    with Load() as load:
        time.sleep(1)
        cluster.roll("ingest", "bridge", "recorder", "reporter", "dashboard")
        time.sleep(1)
    assert load.failed == []
    assert cluster.stored(load.course) == load.arms


def test_redis_killed_fails_no_request(cluster: Cluster) -> None:
    with Load() as load:
        time.sleep(1)
        cluster.kill("redis")
        time.sleep(1)
        cluster.wait_for("statefulset/redis")
    assert load.failed == []
    assert cluster.stored(load.course) == load.arms


def test_mysql_killed_is_a_503_that_says_when_to_come_back_and_over_in_a_minute(
    cluster: Cluster,
) -> None:
    with Load() as load:
        time.sleep(1)
        cluster.kill("mysql")
        cluster.wait_for("statefulset/mysql")
        before = load.acknowledged
        until = time.monotonic() + 60
        while load.acknowledged < before + 20 and time.monotonic() < until:
            time.sleep(0.5)
        assert load.acknowledged >= before + 20
    assert load.statuses[503] > 0
    assert load.retry_after == load.statuses[503]
    assert set(load.statuses) <= {201, 503, 504}
    stored = cluster.stored(load.course).total()
    # Only a 504 leaves open whether its record was stored.
    assert load.acknowledged <= stored <= load.acknowledged + load.statuses[504]


@pytest.mark.parametrize("service", WRITERS)
def test_a_killed_pod_loses_no_acknowledged_record(cluster: Cluster, service: str) -> None:
    with Load() as load:
        time.sleep(1)
        cluster.kill(service)
        cluster.wait_for(f"deployment/{service}")
        time.sleep(1)
    stored = cluster.stored(load.course).total()
    assert load.acknowledged <= stored <= load.acknowledged + len(load.failed)


@pytest.fixture(scope="module")
def doubled(cluster: Cluster) -> Iterator[Cluster]:
    """Have two pods of each service that stores; afterwards there is one again."""
    try:
        cluster.scale(2, *WRITERS)
        yield cluster
    finally:
        cluster.scale(1, *WRITERS)


def one_of_two(doubled: Cluster, service: str) -> str:
    """Name one of a service's two pods, once whatever an earlier test ended is there again."""
    doubled.settle(service, replicas=2)
    return doubled.pods(service)[0]


@pytest.mark.parametrize("service", WRITERS)
def test_of_two_pods_one_killed_fails_at_most_what_it_had_in_hand(
    doubled: Cluster, service: str
) -> None:
    pod = one_of_two(doubled, service)
    with Load() as load:
        time.sleep(1)
        doubled.run("delete", pod, "--grace-period=0", "--force", "--wait=false")
        time.sleep(5)
    assert len(load.failed) <= load.users
    stored = doubled.stored(load.course).total()
    assert load.acknowledged <= stored <= load.acknowledged + len(load.failed)


@pytest.mark.parametrize("service", WRITERS)
def test_of_two_pods_one_whose_process_dies_fails_requests_only_until_that_is_noticed(
    doubled: Cluster, service: str
) -> None:
    pod = one_of_two(doubled, service)
    with Load() as load:
        time.sleep(1)
        doubled.crash(pod, service)
        dead = time.monotonic()
        time.sleep(6)
    # Nothing is tried again on the way, so those sent to it meanwhile fail, and are not stored.
    assert [at - dead for at in load.failed_at if at > dead + NOTICED_S] == []
    assert set(load.statuses) <= {201, 503}
    stored = doubled.stored(load.course).total()
    assert load.acknowledged <= stored <= load.acknowledged + load.users
