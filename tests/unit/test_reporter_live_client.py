"""What waits for one live client, and what it is told first."""

import asyncio
import json

import pytest

from services.core.live.selection import Selection
from services.reporter.live.client import Client
from services.reporter.live.messages import Figures

S30 = Selection(course="S30", year=2002, semester="slider")


def tell(client: Client, total: int, now: float = 0.0) -> None:
    figures = Figures(total, client.selection, 0, 0.0)
    client.tell(figures, figures.encode(client.kind), now)


async def test_the_first_message_is_a_snapshot_even_after_nonsense() -> None:
    client = Client()
    await client.complain("an error")
    tell(client, 1)

    assert json.loads(await client.next_message())["type"] == "snapshot"
    assert await client.next_message() == "an error"


async def test_newer_figures_replace_those_not_yet_sent() -> None:
    client = Client()
    for total in range(100):
        tell(client, total)

    message = json.loads(await client.next_message())

    assert (message["type"], message["total"]) == ("snapshot", 99)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.next_message(), 0.01)


async def test_after_the_snapshot_come_updates() -> None:
    client = Client()
    tell(client, 1)
    await client.next_message()
    tell(client, 2)

    assert json.loads(await client.next_message())["type"] == "update"


async def test_the_same_figures_are_no_news_until_silence_has_lasted() -> None:
    client = Client()
    tell(client, 1, now=100.0)
    same = Figures(1, None, 0, 0.0)

    assert not client.wants(same, now=104.9, heartbeat_s=5.0)
    assert client.wants(same, now=105.0, heartbeat_s=5.0)
    assert client.wants(Figures(2, None, 0, 0.0), now=100.2, heartbeat_s=5.0)


async def test_a_choice_is_answered_although_no_number_changed() -> None:
    client = Client()
    tell(client, 1)
    client.select(S30)

    assert client.wants(Figures(1, S30, 0, 0.0), now=0.0, heartbeat_s=5.0)


async def test_a_lag_that_grows_is_told_once_a_second() -> None:
    client = Client()
    figures = Figures(1, None, 0, 3.1)
    client.tell(figures, "", 0.0)

    assert not client.wants(Figures(1, None, 0, 3.9), now=0.8, heartbeat_s=5.0)
    assert client.wants(Figures(1, None, 0, 4.0), now=0.9, heartbeat_s=5.0)
    assert client.wants(Figures(1, None, 0, 0.0), now=0.2, heartbeat_s=5.0)


async def test_a_client_that_takes_no_errors_is_listened_to_no_further() -> None:
    client = Client()
    tell(client, 1)
    await client.next_message()
    for number in range(8):
        await asyncio.wait_for(client.complain(f"error {number}"), 1)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.complain("one too many"), 0.05)

    assert await client.next_message() == "error 0"
    await asyncio.wait_for(client.complain("now there is room"), 1)
