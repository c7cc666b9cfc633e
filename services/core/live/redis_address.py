"""Where Redis is, read from one URL: a server, or Sentinels that know which server it is."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

DEFAULT_PORT: Final = 6379
DEFAULT_SENTINEL_PORT: Final = 26379
LARGEST_PORT: Final = 65535

_HOST: Final = r"(?:\[[0-9a-fA-F:.]+\]|[^/:@,?#\[\]]+)"
_PLACE: Final = rf"{_HOST}(?::\d{{1,5}})?"
_LOGIN: Final = r"(?:(?P<user>[^/:]*)(?::(?P<password>[^/]*))?@)?"
_SERVER: Final = re.compile(rf"redis://{_LOGIN}(?P<places>{_PLACE})(?:/\d*)?")
_SENTINELS: Final = re.compile(
    rf"redis\+sentinel://{_LOGIN}(?P<places>{_PLACE}(?:,{_PLACE})*)"
    r"/(?P<service>[A-Za-z0-9._-]+)(?:/(?P<database>\d{0,5}))?"
)


@dataclass(frozen=True)
class Sentinels:
    """Who knows the server, its name there, and how to log in to it and choose a database."""

    places: tuple[tuple[str, int], ...]
    service: str
    user: str | None
    password: str | None
    database: int


def parse_redis(url: str) -> str | Sentinels:
    """Read ``redis://:password@host:port/0`` or ``redis+sentinel://:password@host:port,…/name/0``.

    Login and password may be percent-encoded or left out, ports too: 6379, Sentinels' 26379.
    The password is the server's; Sentinels are asked without one.

    Returns:
        The URL itself where it names a server, which the Redis library reads; else the Sentinels.

    Raises:
        ValueError: the URL has neither form; the message says what was expected.

    """
    if (server := _SERVER.fullmatch(url)) and _port(server["places"], DEFAULT_PORT):
        return url
    parts = _SENTINELS.fullmatch(url)
    places = parts["places"].split(",") if parts else []
    if parts is None or not all(_port(place, DEFAULT_SENTINEL_PORT) for place in places):
        raise ValueError(
            "expected a URL such as redis://127.0.0.1:6380/0"
            " or redis+sentinel://127.0.0.1:26379,127.0.0.2:26379/grades/0"
        )
    return Sentinels(
        tuple((_host(place), _port(place, DEFAULT_SENTINEL_PORT)) for place in places),
        parts["service"],
        unquote(parts["user"]) if parts["user"] else None,
        unquote(parts["password"]) if parts["password"] else None,
        int(parts["database"] or 0),
    )


def _host(place: str) -> str:
    found = re.match(_HOST, place)
    return found[0].strip("[]") if found else place


def _port(place: str, default: int) -> int:
    """Give a place's port; 0, which is none, where it is out of range."""
    after = re.sub(rf"^{_HOST}", "", place)
    port = int(after[1:]) if after else default
    return port if port <= LARGEST_PORT else 0
