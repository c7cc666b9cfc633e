"""Connections between pairs that break, lag, fall silent, and lose an answer."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, suppress

from audit.faults.fault import RECOVERY_S, Fault, Stage
from audit.links import Link
from audit.stack import TO_SPANS, System
from audit.wire import Connection, NoAnswer, NotSent

CUT_S, DELAY_FOR_S, HOLE_S, LOSE_S = 1.0, 2.0, 3.5, 4.0
DELAY_S = (0.05, 0.4)
COMMIT = b"\x07\x00\x00\x00\x03COMMIT"
"""A whole packet, as a writer ends its batch's transaction. The COMMIT that ends a new session's
settings, and those of whoever sets fences, come behind other statements in theirs."""
LOST: dict[str, tuple[str, Callable[[bytes], bool]]] = {
    "mariadb": ("COMMIT", COMMIT.__eq__),
    "redis": ("EVALSHA", lambda chunk: b"\r\nEVALSHA\r\n" in chunk),
}
"""The request whose answer is lost, and how it is known, by whom it is for."""
During = Callable[[Stage], AbstractContextManager[None]]
TRACED = {"x-client-trace-id": "audit"}
"""Has the gateway trace a request; else it does so with one in a hundred, which may be none."""
TRACED_LIMIT_S = 1.0
LATE_WITHIN_S = 15.0
"""Whoever waits for an answer has a time-out to sit out first."""


def connection_faults(system: System) -> list[Fault]:
    """Return a cut, a delay and a black hole of each link, and lost answers of each store's."""
    faults = []
    for link in system.links:
        doing = [
            ("cut", _harm(link, _cut(link), CUT_S), RECOVERY_S),
            ("delayed", _harm(link, _delay(link), DELAY_FOR_S), RECOVERY_S),
            ("black hole", _harm(link, _hole(link), HOLE_S), LATE_WITHIN_S),
        ]
        target = link.name.rpartition(" to ")[2]
        if target in LOST and link.writes:
            word, is_meant = LOST[target]
            doing.append((f"{word} unanswered", _lose(link, is_meant), LATE_WITHIN_S))
        harmless = link.name == TO_SPANS
        faults += [
            Fault(f"{what}: {link.name}", run, within, of_link=True, harmless=harmless)
            for what, run, within in doing
        ]
    return faults


def _cut(link: Link) -> During:
    return lambda _: link.cut()


def _delay(link: Link) -> During:
    return lambda stage: link.delayed(stage.dice.uniform(*DELAY_S))


def _hole(link: Link) -> During:
    return lambda _: link.black_hole()


def _harm(link: Link, during: During, seconds: float) -> Callable[[Stage], Awaitable[str | None]]:
    async def run(stage: Stage) -> str | None:
        before = link.harmed
        with during(stage):
            if link.name == TO_SPANS:
                await _be_traced(stage)
            await asyncio.sleep(seconds)
        return None if link.harmed > before else "nothing came this way"

    return run


async def _be_traced(stage: Stage) -> None:
    async with Connection(stage.scene.gateway.port) as connection:
        with suppress(NotSent, NoAnswer):  # beside another fault
            path = "/api/v1/records/count"
            await connection.ask("GET", path, headers=TRACED, limit_s=TRACED_LIMIT_S)


def _lose(
    link: Link, is_meant: Callable[[bytes], bool]
) -> Callable[[Stage], Awaitable[str | None]]:
    async def run(_: Stage) -> str | None:
        before = link.lost
        with link.losing_answers_to(is_meant):
            await asyncio.sleep(LOSE_S)
        return None if link.lost > before else "no answer was lost"

    return run
