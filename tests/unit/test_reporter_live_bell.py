"""A bell wakes the one who waits for it."""

import asyncio

import pytest

from services.reporter.live.bell import Bell


async def test_what_rang_before_is_heard_at_once_until_it_is_silenced() -> None:
    bell = Bell()
    bell.ring()
    await asyncio.wait_for(bell.heard(), 1)
    await asyncio.wait_for(bell.heard(), 1)
    bell.silence()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bell.heard(), 0.01)


async def test_whoever_waits_is_woken_even_if_it_rings_twice() -> None:
    bell = Bell()
    waiting = asyncio.create_task(bell.heard())
    await asyncio.sleep(0)
    bell.ring()
    bell.ring()
    await asyncio.wait_for(waiting, 1)


async def test_one_who_gave_up_is_in_nobodys_way() -> None:
    bell = Bell()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bell.heard(), 0.01)
    bell.ring()
    await asyncio.wait_for(bell.heard(), 1)
