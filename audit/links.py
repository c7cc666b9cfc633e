"""A TCP proxy between two parts, which cuts, delays, swallows and loses what passes."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterator

from audit.wire import HOST

CHUNK = 65_536
STOP_LIMIT_S = 3.0
SILENCE_LIMIT_S = 60.0
"""Longest a black hole may last, whatever the fault says."""


class Link:
    """One pair's connections. It passes everything on until it is told otherwise.

    Args:
        name: who talks to whom.
        target: the port of whoever is talked to.
        dice: decides what becomes of a lost answer.
        writes: whether anything is stored over it.

    """

    def __init__(self, name: str, target: int, dice: random.Random, *, writes: bool = True) -> None:
        self.name = name
        self.writes = writes
        self.harmed = 0
        """Connections broken, and chunks held up, so far."""
        self.lost = 0
        """Answers that came and weren't passed on so far: whoever gave them had done its part."""
        self._target = target
        self._dice = dice
        self._server: asyncio.Server | None = None
        self._pairs: dict[_Pair, asyncio.Task[None]] = {}
        self.refusing = False
        self.delay_s = 0.0
        self.open = asyncio.Event()
        self.open.set()
        self._losing: Callable[[bytes], bool] | None = None
        self._fates: Iterator[str] = iter(())

    async def start(self, port: int) -> None:
        """Listen.

        Raises:
            OSError: the port is taken.

        """
        self._server = await asyncio.start_server(self._accept, HOST, port)

    async def stop(self) -> None:
        """Hang up on everybody."""
        if self._server is not None:
            self._server.close()
        self._hang_up()
        if self._pairs:
            await asyncio.wait(list(self._pairs.values()), timeout=STOP_LIMIT_S)

    @contextlib.contextmanager
    def cut(self) -> Iterator[None]:
        """Break every connection, and every new one, for a while."""
        self.refusing = True
        self.harmed += len(self._pairs)
        self._hang_up()
        try:
            yield
        finally:
            self.refusing = False

    @contextlib.contextmanager
    def delayed(self, seconds: float) -> Iterator[None]:
        """Hold each chunk up, for a while."""
        self.delay_s = seconds
        try:
            yield
        finally:
            self.delay_s = 0.0

    @contextlib.contextmanager
    def black_hole(self) -> Iterator[None]:
        """Let nothing through and tell nobody; what was under way arrives when it is over."""
        self.open.clear()
        try:
            yield
        finally:
            self.open.set()

    @contextlib.contextmanager
    def losing_answers_to(self, is_meant: Callable[[bytes], bool]) -> Iterator[None]:
        """Lose the first request's answer; then some answers, and some requests never arrive."""
        self._losing, self._fates = is_meant, self._roll_fates()
        try:
            yield
        finally:
            self._losing = None

    def fate(self, chunk: bytes) -> str:
        """Say what becomes of a request: it passes; its answer or itself is lost; silence."""
        if self._losing is None or not self._losing(chunk):
            return "pass"
        return next(self._fates)

    def _roll_fates(self) -> Iterator[str]:
        yield "answer"
        while True:
            yield self._dice.choice(("pass", "answer", "silence", "request"))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            self.harmed += 1
            writer.transport.abort()
            return
        try:
            out, into = await asyncio.open_connection(HOST, self._target)
        except OSError:
            writer.transport.abort()
            return
        pair = _Pair(self, (reader, writer), (out, into))
        self._pairs[pair] = asyncio.create_task(pair.run(), name=self.name)
        self._pairs[pair].add_done_callback(lambda _: self._pairs.pop(pair))

    def _hang_up(self) -> None:
        for pair in list(self._pairs):
            pair.abort()


Side = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Pair:
    """A client's connection and the one made for it."""

    def __init__(self, link: Link, client: Side, server: Side) -> None:
        self._link = link
        self._client = client
        self._server = server
        self._fate = "pass"
        self._silent = False
        """Whether an answer was lost in silence: what comes after it is of the same."""

    async def run(self) -> None:
        """Pass on what either side says until one is gone."""
        there = asyncio.create_task(self._there())
        back = asyncio.create_task(self._back())
        try:
            await asyncio.wait([there, back], return_when=asyncio.FIRST_COMPLETED)
            if there.done() and not back.done():  # it may have half closed: let the rest arrive
                await asyncio.wait([back], timeout=1)
        finally:
            self.abort()
            for task in (there, back):
                task.cancel()
            await asyncio.gather(there, back, return_exceptions=True)

    def abort(self) -> None:
        """Break both at once."""
        for _, writer in (self._client, self._server):
            writer.transport.abort()

    async def _there(self) -> None:
        while chunk := await self._read(self._client[0]):
            fate = self._link.fate(chunk)
            if fate == "request":
                return self.abort()
            if fate != "pass":
                self._fate = fate
            await self._write(self._server[1], chunk)
        if self._server[1].can_write_eof():
            with contextlib.suppress(OSError, RuntimeError):
                self._server[1].write_eof()
        return None

    async def _back(self) -> None:
        while chunk := await self._read(self._server[0]):
            if self._fate == "pass":
                await self._write(self._client[1], chunk)
                continue
            self._link.lost += not self._silent
            if self._fate == "answer":
                return self.abort()
            self._silent = True
        return None

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        try:
            chunk = await reader.read(CHUNK)
        except OSError:
            return b""
        self._link.harmed += bool(self._link.delay_s) or not self._link.open.is_set()
        if self._link.delay_s:
            await asyncio.sleep(self._link.delay_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SILENCE_LIMIT_S):
                await self._link.open.wait()
        return chunk

    async def _write(self, writer: asyncio.StreamWriter, chunk: bytes) -> None:
        try:
            writer.write(chunk)
            await writer.drain()
        except OSError:
            self.abort()
