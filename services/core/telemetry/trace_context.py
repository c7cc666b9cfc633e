"""W3C trace context as it stands in a header, read without the tracing library.

Nearly every request is not traced, and must not pay for those that are: its header is looked at
here, and that is all.
"""

import re
from typing import Final

import msgspec

_FORM: Final = re.compile(
    rb"(?:00(?=.{53}\Z)|(?!00|ff)[0-9a-f]{2})"  # a version; this one's has nothing after its flags
    rb"-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?",
    re.DOTALL,
)
_ODD: Final = b"13579bdf"


class TraceParent(msgspec.Struct, frozen=True):
    """Which span a request comes from."""

    trace_id: bytes
    """32 hexadecimal digits."""
    span_id: bytes
    """16 of them."""
    flags: bytes
    """Two."""
    sampled: bool
    """Whether the sender records this trace, and so everybody after it."""

    @property
    def text(self) -> str:
        """The header's value, in the version that is written here."""
        return f"00-{self.trace_id.decode()}-{self.span_id.decode()}-{self.flags.decode()}"


def read_traceparent(value: bytes) -> TraceParent | None:
    """Read a traceparent; None where it breaks the W3C's rules, which is to be as if it weren't."""
    if (parts := _FORM.fullmatch(value)) is None:
        return None
    trace_id, span_id, flags = parts.groups()
    return TraceParent(trace_id, span_id, flags, flags[1] in _ODD)
