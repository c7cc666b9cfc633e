"""One connection to MySQL whose every wait ends, over aiomysql."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

import aiomysql
from opentelemetry.trace import Tracer
from pymysql.err import MySQLError

from services.core.storage.address import Address
from services.core.storage.failures import StoreAway, StoreRefused
from services.core.storage.query_spans import query_span
from services.core.telemetry.traces import OFF, current_span

_SQL_MODE = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
_CLIENT_SIDE = range(2000, 3000)
"""Error numbers that the client library makes up: the connection is not usable any more."""
_NO_MORE_SERVICE = frozenset({1053, 1080, 1152, 1927, 1184, 1158, 1159, 1160, 1161, 1047})
"""Server errors after which it closes the connection: shutting down, killed, aborted, network; and
1047, a Galera node's word that it is cut off from the others."""

Row = tuple[Any, ...]


class Answer(NamedTuple):
    """What one statement gave."""

    affected: int
    rows: tuple[Row, ...]


class Session:
    """A connection in READ COMMITTED and strict mode. Use it from one task at a time.

    After :class:`StoreAway` it is closed; after :class:`StoreRefused` it wants a rollback. Each
    round trip is a span where something waits for it that is traced.
    """

    def __init__(self, connection: Any, timeout_s: float, *, tracer: Tracer = OFF.tracer) -> None:
        self._connection = connection
        self._timeout_s = timeout_s
        self._tracer = tracer

    @property
    def usable(self) -> bool:
        """Whether statements can still be sent."""
        return not self._connection.closed

    @property
    def number(self) -> int:
        """The server's number for this connection."""
        return int(self._connection.thread_id())

    async def run(self, *statements: str, until: float | None = None) -> list[Answer]:
        """Run statements in one round trip, in order, up to the first that fails.

        Args:
            statements: rendered SQL, without a closing semicolon.
            until: when to give up, by the loop's clock; by default after the session's timeout.

        Raises:
            StoreAway: no answer, or none in time.
            StoreRefused: one of them failed.

        """
        if current_span() is None:
            return await self._run(statements, until)
        with query_span(self._tracer, statements, self._server()):
            return await self._run(statements, until)

    async def _run(self, statements: tuple[str, ...], until: float | None) -> list[Answer]:
        connection = self._connection
        if until is None:
            until = asyncio.get_running_loop().time() + self._timeout_s
        answers: list[Answer] = []
        try:
            async with asyncio.timeout_at(until):
                await connection.query(";".join(statements))
                answers.append(self._answer())
                while len(answers) < len(statements):
                    await connection.next_result()
                    answers.append(self._answer())
        except TimeoutError:
            self.abort()
            raise StoreAway("MySQL gave no answer in time") from None
        except MySQLError as error:
            raise self._failure(error) from error
        except (OSError, EOFError, RuntimeError) as error:
            # RuntimeError is asyncio's word for a transport that closed under the writer.
            self.abort()
            raise StoreAway(f"the connection to MySQL broke: {_reason(error)}") from error
        except BaseException:
            self.abort()
            raise
        return answers

    def abort(self) -> None:
        """Close at the socket, at once: a polite goodbye may wait for a server that is stopped."""
        # aiomysql offers no abort; its close() waits for what is still to be sent.
        writer = self._connection._writer  # noqa: SLF001
        if writer is not None:
            writer.transport.abort()
            self._connection.close()

    def _server(self) -> dict[str, str | int]:
        connection = self._connection
        maria = "MariaDB" in getattr(connection, "server_version", "")
        return {
            "db.system.name": "mariadb" if maria else "mysql",
            "db.namespace": connection.db,
            "server.address": connection.host,
            "server.port": connection.port,
        }

    def _answer(self) -> Answer:
        # The result of query() and next_result(); aiomysql's cursors read it here too.
        result = self._connection._result  # noqa: SLF001
        return Answer(int(result.affected_rows or 0), tuple(result.rows or ()))

    def _failure(self, error: MySQLError) -> StoreAway | StoreRefused:
        code = error.args[0] if error.args and isinstance(error.args[0], int) else 2000
        message = str(error.args[1]) if len(error.args) > 1 else str(error)
        if code in _CLIENT_SIDE or code == 0 or code in _NO_MORE_SERVICE or not self.usable:
            self.abort()
            return StoreAway(f"the connection to MySQL broke: {message} ({code})")
        return StoreRefused(code, message)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abort()


async def connect(
    address: Address,
    *,
    autocommit: bool,
    timeout_s: float,
    within_s: float | None = None,
    tracer: Tracer = OFF.tracer,
) -> Session:
    """Connect to the first host that answers.

    Args:
        address: where, and as whom.
        autocommit: whether each statement is a transaction of its own.
        timeout_s: bound of each round trip, in seconds; a lock is waited for a little shorter.
        within_s: bound for connecting to any of them, in seconds; by default the same.
        tracer: makes the spans of what is traced.

    Raises:
        StoreAway: none of the hosts took the connection in time.

    """
    reasons = []
    loop = asyncio.get_running_loop()
    until = loop.time() + (timeout_s if within_s is None else within_s)
    for number, (host, port) in enumerate(address.hosts):
        share = (until - loop.time()) / (len(address.hosts) - number)
        try:
            return await _connect_one(
                address,
                (host, port),
                share,
                autocommit=autocommit,
                timeout_s=timeout_s,
                tracer=tracer,
            )
        except TimeoutError:
            reasons.append(f"{host}:{port}: no answer in time")
        except (MySQLError, OSError, EOFError, RuntimeError, StoreRefused, StoreAway) as error:
            reasons.append(f"{host}:{port}: {_reason(error)}")
    raise StoreAway(f"MySQL is away: {'; '.join(reasons)}")


async def _connect_one(
    address: Address,
    place: tuple[str, int],
    share_s: float,
    *,
    autocommit: bool,
    timeout_s: float,
    tracer: Tracer,
) -> Session:
    # The object is made apart from its connect() so that one that hangs can be aborted.
    connection = aiomysql.Connection(
        host=place[0],
        port=place[1],
        user=address.user,
        password=address.password,
        db=address.database,
        charset="utf8mb4",
        autocommit=None,
        connect_timeout=share_s,
        program_name="meshsplit",
    )
    session = Session(connection, timeout_s, tracer=tracer)
    try:
        async with asyncio.timeout(share_s):
            await connection._connect()  # noqa: SLF001  # see above
            await session.run(*_session_settings(autocommit, timeout_s))
    except BaseException:
        session.abort()
        raise
    return session


def _session_settings(autocommit: bool, timeout_s: float) -> Sequence[str]:
    # A lock is waited for a little shorter than the round trip, so that the server says what
    # happened. SET TRANSACTION, because the variable's name differs between servers.
    lock_wait_s = max(1, int(timeout_s * 0.6))
    return (
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        f"SET SESSION sql_mode = '{_SQL_MODE}'",
        f"SET SESSION innodb_lock_wait_timeout = {lock_wait_s}",
        f"SET SESSION autocommit = {int(autocommit)}",
        # A Galera node that is cut off takes all of these, and SELECT 1, but no COMMIT.
        "COMMIT",
    )


def _reason(error: BaseException) -> str:
    if isinstance(error, MySQLError) and error.__cause__ is not None:
        return f"{error.__cause__}"
    if isinstance(error, MySQLError) and len(error.args) > 1:
        return str(error.args[1])
    return str(error) or type(error).__name__
