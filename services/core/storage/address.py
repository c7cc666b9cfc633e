"""Where MySQL is, read from one URL."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

DEFAULT_PORT = 3306


@dataclass(frozen=True)
class Address:
    """Hosts that hold the same data, tried in turn, and the login for them."""

    hosts: tuple[tuple[str, int], ...]
    user: str
    password: str
    database: str

    def __str__(self) -> str:
        """Name the hosts and the database; never the password."""
        return ",".join(f"{host}:{port}" for host, port in self.hosts) + f"/{self.database}"


def parse_address(url: str) -> Address:
    """Read ``mysql://user:password@host:port,host:port/database``.

    User and password may be percent-encoded or empty; a port left out is 3306.

    Raises:
        ValueError: the URL has another form; the message says what was expected.

    """
    parts = urlsplit(url)
    login, at, places = parts.netloc.rpartition("@")
    database = unquote(parts.path.lstrip("/"))
    if parts.scheme != "mysql" or not at or not places or not database:
        raise ValueError("expected a URL such as mysql://user:password@127.0.0.1:3307/grades")
    user, _, password = login.partition(":")
    return Address(
        tuple(_host_and_port(place) for place in places.split(",")),
        unquote(user),
        unquote(password),
        database,
    )


def _host_and_port(place: str) -> tuple[str, int]:
    host, colon, port = place.rpartition(":")
    if not colon or place.endswith("]"):
        return place.strip("[]"), DEFAULT_PORT
    if not port.isdecimal():
        raise ValueError(f"expected a port number after the host, got {port!r}")
    return host.strip("[]"), int(port)
