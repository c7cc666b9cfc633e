"""Two Redis servers and three Sentinels that say which of the two is the one to use."""

import time
from pathlib import Path
from typing import Any, Final

import redis as redis_py

from audit.servers.program import Program, free_port
from audit.servers.redis_server import RedisServer

SERVICE: Final = "grades"
SENTINELS: Final = 3
_LIMIT_S: Final = 30.0


class Guarded:
    """A pair of Redis servers under the eyes of Sentinels."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o755)
        first = RedisServer(folder / "first")
        second = RedisServer(folder / "second", "--replicaof", "127.0.0.1", str(first.port))
        self.servers = {server.port: server for server in (first, second)}
        self._watching: list[tuple[int, Program]] = []
        for server in self.servers.values():
            server.program.start()
        for number in range(SENTINELS):
            self._watching.append(_watch(folder / f"sentinel{number}", first.port))
        self._wait_until_known()

    @property
    def url(self) -> str:
        """Where Redis is."""
        places = ",".join(f"127.0.0.1:{port}" for port, _ in self._watching)
        return f"redis+sentinel://{places}/{SERVICE}/0"

    @property
    def used(self) -> RedisServer:
        """The server that the Sentinels name."""
        _, port = self._ask().sentinel_get_master_addr_by_name(SERVICE)
        return self.servers[int(port)]

    @property
    def spare(self) -> RedisServer:
        """The other one."""
        used = self.used.port
        return next(server for port, server in self.servers.items() if port != used)

    def wait_until_used(self, server: RedisServer) -> None:
        """Wait until the Sentinels name a server."""
        until = time.monotonic() + _LIMIT_S
        while self.used is not server:
            if time.monotonic() > until:
                raise TimeoutError("no failover")
            time.sleep(0.1)

    def kill_a_sentinel(self) -> None:
        """End the one that the URL names first."""
        self._watching[0][1].kill()

    def kill(self) -> None:
        """End everything at once."""
        for _, sentinel in self._watching:
            sentinel.kill()
        for server in self.servers.values():
            server.program.kill()

    def _ask(self) -> Any:
        return redis_py.Redis(port=self._watching[0][0], socket_timeout=2, decode_responses=True)

    def _wait_until_known(self) -> None:
        """Wait until every Sentinel knows the others and the spare: else there is no failover."""
        until = time.monotonic() + _LIMIT_S
        for port, _ in self._watching:
            asked: Any = redis_py.Redis(port=port, socket_timeout=2, decode_responses=True)
            while True:
                state = asked.sentinel_master(SERVICE)
                if (state["num-slaves"], state["num-other-sentinels"]) == (1, SENTINELS - 1):
                    break
                if time.monotonic() > until:
                    raise TimeoutError(str(state))
                time.sleep(0.1)
            asked.close()


def _watch(folder: Path, port: int) -> tuple[int, Program]:
    folder.mkdir(mode=0o700)
    own = free_port()
    settings = folder / "sentinel.conf"
    settings.write_text(
        f"port {own}\nbind 127.0.0.1\ndir {folder}\n"
        f"sentinel monitor {SERVICE} 127.0.0.1 {port} 2\n"
        f"sentinel down-after-milliseconds {SERVICE} 1000\n"
        f"sentinel failover-timeout {SERVICE} 5000\n"
    )
    program = Program(
        ["redis-server", str(settings), "--sentinel"], folder, RedisServer.answers_at(own)
    )
    program.start()
    return own, program
