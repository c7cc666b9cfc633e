"""What the reporter says of the arms: from a Prometheus made up for a test, and the real one."""

import asyncio
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from observability.queries import QUERIES
from tests.admin_interface import Admin
from tests.answering import Answers, Server
from tests.reporter_process import ReporterProcess, reporter_process
from tests.stack import LiveStack

BOUNDS = {"0.005": 0.2, "0.01": 0.6, "0.025": 0.985, "0.05": 0.999, "+Inf": 1.0}
SLOWER = {"0.005": 0.0, "0.01": 0.1, "0.025": 0.7, "0.05": 0.98, "+Inf": 1.0}
PER_S = 30


class Metrics(Server):
    """A Prometheus that has seen two arms for ever: the second is slower, fails and costs more."""

    def __init__(self) -> None:
        super().__init__(_Answers)
        self.asked: list[str] = []

    def series(self, start: float, end: float, step: float) -> Iterator[dict[str, Any]]:
        def each(rate: float, job: str, name: str, **labels: str) -> dict[str, Any]:
            moments = [start + n * step for n in range(int((end - start) // step) + 1)]
            metric = {"__name__": name, "job": job, "instance": job, **labels}
            values = [[moment, str(round(rate * (moment % 1e6), 3))] for moment in moments]
            return {"metric": metric, "values": values}

        for arm, job, bounds, errors in (
            ("fastapi", "ingest", BOUNDS, 0.0),
            ("grpc", "bridge", SLOWER, 0.05),
        ):
            for bound, share in bounds.items():
                labels = {"arm": arm, "le": bound}
                yield each(PER_S * share, job, "meshsplit_request_seconds_bucket", **labels)
            for code, share in (("201", 1 - errors), ("503", errors)):
                labels = {"host": job, "code": code}
                yield each(PER_S * share, "gateway", "gateway:requests:total", **labels)
            yield each(PER_S, job, "meshsplit_records_total", arm=arm, outcome="stored")
            yield each(PER_S * 0.0005, job, "process_cpu_seconds_total")
        yield each(PER_S, "recorder", "meshsplit_recorder_records_total", arm="grpc")
        yield each(PER_S * 0.0004, "recorder", "process_cpu_seconds_total")
        yield each(1, "reporter", "meshsplit_request_seconds_bucket", le="+Inf")


class _Answers(Answers):
    server: Metrics

    def do_POST(self) -> None:  # noqa: N802 - the library's name
        body = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        self.server.asked.append(body["query"][0])
        series = list(self.server.series(*(float(body[n][0]) for n in ("start", "end", "step"))))
        found = {"status": "success", "data": {"result": series}}
        self.answer(json.dumps(found).encode())


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    with Metrics().serving() as server:
        yield server


@pytest.fixture
def reporter(
    mysql_url: str, redis_url: str, admin: Admin, metrics: Metrics, tmp_path: Path
) -> Iterator[ReporterProcess]:
    admin.reloads = 1  # so the weights have been in force for as long as it runs
    with reporter_process(
        mysql_url,
        redis_url,
        MESHSPLIT_ENVOY_ADMIN=admin.url,
        MESHSPLIT_PROMETHEUS=metrics.url,
        MESHSPLIT_STATE_DIR=str(tmp_path),
    ) as running:
        yield running


async def arms_when(api: str, least: int, within_s: float = 30) -> Any:
    """Ask until so many requests are compared."""
    async with asyncio.timeout(within_s), httpx.AsyncClient() as client:
        while True:
            answer = await client.get(f"{api}/split/arms")
            if answer.status_code == 200 and answer.json()["requests"] >= least:
                return answer.json()
            await asyncio.sleep(0.1)


async def test_arms_are_compared_from_what_prometheus_remembers(
    reporter: ReporterProcess, metrics: Metrics
) -> None:
    answer = await arms_when(reporter.api, least=2 * PER_S * 50)

    assert set(metrics.asked) == {QUERIES["arm_counters"].over()}
    assert answer["source"] | {"read_until": ""} == {
        "available": True,
        "detail": "",
        "read_until": "",
    }
    measures = {measure["name"]: measure for measure in answer["measures"]}
    assert list(measures) == ["errors", "p50", "p99", "cpu"]
    for name, first, second in (
        ("errors", 0.0, 0.05),
        ("p50", 0.00875, 0.02),
        ("p99", 0.034, None),
        ("cpu", 0.0005, 0.0009),
    ):
        arms = measures[name]["arms"]
        assert arms["fastapi"]["estimate"] == pytest.approx(first, rel=0.03), name
        if second is not None:
            assert arms["grpc"]["estimate"] == pytest.approx(second, rel=0.03), name
    assert measures["p50"]["arms"]["fastapi"]["interval"] == [0.005, 0.01]
    assert [each["state"] for each in measures["p50"]["differences"]] == ["differs"]
    assert "fastapi fails less often" in answer["text"]
    assert answer["text"].endswith(".")


async def test_a_prometheus_that_is_away_is_said_and_is_no_error(
    mysql_url: str, redis_url: str
) -> None:
    with reporter_process(mysql_url, redis_url) as running:
        async with asyncio.timeout(15), httpx.AsyncClient() as client:
            while True:
                answer = await client.get(f"{running.api}/split/arms")
                if answer.status_code == 200 and "can't be" in answer.json()["source"]["detail"]:
                    break
                await asyncio.sleep(0.1)
    told = answer.json()
    assert told["source"]["available"] is False
    assert told["source"]["read_until"] is None
    assert told["text"] == "There is nothing to compare yet."


async def test_the_real_systems_arms_are_compared_in_everything(
    stack: LiveStack,
) -> None:
    record = {"carne": "7", "nombre": "Ana", "curso": "C", "nota": 70}
    body = record | {"semestre": "s", "year": 2001}

    def send(_: int) -> int:
        return client.post(f"{stack.gateway}/", json=body).status_code

    before = await arms_when(f"{stack.gateway}/api/v1", least=0)
    sent = 0
    until = time.monotonic() + 25
    with httpx.Client(timeout=15) as client, ThreadPoolExecutor(4) as threads:
        while time.monotonic() < until:
            assert {*await asyncio.to_thread(lambda: list(threads.map(send, range(40))))} == {201}
            sent += 40
            await asyncio.sleep(1)
    least = before["requests"] + sent // 3
    answer = await arms_when(f"{stack.gateway}/api/v1", least, within_s=90)

    assert answer["source"]["available"]
    for measure in answer["measures"]:
        for name in ("fastapi", "grpc"):
            reading = measure["arms"][name]
            low, high = reading["interval"]
            assert reading["of"] > 0, (measure["name"], name)
            assert low <= reading["estimate"], measure["name"]
            assert high is None or reading["estimate"] <= high, measure["name"]
    errors, p50, _, cpu = answer["measures"]
    assert errors["arms"]["fastapi"]["of"] == pytest.approx(p50["arms"]["fastapi"]["of"], rel=0.5)
    assert 0 < cpu["arms"]["grpc"]["estimate"] < 0.1
