"""A Redis of one's own."""

import socket
from collections.abc import Callable
from pathlib import Path

from audit.servers.program import Program, free_port


class RedisServer:
    """A private Redis that writes nothing by itself; a test saves when it wants to."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        folder.mkdir(mode=0o700)
        listen = ["--port", str(self.port), "--bind", "127.0.0.1"]
        self.program = Program(
            ["redis-server", *listen, "--save", "", "--dir", str(folder), *options],
            folder,
            self.answers_at(self.port),
        )

    @property
    def url(self) -> str:
        """Say where it is."""
        return f"redis://127.0.0.1:{self.port}/0"

    @staticmethod
    def answers_at(port: int) -> Callable[[], bool]:
        """Make a question: whether a Redis or a Sentinel answers at this port."""

        def answers() -> bool:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                    connection.settimeout(1)
                    connection.sendall(b"PING\r\n")
                    return connection.recv(16).startswith(b"+PONG")
            except OSError:
                return False

        return answers
