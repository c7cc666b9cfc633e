"""Redis that outlives its machine: the live figures follow a failover, by the URL alone."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from audit.servers.sentinel import Guarded
from tests.live_system import SOON_S, System


@pytest.fixture
async def guarded_system(empty_mysql_url: str, guarded: Guarded) -> AsyncIterator[System]:
    made = System(empty_mysql_url, guarded.url)
    yield made
    await made.close()


async def is_ahead(system: System) -> None:
    """Wait until Redis holds all of it, whatever it says of itself."""
    until = time.monotonic() + SOON_S
    while (await system.read()).total != system.expected().total:
        assert time.monotonic() < until
        await asyncio.sleep(0.05)


async def test_what_a_failover_loses_is_given_to_the_next_server(
    guarded_system: System, guarded: Guarded
) -> None:
    system = guarded_system
    system.start_writer()
    await system.store(3, 5)
    await system.becomes_exact()
    used, spare = guarded.used, guarded.spare

    spare.program.pause()
    await system.store(7, 9)
    await is_ahead(system)
    used.program.kill()  # with what the spare was never told
    spare.program.resume()
    await system.store(4)
    await asyncio.to_thread(guarded.wait_until_used, spare)
    await system.becomes_exact()

    await asyncio.to_thread(used.program.start)
    await system.store(6)
    await system.becomes_exact()
    assert guarded.used is spare, "who comes back is the spare now"


async def test_one_sentinel_less_is_no_trouble(guarded_system: System, guarded: Guarded) -> None:
    guarded.kill_a_sentinel()
    guarded_system.start_writer()
    await guarded_system.store(3)
    await guarded_system.becomes_exact()
