"""What is said on the live WebSocket, in both directions, and nothing else is."""

from typing import Annotated, Literal

import msgspec

from services.core.domain.record import TEXT_MAX, YEAR_MAX, YEAR_MIN
from services.core.live.selection import Selection

MAX_FRAME_BYTES = 64 * 1024
"""A larger frame closes the connection with 1009; the server does that before we see it."""

_DETAIL_LIMIT = 300

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_MAX)]
_Year = Annotated[int, msgspec.Meta(ge=YEAR_MIN, le=YEAR_MAX)]


class Nonsense(ValueError):  # noqa: N818 - it is what the client said
    """A client's message that means nothing here; its text is what the client is told."""


class _Select(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: Literal["select"]  # a tag would be taken for granted where it is left out
    course: _Text
    year: _Year
    semester: _Text


class _Selected(msgspec.Struct, frozen=True):
    course: str
    year: int
    semester: str
    students: int


class _Message(msgspec.Struct, frozen=True):
    type: str
    total: int
    selection: _Selected | None
    behind: float


class _Error(msgspec.Struct, frozen=True):
    type: str
    detail: str


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(_Select)


def read_select(text: str) -> Selection:
    """Read a client's message, of which there is one kind.

    Raises:
        Nonsense: it is anything else than a well-formed `select`.

    """
    try:
        wanted = _decoder.decode(text.encode("utf-8"))
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Nonsense(str(error)[:_DETAIL_LIMIT]) from error
    return Selection(course=wanted.course, year=wanted.year, semester=wanted.semester)


class Figures(msgspec.Struct, frozen=True):
    """What one selection's clients are shown: the two live counts, and how old they are."""

    total: int
    selection: Selection | None
    students: int
    behind: float

    @property
    def worth_telling(self) -> tuple[int, int, int, bool]:
        """What must differ for a client to be told again; a lag grows by whole seconds."""
        return self.total, self.students, int(self.behind), self.behind > 0

    def encode(self, kind: str) -> str:
        """Write these figures as a message of that kind, `snapshot` or `update`."""
        chosen = self.selection and _Selected(
            course=self.selection.course,
            year=self.selection.year,
            semester=self.selection.semester,
            students=self.students,
        )
        behind = round(self.behind, 3)
        return _encode(_Message(kind, self.total, chosen, behind)).decode("utf-8")


def encode_error(detail: str) -> str:
    """Write the one message that answers nonsense."""
    return _encode(_Error("error", detail)).decode("utf-8")
