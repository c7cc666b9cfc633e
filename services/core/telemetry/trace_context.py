"""W3C trace context as it stands in a header, read without the tracing library.

Nearly every request is not traced, and must not pay for those that are: its header is looked at
here, and that is all.
"""

import re
from typing import Final, NamedTuple

_FORM: Final = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_NO_VERSION: Final = b"ff"
_SAMPLED: Final = 1


class TraceParent(NamedTuple):
    """Which span a request comes from."""

    trace_id: bytes
    """32 hexadecimal digits."""
    span_id: bytes
    """16 of them."""
    flags: int

    @property
    def sampled(self) -> bool:
        """Whether the sender records this trace, and so everybody after it."""
        return bool(self.flags & _SAMPLED)

    @property
    def text(self) -> str:
        """The header's value, in the version that is written here."""
        return f"00-{self.trace_id.decode()}-{self.span_id.decode()}-{self.flags:02x}"


def read_traceparent(value: bytes) -> TraceParent | None:
    """Read a traceparent; None where it breaks the W3C's rules, which is to be as if it weren't."""
    parts = _FORM.fullmatch(value)
    if parts is None:
        return None
    version, trace_id, span_id, flags, more = parts.groups()
    if version == _NO_VERSION or (more is not None and version == b"00"):
        return None
    if not (trace_id.strip(b"0") and span_id.strip(b"0")):
        return None
    return TraceParent(trace_id, span_id, int(flags, 16))
