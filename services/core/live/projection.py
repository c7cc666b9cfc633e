"""What is kept in Redis, and under which keys.

Every write can be repeated: records are fields of a hash under their ids, students are members of
sets. The total is the hash's length, a course's students are the set's size. A batch is applied in
one script, so that it is there if its first record is; there is nothing else to keep in step.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol
from uuid import UUID

import msgspec
from redis.asyncio import Redis

from services.core.domain.record import Record
from services.core.live.selection import Selection

# A restart between a look at run_id and the write would make lost writes look like kept ones.
_BEAT = """
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local state = redis.call('HMGET', KEYS[1], 'complete', 'run_id')
if not state[1] or state[2] ~= run then return 0 end
redis.call('HSET', KEYS[1], 'seen_at', ARGV[1])
return 1
"""

# A few arguments for all: redis-py spends more on each than Redis on what is in it. Ids and values
# are strung together (cmsgpack knows text only), and Lua hands over some thousand at once.
_APPLY = """
local lengths, fields, start = cmsgpack.unpack(ARGV[3]), {}, 1
for place, length in ipairs(lengths) do
    fields[#fields + 1] = string.sub(ARGV[1], 16 * place - 15, 16 * place)
    fields[#fields + 1] = string.sub(ARGV[2], start, start + length - 1)
    start = start + length
    if #fields == 1000 or place == #lengths then
        redis.call('HSET', KEYS[1], unpack(fields))
        fields = {}
    end
end
for course, members in pairs(cmsgpack.unpack(ARGV[4])) do
    for first = 1, #members, 1000 do
        local last = math.min(first + 999, #members)
        redis.call('SADD', KEYS[2] .. course, unpack(members, first, last))
    end
end
"""

_FINISH = """
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if run ~= ARGV[2] or redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'complete', 1, 'run_id', run, 'seen_at', ARGV[3])
redis.call('HDEL', KEYS[1], 'cursor')
redis.call('DEL', KEYS[2])
return 1
"""

_pack = msgspec.msgpack.Encoder().encode


class HasRecord(Protocol):
    """A record and its id."""

    @property
    def id(self) -> UUID:
        """The record's id."""

    @property
    def record(self) -> Record:
        """Its values."""


class State(msgspec.Struct, frozen=True):
    """How far Redis can be trusted."""

    run_id: str
    """The running server's."""
    known_run_id: str | None
    """The server's that was last made sure of."""
    complete: bool
    """Everything committed before it was set was there."""
    seen_at: float
    """When that server was last seen with all it was given, in seconds since 1970."""
    cursor: UUID | None
    """How far a rebuild under way has come."""

    @property
    def trusted(self) -> bool:
        """Nothing that was written can have been lost since it was made sure of."""
        return self.complete and self.run_id == self.known_run_id


class Look(msgspec.Struct, frozen=True):
    """One consistent look at Redis."""

    total: int
    students: dict[Selection, int]
    state: State
    held: list[bool]


class Projection:
    """One ledger's keys in Redis, and what is done to them. All methods raise REDIS_TROUBLE."""

    def __init__(self, redis: Redis, ledger_id: UUID) -> None:
        self._redis: Any = redis  # redis-py types the sync and the async client as one
        prefix = f"grades:{ledger_id.hex}"
        self._records = f"{prefix}:records"
        self._state = f"{prefix}:state"
        self._rebuild = f"{prefix}:rebuild"
        self._students = f"{prefix}:students:"
        self._apply = self._redis.register_script(_APPLY)

    async def apply(self, records: Sequence[HasRecord]) -> None:
        """Add records, all or none; those that are there already stay as they are."""
        if not records:
            return
        ids, values, students = _additions(records)
        lengths = [len(value) for value in values]
        await self._apply(
            keys=[self._records, self._students],
            args=[b"".join(ids), b"".join(values), _pack(lengths), _pack(students)],
        )

    async def holds(self, ids: Sequence[UUID]) -> list[bool]:
        """Say which records are there."""
        if not ids:
            return []
        return [
            value is not None
            for value in await self._redis.hmget(self._records, [each.bytes for each in ids])
        ]

    async def look(self, selections: Iterable[Selection], ids: Sequence[UUID]) -> Look:
        """Read the total, some selections' students, the state, and which records are there."""
        wanted = list(selections)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hlen(self._records)
            pipe.info("server")
            pipe.hgetall(self._state)
            for selection in wanted:
                pipe.scard(self._students_of(selection))
            if ids:
                pipe.hmget(self._records, [each.bytes for each in ids])
            total, info, state, *rest = await pipe.execute()
        students = dict(zip(wanted, map(int, rest[: len(wanted)]), strict=True))
        held = [value is not None for value in rest[-1]] if ids else []
        return Look(int(total), students, _state(info, state), held)

    async def state(self) -> State:
        """Read how far Redis can be trusted."""
        async with self._redis.pipeline(transaction=True) as pipe:
            info, state = await pipe.info("server").hgetall(self._state).execute()
        return _state(info, state)

    async def beat(self, now: float) -> bool:
        """Note that Redis is there with all it was given; False if that is not known to be so."""
        return bool(await self._redis.eval(_BEAT, 1, self._state, repr(now)))

    async def trust(self, run_id: str, now: float) -> None:
        """Note that what a restarted server may have lost was given to it again."""
        await self._redis.hset(self._state, mapping={"run_id": run_id, "seen_at": repr(now)})

    async def begin_rebuild(self, token: str, limit_ms: int, *, steal: bool = False) -> bool:
        """Take the rebuild upon oneself, for a time; False if somebody else is at it.

        With ``steal`` it is taken from whoever is at it: their next step tells them.
        """
        return bool(await self._redis.set(self._rebuild, token, nx=not steal, px=limit_ms))

    async def add_chunk(
        self, records: Sequence[HasRecord], end: UUID, token: str, limit_ms: int
    ) -> bool:
        """Add a rebuild's next records; False if the rebuild isn't one's own any more."""
        async with self._redis.pipeline(transaction=True) as pipe:
            self._add(pipe, records)
            pipe.hset(self._state, "cursor", end.hex)
            pipe.pexpire(self._rebuild, limit_ms)
            pipe.get(self._rebuild)
            answers = await pipe.execute()
        return bool(answers[-1] == token.encode())

    async def finish_rebuild(self, token: str, run_id: str, now: float) -> bool:
        """Declare Redis complete; False if it was restarted, emptied or taken over meanwhile."""
        return bool(
            await self._redis.eval(_FINISH, 2, self._state, self._rebuild, token, run_id, repr(now))
        )

    async def give_up_rebuild(self, token: str) -> None:
        """Let somebody else rebuild."""
        if await self._redis.get(self._rebuild) == token.encode():
            await self._redis.delete(self._rebuild)

    async def forget(self, limit_ms: int) -> None:
        """Remove all that is projected, within a rebuild of one's own, which this prolongs.

        Nobody else may rebuild meanwhile: of what they had added, half might be removed.
        """
        await self._redis.unlink(self._state, self._records)
        batch: list[bytes] = []
        async for key in self._redis.scan_iter(match=f"{self._students}*", count=500):
            batch.append(key)
            if len(batch) >= 500:  # noqa: PLR2004  # as many as a scan gives at a time
                await self._redis.unlink(*batch)
                await self._redis.pexpire(self._rebuild, limit_ms)
                batch.clear()
        if batch:
            await self._redis.unlink(*batch)

    def _add(self, pipe: Any, records: Sequence[HasRecord]) -> None:
        if not records:
            return
        ids, values, students = _additions(records)
        pipe.hset(self._records, mapping=dict(zip(ids, values, strict=True)))
        for course, members in students.items():
            pipe.sadd(self._students + course, *members)

    def _students_of(self, selection: Selection) -> str:
        return self._students + _course(selection.course, selection.year, selection.semester)


def _additions(
    records: Iterable[HasRecord],
) -> tuple[list[bytes], list[bytes], dict[str, list[str]]]:
    """Give what records add: their ids, their values, and the students of each course."""
    ids: list[bytes] = []
    values: list[bytes] = []
    students: dict[str, list[str]] = {}
    for each in records:
        record = each.record
        ids.append(each.id.bytes)
        values.append(_pack(_values(record)))
        course = _course(record.course, record.year, record.semester)
        students.setdefault(course, []).append(record.student_id)
    return ids, values, students


def _course(course: str, year: int, semester: str) -> str:
    # No field can hold a control character, so these parts cannot run into each other.
    return f"{year}\t{semester}\t{course}"


def _values(record: Record) -> tuple[str, str, str, int, str, int]:
    return (
        record.student_id,
        record.student_name,
        record.course,
        record.grade,
        record.semester,
        record.year,
    )


def _state(info: dict[str, Any], state: dict[bytes, bytes]) -> State:
    known, cursor = state.get(b"run_id"), state.get(b"cursor")
    return State(
        run_id=str(info["run_id"]),
        known_run_id=known.decode() if known else None,
        complete=b"complete" in state,
        seen_at=float(state.get(b"seen_at", b"0")),
        cursor=UUID(cursor.decode()) if cursor else None,
    )
