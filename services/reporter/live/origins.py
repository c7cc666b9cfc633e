"""Which web pages may open the live WebSocket.

A browser lets any page connect to any WebSocket, and tells only in `Origin` which page it was.
Programs that are no browser send none, and could send any: they are let in.
"""


class AllowedOrigins:
    """The origins that a setting names, compared as browsers write them."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._origins = frozenset(origin.lower() for origin in origins)

    def allow(self, origins: list[str]) -> bool:
        """Tell whether a handshake with these `Origin` headers is let in."""
        return all(origin.lower() in self._origins for origin in origins)
