"""What waits to be sent to one live client: never more than a fixed number of messages."""

import asyncio

from services.core.live.selection import Selection
from services.reporter.live.bell import Bell
from services.reporter.live.messages import Figures

_ERRORS_WAITING = 8


class Client:
    """One client's choice, what it was last told, and the little that waits for it.

    Newer figures replace those not yet sent, so a slow client skips some and never delays the
    others. Errors wait in a short queue, and while it is full nothing more is read from the client.
    It is made in the loop that serves it, and holds no more than it must: there are thousands.
    """

    __slots__ = (
        "_errors",
        "_figures",
        "_greeted",
        "_room",
        "_selection",
        "_something",
        "_told",
        "_told_at",
        "closing",
    )

    def __init__(self) -> None:
        self._selection: Selection | None = None
        self._greeted = False
        self._told: tuple[int, int, int, bool] | None = None
        self._told_at = 0.0
        self._figures: str | None = None
        self._errors: list[str] = []
        self._something = Bell()
        self._room = Bell(rung=True)
        self.closing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when its session is to end."""

    @property
    def selection(self) -> Selection | None:
        """The course and semester this client chose last."""
        return self._selection

    @property
    def kind(self) -> str:
        """What the next figures are to it: a snapshot until it has had one."""
        return "update" if self._greeted else "snapshot"

    def select(self, selection: Selection) -> None:
        """Choose; the next figures then come whether or not a number changed."""
        self._selection = selection
        self._told = None

    def wants(self, figures: Figures, now: float, heartbeat_s: float) -> bool:
        """Tell whether these figures are news, or silence has lasted for `heartbeat_s`."""
        return self._told != figures.worth_telling or now - self._told_at >= heartbeat_s

    def tell(self, figures: Figures, message: str, now: float) -> None:
        """Leave encoded figures to be sent, instead of any that still wait."""
        self._told = figures.worth_telling
        self._told_at = now
        self._figures = message
        self._something.ring()

    def close(self) -> None:
        """Ask its session to end."""
        if not self.closing.done():
            self.closing.set_result(None)

    async def complain(self, message: str) -> None:
        """Leave an error to be sent, once there is room for it."""
        await self._room.heard()
        self._errors.append(message)
        if len(self._errors) >= _ERRORS_WAITING:
            self._room.silence()
        self._something.ring()

    async def next_message(self) -> str:
        """Wait for what is to be sent next; the first is always a snapshot."""
        while True:
            if self._errors and self._greeted:
                self._room.ring()
                return self._errors.pop(0)
            if self._figures is not None:
                message, self._figures = self._figures, None
                self._greeted = True
                return message
            self._something.silence()
            await self._something.heard()
