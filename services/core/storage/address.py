"""Where MySQL is, read from one URL."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

DEFAULT_PORT = 3306
LARGEST_PORT = 65535

# urlsplit knows one host only: newer ones refuse a list with an IPv6 address in it.
_FORM = re.compile(r"mysql://(?P<login>[^/]*)@(?P<places>[^/@]+)/(?P<database>[^/?#]+)")


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
    parts = _FORM.fullmatch(url)
    if parts is None:
        raise ValueError("expected a URL such as mysql://user:password@127.0.0.1:3307/grades")
    user, _, password = parts["login"].partition(":")
    return Address(
        tuple(_host_and_port(place) for place in parts["places"].split(",")),
        unquote(user),
        unquote(password),
        unquote(parts["database"]),
    )


def _host_and_port(place: str) -> tuple[str, int]:
    host, colon, port = place.rpartition(":")
    if not colon or place.endswith("]"):
        host, port = place, str(DEFAULT_PORT)
    if not host.strip("[]"):
        raise ValueError("expected a host before the port, got none")
    if not port.isascii() or not port.isdecimal() or not 0 < int(port) <= LARGEST_PORT:
        raise ValueError(f"expected a port from 1 to {LARGEST_PORT} after the host, got {port!r}")
    return host.strip("[]"), int(port)
