"""Services killed, drained and cut off from their stores, under load."""

import asyncio
import signal
import time
from typing import Any
from uuid import UUID

import httpx
import pytest

from audit.servers.mariadb import MariaDB
from audit.servers.redis_server import RedisServer
from tests import plain_http
from tests.arms import Arms, encoded
from tests.load import JSON, Load


def ids_in(mariadb: MariaDB, course: str) -> set[str]:
    rows = mariadb.query(f"SELECT HEX(id) FROM records WHERE course = '{course}'", "grades")  # noqa: S608 - the tests' own
    return {str(UUID(hex=row[0])) for row in rows}


def post(url: str, course: str = "S30") -> httpx.Response:
    return plain_http.post(url, content=encoded(curso=course), headers=JSON, timeout=20)


def is_ready(url: str) -> bool:
    return plain_http.get(url + "/readyz", timeout=5).status_code == 200


async def in_thread(call: Any) -> Any:
    return await asyncio.to_thread(call)


async def test_a_recorder_killed_under_load_loses_nothing_acknowledged(
    own_arms: Arms, mariadb: MariaDB
) -> None:
    async with Load(own_arms.bridge.url, "killed") as load:
        for _ in range(2):
            await in_thread(own_arms.recorder.kill)
            await asyncio.sleep(0.5)
            await in_thread(own_arms.recorder.start)
            before = len(load.stored)
            await asyncio.sleep(2.5)
            assert len(load.stored) > before, "the bridge recovers by itself"
    in_ledger = ids_in(mariadb, "killed")
    assert set(load.stored) <= in_ledger
    unknown = load.statuses.get(504, 0)
    assert len(in_ledger) <= len(load.stored) + unknown, "a 503 promises that nothing was stored"


async def test_a_recorder_that_hangs_makes_no_promise_that_it_breaks(
    own_arms: Arms, mariadb: MariaDB
) -> None:
    assert own_arms.recorder.process is not None
    async with Load(own_arms.bridge.url, "stopped") as load:
        own_arms.recorder.process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(6)
        finally:
            own_arms.recorder.process.send_signal(signal.SIGCONT)
        before = len(load.stored)
        await asyncio.sleep(4)
        assert len(load.stored) > before, "the bridge recovers by itself"
    assert load.statuses.keys() & {503, 504}, "the hang was noticed"
    in_ledger = ids_in(mariadb, "stopped")
    assert set(load.stored) <= in_ledger
    assert len(in_ledger) <= len(load.stored) + load.statuses.get(504, 0)


@pytest.mark.parametrize("name", ["ingest", "bridge"])
async def test_an_arm_that_drains_under_load_loses_nothing(
    own_arms: Arms, mariadb: MariaDB, name: str
) -> None:
    service = getattr(own_arms, name)
    async with Load(service.url, f"drained-{name}") as load:
        started = time.monotonic()
        assert await in_thread(service.stop) == 0
        assert time.monotonic() - started < 5
    assert load.stored
    assert ids_in(mariadb, f"drained-{name}") == set(load.stored)
    assert set(load.statuses) == {201}, load.statuses


async def test_a_recorder_that_drains_under_load_loses_nothing(
    own_arms: Arms, mariadb: MariaDB
) -> None:
    async with Load(own_arms.bridge.url, "recorder-drained") as load:
        assert await in_thread(own_arms.recorder.stop) == 0
        await in_thread(own_arms.recorder.start)
        before = len(load.stored)
        async with asyncio.timeout(20):  # the bridge finds it again when its pause is over
            while len(load.stored) == before:  # noqa: ASYNC110  # answers set no event
                await asyncio.sleep(0.05)
    in_ledger = ids_in(mariadb, "recorder-drained")
    assert set(load.stored) <= in_ledger
    assert len(in_ledger) <= len(load.stored) + load.statuses.get(504, 0) + load.broken


async def test_a_drain_with_a_delay_serves_on_and_closes_connections(
    tmp_path: Any, mysql_url: str, redis_url: str
) -> None:
    arms = Arms(tmp_path, mysql_url, redis_url, MESHSPLIT_DRAIN_DELAY_S="1.5")
    try:
        await in_thread(arms.ingest.start)
        assert arms.ingest.process is not None
        arms.ingest.process.terminate()
        await in_thread(lambda: arms.ingest.wait_until("/readyz", 503))
        answer = post(arms.ingest.url)
        assert (answer.status_code, answer.headers["connection"]) == (201, "close")
        assert await in_thread(arms.ingest.stop) == 0
    finally:
        arms.kill()


async def test_mysql_away_is_a_503_that_says_when_to_retry_until_it_is_back(
    own_arms: Arms, mariadb: MariaDB
) -> None:
    mariadb.program.kill()
    try:
        for url in own_arms.urls.values():
            answer = post(url, "away")
            assert answer.status_code == 503, answer.text
            assert answer.json()["type"] == "not-stored"
            assert int(answer.headers["retry-after"]) >= 1
            assert is_ready(url), "the pod stays to say so"
    finally:
        mariadb.program.start()
    for url in own_arms.urls.values():
        until = time.monotonic() + 10
        while post(url, "back").status_code != 201:
            assert time.monotonic() < until
            await asyncio.sleep(0.2)
    assert not ids_in(mariadb, "away")


async def test_mysql_that_hangs_is_answered_within_the_gateways_time(
    own_arms: Arms, mariadb: MariaDB
) -> None:
    for url in own_arms.urls.values():
        post(url)
    unknown = 0
    mariadb.program.pause()
    try:
        for url in own_arms.urls.values():
            started = time.monotonic()
            answer = post(url, "hung")
            assert answer.status_code in {503, 504}, answer.text
            assert time.monotonic() - started < 10
            unknown += answer.status_code == 504
    finally:
        mariadb.program.resume()
    await asyncio.sleep(1)
    assert len(ids_in(mariadb, "hung")) <= unknown, "a 503 promises that nothing was stored"


async def test_redis_away_changes_no_answer(own_arms: Arms, redis_server: RedisServer) -> None:
    redis_server.program.kill()
    try:
        for _ in range(20):
            answer = post(own_arms.ingest.url)
            assert answer.status_code == 201
    finally:
        redis_server.program.start()
