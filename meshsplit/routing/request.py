"""A request as Envoy's router sees it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote_to_bytes

_UNRESERVED = re.compile(rb"[A-Za-z0-9._~-]")
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True)
class Request:
    """One request, after the gateway has put its path in order."""

    method: str
    path: str
    """Without the query."""
    query: str = ""
    authority: str = "localhost"
    headers: dict[str, list[str]] = field(default_factory=dict)
    """By name in lower case."""

    @classmethod
    def of(cls, method: str, target: str, headers: Sequence[tuple[str, str]] = ()) -> Self:
        """Make a request from what is on its first line and its headers (``host`` among them)."""
        path, _, query = target.partition("#")[0].partition("?")
        found: dict[str, list[str]] = {}
        for name, value in headers:
            found.setdefault(name.lower(), []).append(value.strip())
        authority = found.pop("host", ["localhost"])[0]
        return cls(method, normal_path(path), query, authority, found)

    def values(self, name: str) -> list[str]:
        """Return a header's values, each by itself: several lines of one name are not joined."""
        pseudo = {":method": self.method, ":authority": self.authority, ":scheme": "http"}
        if name in pseudo:
            return [pseudo[name]]
        return self.headers.get(name.lower(), [])

    def parameter(self, name: str) -> str | None:
        """Return a query parameter's first value as it stands there, or None."""
        for part in self.query.split("&"):
            key, _, value = part.partition("=")
            if part and key == name:
                return value
        return None


def normal_path(path: str) -> str:
    """Put a path in order as Envoy's ``normalize_path`` does.

    Dots are resolved, escapes of characters that need none are undone, a backslash is a slash;
    an escaped slash stays escaped.
    """
    path = _ESCAPED.sub(_unescaped, path).replace("\\", "/")
    kept: list[str] = []
    parts = path.split("/")[1:]
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part in (".", ".."):
            if part == ".." and kept:
                kept.pop()
            if last:
                kept.append("")
        else:
            kept.append(part)
    return "/" + "/".join(kept)


def _unescaped(match: re.Match[str]) -> str:
    byte = unquote_to_bytes(match[0])
    return byte.decode() if _UNRESERVED.fullmatch(byte) else match[0]
