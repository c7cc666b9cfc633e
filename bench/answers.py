"""Reading an HTTP answer as cheaply as can be: status, arm, and whether to wait."""

import re
from typing import Final, NamedTuple

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RETRY_AFTER: Final = re.compile(rb"\r\nretry-after: *(\d+)", re.IGNORECASE)
_ARM: Final = re.compile(rb'"arm":"([^"]*)"')
_STATUS: Final = slice(9, 12)


class Answer(NamedTuple):
    """What matters of an answer."""

    status: int
    arm: str
    """As the body names it, "" where it names none."""
    retry_after_s: int
    length: int
    """Bytes it took."""

    @property
    def name(self) -> str:
        """How it is counted: "201 ARM"; "503 later" if it says when to come again."""
        return f"{self.status} {'later' if self.retry_after_s else self.arm}".strip()


class UnreadableError(Exception):
    """It is no answer that this can read; says what it begins with."""


def read_answer(data: bytes) -> Answer | None:
    """Read an answer from the bytes that came; None: it isn't all there yet.

    Raises:
        UnreadableError: it isn't HTTP/1.1 with a Content-Length.

    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = data[:end]
    length = _LENGTH.search(head)
    status = head[_STATUS]
    if not head.startswith(b"HTTP/1.1 ") or length is None or not status.isdigit():
        raise UnreadableError(repr(head[:80]))
    whole = end + 4 + int(length[1])
    if len(data) < whole:
        return None
    arm = _ARM.search(data, end, whole)
    after = _RETRY_AFTER.search(head) if status != b"201" else None
    return Answer(
        int(status),
        "" if arm is None else arm[1].decode(errors="replace"),
        0 if after is None else int(after[1]),
        whole,
    )
