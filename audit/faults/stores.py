"""Stores that are full, slow, empty or in each other's way."""

import asyncio
import os
import re
import shutil
import tempfile
import time
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pymysql
import redis

from audit.faults.fault import Fault, Impossible, Stage
from audit.history import Outcome
from audit.ledger import connect
from audit.stack import System

FULL_S, SLOW_S, DEADLOCKS_S = 6.0, 4.0, 4.0
FULL_WITHIN_S = 75.0
"""MariaDB can end itself over a full disk, and its start then waits a minute at a time for room."""
LEFT_BYTES = 200_000
"""Too little for InnoDB, which takes half a megabyte at a time; a page fits, as on real disks."""
FSYNC_DELAY_US = 150_000
HEAVY_ROWS = 3000
"""Rows that make the other transaction the heavier one, so that the writer is the victim."""
HOLD_S = 0.03
DEADLOCK = 1213
FULL = re.compile(r"\btable \S+ is full|\bDisk full|\b(?:error|errno)(?: number)?:? 28\b")
"""How MariaDB's log says that it found no room."""


def store_faults(system: System) -> list[Fault]:
    """Return what can be amiss with the stores themselves."""
    del system
    return [
        Fault("MariaDB's disk full", _full_disk, FULL_WITHIN_S),
        Fault("MariaDB's disk slow", _slow_disk),
        Fault("Redis emptied", _empty_redis, 20.0),
        Fault("deadlocks", _deadlocks),
    ]


async def _full_disk(stage: Stage) -> str | None:
    disk = stage.system.disk
    if disk is None:
        raise Impossible("a file system can't be mounted here: that takes root")
    filler = disk / "filler"
    scene = stage.scene
    before = scene.history.total(Outcome.REFUSED) + scene.history.total(Outcome.UNKNOWN)
    end = len(stage.system.log("mariadb"))
    scene.fat = True
    try:
        for _ in range(int(FULL_S / 0.2)):
            _fill(filler)
            await asyncio.sleep(0.2)
    finally:
        scene.fat = False
        filler.unlink(missing_ok=True)
    after = scene.history.total(Outcome.REFUSED) + scene.history.total(Outcome.UNKNOWN)
    if after == before:
        return "every record found room"
    told = says_full(stage.system.log("mariadb"), end)
    return None if told else "MariaDB's log doesn't say that its disk was full"


def says_full(log: str, end: int) -> bool:
    """Tell whether a log says so after it was so long; one that is shorter now was begun anew."""
    return FULL.search(log, end if len(log) >= end else 0) is not None


def _fill(filler: Path) -> None:
    room = os.statvfs(filler.parent)
    if room.f_bavail * room.f_bsize <= LEFT_BYTES:
        return
    with filler.open("ab") as file:
        size = file.tell()
        try:
            os.posix_fallocate(file.fileno(), size, room.f_bavail * room.f_bsize - LEFT_BYTES)
        except OSError:
            return  # somebody was quicker: all the fuller


async def _slow_disk(stage: Stage) -> str | None:
    strace = shutil.which("strace")
    if strace is None:
        raise Impossible("strace isn't installed; `make install-tests` brings it")
    pid = await asyncio.to_thread(stage.system.pid, "mariadb")
    inject = f"inject=fsync,fdatasync:delay_enter={FSYNC_DELAY_US}"
    with tempfile.NamedTemporaryFile(prefix="meshsplit-strace-") as told:
        tracer = await asyncio.create_subprocess_exec(
            strace,
            "-f",
            "-p",
            str(pid),
            "-o",
            told.name,
            "-e",
            "trace=fsync,fdatasync",
            "-e",
            inject,
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            await asyncio.sleep(SLOW_S)
        finally:
            if tracer.returncode is None:
                tracer.terminate()
            _, said = await asyncio.wait_for(tracer.communicate(), 10)
        delayed = await asyncio.to_thread(_count, Path(told.name), "(DELAYED)")
    if not delayed and b"ermitted" in said:
        raise Impossible(f"strace may not attach here: {said.decode(errors='replace').strip()}")
    return None if delayed else f"no fsync was delayed: {said.decode(errors='replace')[:300]}"


def _count(file: Path, word: str) -> int:
    return file.read_text(errors="replace").count(word)


async def _empty_redis(stage: Stage) -> str | None:
    def flush() -> int:
        with redis.Redis.from_url(stage.system.redis_url, socket_timeout=5) as client:
            keys = int(client.dbsize())
            client.flushall()
            return keys

    return None if await asyncio.to_thread(flush) else "it was empty"


async def _deadlocks(stage: Stage) -> str | None:
    """Lock the totals, which writers take late, then what they take first."""

    def contend() -> int:
        with closing(connect(stage.system.mysql_url)) as connection, connection.cursor() as cursor:
            before, own = _deadlocks_of(cursor), 0
            until = time.monotonic() + DEADLOCKS_S
            while time.monotonic() < until:
                own += _cross(cursor)
                connection.rollback()
            return _deadlocks_of(cursor) - before - own

    lost = await asyncio.to_thread(contend)
    return None if lost > 0 else "no writer's transaction was given up"


def _deadlocks_of(cursor: pymysql.cursors.Cursor) -> int:
    """Read how many there were so far, whoever was the victim."""
    cursor.execute("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")
    return int(cursor.fetchall()[0][1])


def _cross(cursor: pymysql.cursors.Cursor) -> bool:
    """Take the locks; say whether this transaction was the victim instead of a writer's."""
    rows = ",".join(f"(X'{uuid4().hex}', UTC_TIMESTAMP(6))" for _ in range(HEAVY_ROWS))
    try:
        cursor.execute(f"INSERT INTO fences (id, fenced_at) VALUES {rows}")  # noqa: S608  # ids of ours
        cursor.execute("SELECT * FROM record_totals FOR UPDATE")
        cursor.execute("DO SLEEP(%s)", (HOLD_S,))
        cursor.execute("SELECT COUNT(*) FROM course_grades FOR UPDATE")
        cursor.execute("SELECT COUNT(*) FROM students FOR UPDATE")
    except pymysql.OperationalError as error:
        return bool(error.args[0] == DEADLOCK)
    return False
