"""Whatever bytes come, both arms answer alike, at once, without an error of their own.

A seeded generator of inputs with an oracle: the rules, and the other arm. No coverage guides it;
it reaches what its kinds of inputs were written to reach. MESHSPLIT_FUZZ_SEED repeats a run.
"""

import asyncio
import os
import random
from collections import Counter

import httpx
import psutil

from audit.servers.mariadb import MariaDB
from tests.arms import Arms, ServiceProcess
from tests.fuzz.expectation import expected
from tests.fuzz.inputs import KINDS, Input, draw
from tests.fuzz.seeds import kept_seeds, own_seed
from tests.fuzz.wire import NOTHING, Answer, Wire

INPUTS = int(os.environ.get("MESHSPLIT_FUZZ_INPUTS", "50000"))
WORKERS = 32
WARM = 2_000
GROWTH_MAX = 24 << 20
"""Bytes that a service may grow by once it is warm: its allocator's slack, not a leak's slope."""


class Fuzz:
    """Draws inputs, sends each to both arms, and notes where they differ or the rules do."""

    def __init__(self, arms: Arms, seed: int) -> None:
        self._dice = random.Random(seed)
        self._ports = {"fastapi": arms.ingest.port, "grpc": arms.bridge.port}
        self.seed = seed
        self.sent = 0
        self.stored: Counter[str] = Counter(dict.fromkeys(self._ports, 0))
        self.unheard: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def run(self, inputs: int) -> None:
        await asyncio.gather(*(self._work(inputs) for _ in range(WORKERS)))

    async def _work(self, inputs: int) -> None:
        wires = {arm: Wire(port) for arm, port in self._ports.items()}
        try:
            while self.sent < inputs and len(self.wrong) < 10:
                self.sent += 1
                await self._try(wires, draw(self._dice))
        finally:
            for wire in wires.values():
                wire.close()

    async def _try(self, wires: dict[str, Wire], one: Input) -> None:
        self.kinds[one.kind] += 1
        try:
            answers = await asyncio.gather(
                *(wire.ask(one.raw, method=one.method, torn=one.kind == "torn")
                  for wire in wires.values())
            )  # fmt: skip
        except TimeoutError:
            self._note(one, "no answer in time")
            return
        for arm, answer in zip(wires, answers, strict=True):
            self.stored[arm] += answer.status == 201
            self.unheard[arm] += answer == NOTHING
        self._judge(one, answers)

    def _judge(self, one: Input, answers: list[Answer]) -> None:
        first, second = answers
        if one.kind == "torn" and NOTHING in answers:
            return  # whether a torn request is one may hang on how its bytes arrive
        if first != second:
            self._note(one, f"the arms differ: {first} and {second}")
        elif first.status >= 500:
            self._note(one, f"an error of ours: {first}")
        elif first == NOTHING:
            self._note(one, "no answer")
        elif one.record is not None and first.status not in expected(one.record):
            self._note(one, f"{first.status} where the rules say {expected(one.record)}")

    def _note(self, one: Input, what: str) -> None:
        self.wrong.append(f"seed {self.seed}, {one.kind}: {what[:1500]}\n  sent {one.raw[:1500]!r}")


def footprint(service: ServiceProcess) -> tuple[int, int]:
    """A service's bytes in memory, and its open files."""
    assert service.process is not None
    process = psutil.Process(service.process.pid)
    return process.memory_info().rss, process.num_fds()


def rows(mariadb: MariaDB) -> dict[str, int]:
    counted = mariadb.query("SELECT arm, COUNT(*) FROM records GROUP BY arm", "grades")
    return {str(arm): int(count) for arm, count in counted}


async def test_both_arms_answer_whatever_comes_alike_and_as_the_rules_say(
    own_arms: Arms, mariadb: MariaDB
) -> None:
    before = rows(mariadb)
    runs = [Fuzz(own_arms, seed) for seed in (*kept_seeds(), own_seed())]
    await runs[0].run(WARM)
    at_first = {service.name: footprint(service) for service in own_arms.all}
    for run in runs[1:-1]:
        await run.run(WARM)
    await runs[-1].run(INPUTS - sum(run.sent for run in runs))

    assert [wrong for run in runs for wrong in run.wrong] == []
    assert sum(run.sent for run in runs) >= INPUTS
    assert {kind for run in runs for kind in run.kinds} == KINDS
    found = rows(mariadb)
    for arm in runs[-1].stored:
        stored = sum(run.stored[arm] for run in runs)
        unheard = sum(run.unheard[arm] for run in runs)
        assert 0 < stored <= found.get(arm, 0) - before.get(arm, 0) <= stored + unheard
    for service in own_arms.all:
        memory, files = footprint(service)
        assert memory - at_first[service.name][0] < GROWTH_MAX, service.name
        assert files <= at_first[service.name][1] + 2, service.name
        async with httpx.AsyncClient(timeout=5) as client:
            assert (await client.get(f"{service.url}/readyz")).status_code == 200
