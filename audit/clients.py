"""Clients that post, repeat themselves, contradict themselves and go away, as clients do."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from audit.history import CALM, Attempt, Entry, History, Outcome
from audit.posting import Door, leave, post
from audit.records import Records
from audit.wire import Connection

PATIENCE_S = (0.5, 3.0, 20.0)
"""How long a client waits: one gives up early, one waits as most do, one outwaits anything."""
RETRIES = 3
KINDS = {"plain": 70, "keyless": 12, "twice": 9, "conflict": 6, "both": 3}
"""Of a hundred records so many are: sent with a key; without one; several times at once; followed
by another with the same key; sent at once with such another."""


@dataclass
class Scene:
    """What clients and faults share: what is going on, and how the clients are to behave."""

    dice: random.Random
    doors: Sequence[Door]
    """The gateway first, then each arm's own port."""
    history: History = field(default_factory=History)
    during: str = CALM
    fat: bool = False
    """Send records that fill a disk."""
    leaving: float = 0.0
    """The share of requests whose client goes away."""

    def __post_init__(self) -> None:
        self.records = Records(self.dice)

    @property
    def gateway(self) -> Door:
        """The door that the mesh splits behind."""
        return self.doors[0]

    def key(self) -> str:
        """Make a key that nobody has used."""
        return f"audit-{self.dice.getrandbits(96):024x}"


class Clients:
    """A number of clients, each sending one thing after another."""

    def __init__(self, scene: Scene, *, count: int, rate: float) -> None:
        """Make them; together they begin about ``rate`` records a second while all is well."""
        self._scene = scene
        self._pause_s = count / rate
        self._count = count
        self._stopping = asyncio.Event()

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Send until the end of the block, then finish what is under way."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._count):
                dice = random.Random(self._scene.dice.getrandbits(64))  # noqa: S311  # no secret
                group.create_task(self._client(dice), name=f"client-{number}")
            try:
                yield
            finally:
                self._stopping.set()

    async def _client(self, dice: random.Random) -> None:
        connections = {door: Connection(door.port) for door in self._scene.doors}
        try:
            while not self._stopping.is_set():
                await asyncio.sleep(dice.expovariate(1 / self._pause_s))
                await self._one(dice, connections)
        finally:
            for connection in connections.values():
                connection.close()

    async def _one(self, dice: random.Random, connections: dict[Door, Connection]) -> None:
        scene = self._scene
        values = scene.records.roll(fat=scene.fat)
        kind = dice.choices(list(KINDS), list(KINDS.values()))[0]
        entry = scene.history.begin(values, None if kind == "keyless" else scene.key())
        if dice.random() < scene.leaving:
            door = self._door(dice)
            async with Connection(door.port) as connection:
                await leave(scene.history, entry, connection, door, during=scene.during, dice=dice)
            return
        if kind == "twice":
            await asyncio.gather(*(self._alone(dice, entry) for _ in range(dice.choice((2, 2, 3)))))
        elif kind == "both":
            other = scene.history.begin(scene.records.roll(), entry.key)
            await asyncio.gather(self._alone(dice, entry), self._alone(dice, other))
        else:
            await self._persist(dice, entry, connections)
        if kind == "conflict":
            await self._persist(
                dice, scene.history.begin(scene.records.roll(), entry.key), connections
            )

    async def _persist(
        self, dice: random.Random, entry: Entry, connections: dict[Door, Connection]
    ) -> None:
        """Send once; often, but not always, send again what was not acknowledged."""
        for attempt in range(1 + RETRIES):
            door = self._scene.gateway if attempt == 0 else self._door(dice)
            made = await self._post(dice, entry, connections[door], door)
            again = entry.key is not None and dice.random() < 0.7  # noqa: PLR2004  # most do
            if made.outcome not in {Outcome.REFUSED, Outcome.UNKNOWN} or not again:
                return
            await asyncio.sleep(dice.random() * 0.3 * (1 + attempt))

    async def _alone(self, dice: random.Random, entry: Entry) -> None:
        """Send over a connection of its own, so that several are under way at once."""
        door = self._door(dice)
        async with Connection(door.port) as connection:
            await self._post(dice, entry, connection, door)

    async def _post(
        self, dice: random.Random, entry: Entry, connection: Connection, door: Door
    ) -> Attempt:
        scene = self._scene
        return await post(
            scene.history,
            entry,
            connection,
            door,
            during=scene.during,
            limit_s=dice.choice(PATIENCE_S),
        )

    def _door(self, dice: random.Random) -> Door:
        return dice.choice(self._scene.doors)
