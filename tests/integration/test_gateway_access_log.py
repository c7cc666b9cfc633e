import asyncio
import json
from pathlib import Path

from meshsplit.agent.access_log import rotate
from meshsplit.translator.bootstrap import Layout
from tests.gateway import Gateway, eventually, post, running


def paths_logged(log: Path) -> list[str]:
    return [json.loads(line)["path"] for line in log.read_text().splitlines()]


async def test_a_large_access_log_is_put_aside_and_no_line_is_lost(tmp_path: Path) -> None:
    async with running(tmp_path) as gateway:
        log = Layout(gateway.folder / "envoy").access_log
        aside = log.with_name("access.log.1")
        await post(gateway, 20)
        await eventually(lambda: len(paths_logged(log)) == 20)
        assert await asyncio.to_thread(rotate, log, admin_of(gateway), largest=100)
        await post(gateway, 10)
        await eventually(lambda: log.exists() and len(paths_logged(log)) == 10)
        assert len(paths_logged(aside)) == 20


def test_a_small_access_log_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("{}\n")
    assert not rotate(log, ("127.0.0.1", 1), largest=100)
    assert log.exists()


def test_a_gateway_that_is_away_is_said_so_and_asked_again(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("x" * 200)
    assert not rotate(log, ("127.0.0.1", 1), largest=100)
    assert not rotate(log, ("127.0.0.1", 1), largest=100)
    assert (tmp_path / "access.log.1").stat().st_size == 200


def admin_of(gateway: Gateway) -> tuple[str, int]:
    host, _, port = gateway.admin.removeprefix("http://").partition(":")
    return host, int(port)
