"""Is a service ready: one bounded question a kind of service, answered with what is amiss."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pymysql
import redis

from meshsplit.local.passwords import Passwords
from meshsplit.local.ports import answers
from meshsplit.local.stores import DATABASE, LOGIN
from meshsplit.translator.refusal import Refusal

ASK_LIMIT_S = 2
OK = 200


def amiss(target: str, passwords: Passwords) -> str | None:
    """Return what `target` still lacks, or None when it is ready.

    `target` is a service's `ready` from stack.toml; an empty one is always ready.
    """
    if not target:
        return None
    kinds = {
        "http": lambda: _http(target),
        "tcp": lambda: _tcp(target),
        "file": lambda: _file(target),
        "mysql": lambda: _mysql(target, passwords.mysql),
        "redis": lambda: _redis(target, passwords.redis),
    }
    return kinds[urlsplit(target).scheme]()


def _http(url: str) -> str | None:
    try:
        with urllib.request.urlopen(url, timeout=ASK_LIMIT_S) as answer:  # noqa: S310  our own URL
            return None if answer.status == OK else f"{url} answers {answer.status}"
    except urllib.error.HTTPError as error:
        with error:
            return f"{url} answers {error.code}: {error.read(300).decode(errors='replace')}"
    except OSError as error:
        return f"{url}: {getattr(error, 'reason', error)}"


def _tcp(target: str) -> str | None:
    parts = urlsplit(target)
    open_ = answers(parts.hostname or "", parts.port or 0)
    return None if open_ else f"nothing listens on port {parts.port}"


def _file(target: str) -> str | None:
    """Wait for a file; one that is JSON with an "ok" has to say that it is."""
    path = Path(urlsplit(target).path)
    if not path.exists():
        return f"{path} isn't written yet"
    try:
        said = json.loads(path.read_text())
    except ValueError:
        return f"{path} can't be read"
    if isinstance(said, dict) and said.get("ok") is False:
        return str(Refusal(**said["error"]))
    return None


def _mysql(target: str, password: str) -> str | None:
    parts = urlsplit(target)
    try:
        connection = pymysql.connect(
            host=parts.hostname,
            port=parts.port or 0,
            user=LOGIN,
            password=password,
            database=DATABASE,
            connect_timeout=ASK_LIMIT_S,
            read_timeout=ASK_LIMIT_S,
        )
    except (OSError, pymysql.Error) as error:
        return f"MariaDB: {error}"
    connection.close()
    return None


def _redis(target: str, password: str) -> str | None:
    parts = urlsplit(target)
    try:
        with redis.Redis(
            host=parts.hostname or "",
            port=parts.port or 0,
            password=password,
            socket_timeout=ASK_LIMIT_S,
            socket_connect_timeout=ASK_LIMIT_S,
        ) as client:
            client.ping()
    except (OSError, redis.RedisError) as error:
        return f"Redis: {error}"
    return None
