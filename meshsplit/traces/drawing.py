"""A tree of spans as lines of text: whose, what, when within the request, and how long."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from meshsplit.traces.spans import Span
from meshsplit.traces.trees import Node
from meshsplit.traces.words import label, note, said_by, service_of, shown_ms, status_of

NARROWEST, WIDEST = 80, 140
_SERVICE, _TIME = 9, 9
_BAR_SHARE = 0.3
_SHARING = "⇢ leads to that batch, which has a trace of its own."
_FULL, _SHARED, _POINT = "█", "▒", "▏"

Paint = Callable[[str, str], str]
"""Colours a text: `bad`, `dim` or `bold`."""


def plain(text: str, kind: str) -> str:
    """Colour nothing."""
    del kind
    return text


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where times go on a bar."""

    start: int
    length: int
    width: int

    def bar(self, span: Span, *, shared: bool) -> str:
        first = (span.start - self.start) * self.width // self.length
        last = -(-(span.end - self.start) * self.width // self.length)
        first = min(max(first, 0), self.width - 1)
        mark = _SHARED if shared else _FULL
        size = min(max(last, first + 1), self.width) - first
        thin = span.duration * self.width < self.length
        return (" " * first + (_POINT if thin else mark * size)).ljust(self.width)


def draw(root: Node, now: float, width: int, paint: Paint = plain) -> str:
    """Return a request's tree.

    Args:
        root: The request's first span.
        now: Unix time, for how long ago it was.
        width: Columns of the screen.
        paint: Colours parts of it.
    """
    width = min(max(width, NARROWEST), WIDEST)
    spans = list(root.spans())
    start = min(span.start for span in spans)
    bar = int(width * _BAR_SHARE)
    names = width - bar - _SERVICE - _TIME - 4
    scale = _Scale(start, max(max(span.end for span in spans) - start, 1), bar)
    lines = [paint(_head(root, spans, now), "bold"), ""]
    for node, before in _lines(root):
        span = node.span
        name = _cut(before + label(span), names)
        trouble = note(span)
        bad = span.failed or bool(trouble)
        bars = paint(scale.bar(span, shared=node.linked), "bad" if bad else "dim")
        time = shown_ms(span.duration).rjust(_TIME)
        line = f"  {_cut(service_of(span), _SERVICE)} {name} {bars}{time}"
        lines.append(paint(line, "bad") if bad else line)
        if trouble:
            lines.append(paint(" " * (_SERVICE + 3) + " " * len(before) + f"! {trouble}", "bad"))
    return "\n".join([*lines, *_legend(root, paint)])


def _head(root: Node, spans: list[Span], now: float) -> str:
    span = root.span
    at = datetime.fromtimestamp(span.start / 1e9, UTC).astimezone()
    status = status_of(span)
    said = [said_by(spans, key) for key in ("meshsplit.arm", "meshsplit.outcome")]
    parts = [
        f"{label(span)} → {status}" if status else label(span),
        *(str(found) for found in said if found),
        shown_ms(span.duration),
        f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}, {_ago(now - span.start / 1e9)}",
    ]
    return f"{span.trace.hex()}  {' · '.join(parts)}"


def _legend(root: Node, paint: Paint) -> Iterator[str]:
    waits = [
        f"{shown_ms(float(waited) * 1e9)} in {service_of(node.span)}"
        for node in root.walk()
        if not node.linked
        and (waited := node.span.attributes.get("meshsplit.queue.wait")) is not None
    ]
    if waits:
        yield ""
        yield paint(f"  It waited for a batch: {', '.join(waits)}.", "dim")
        yield paint(f"  {_SHARING}", "dim")


def _lines(root: Node) -> Iterator[tuple[Node, str]]:
    """Yield each node with the branches before it."""
    yield root, ""
    yield from _below(root, "")


def _below(node: Node, before: str) -> Iterator[tuple[Node, str]]:
    for child in node.children:
        last = child is node.children[-1]
        crosses = child.linked and not node.linked
        yield child, f"{before}{'└' if last else '├'}{'⇢ ' if crosses else '─ '}"
        yield from _below(child, f"{before}{'   ' if last else '│  '}")


def _cut(text: str, width: int) -> str:
    return (text if len(text) <= width else f"{text[: width - 1]}…").ljust(width)


_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def _ago(seconds: float) -> str:
    if seconds < 2 * _MINUTE:
        return f"{max(seconds, 0):.0f} s ago"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min ago"
    return f"{seconds / _HOUR:.0f} h ago" if seconds < 2 * _DAY else f"{seconds / _DAY:.0f} d ago"
