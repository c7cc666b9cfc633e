"""Everything that is known of one id: access log, logs and spans, put together by request."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from meshsplit.explaining.lines import Line, lines_saying, objects
from meshsplit.traces.kept import spans_saying
from meshsplit.traces.spans import Span
from meshsplit.traces.trees import Node, trees

MOST = 5
"""Requests that are told of, where an id is of more (a client's own trace)."""
_TRACE = re.compile(r"[0-9a-f]{32}")
_TIME_ORDERED = 7
_LONGEST_S = 20
_REQUEST_IDS = ("guid:x-request-id", "meshsplit.request.id")


@dataclass(slots=True)
class Finding:
    """One request, as far as it is known."""

    access: Line | None = None
    root: Node | None = None
    logs: list[Line] = field(default_factory=list)

    @property
    def spans(self) -> list[Span]:
        """The request's spans, its batch's among them."""
        return list(self.root.spans()) if self.root else []


class BadIdError(ValueError):
    """An id of no form that an id has here."""


def canonical(asked: str) -> str:
    """Return an id in the form that it has in logs: a trace's 32 digits, or a UUID.

    Raises:
        BadIdError: it is neither.
    """
    text = asked.strip().lower()
    if _TRACE.fullmatch(text):
        return text
    try:
        return str(UUID(text))
    except ValueError:
        raise BadIdError(
            f"expected a request's id (x-request-id), a trace's (x-trace-id) or a record's (id), "
            f"found {asked!r}"
        ) from None


def find(state: Path, wanted: str) -> list[Finding]:
    """Return the requests that a canonical id is of, the oldest first; empty: nothing is known."""
    folder, access_log = state / "traces", state / "envoy" / "access.log"
    saying = [] if _TRACE.fullmatch(wanted) else spans_saying(folder, wanted)
    named = {wanted, *(span.trace.hex() for span in saying), *_request_ids(saying)}
    lines = [
        line for line in objects(lines_saying(access_log, named)) if _is_of(line, wanted, named)
    ]
    traces = {str(line.get("trace_id") or "") for line in lines} | named
    roots = [
        root
        for trace in sorted(traces)
        if _TRACE.fullmatch(trace)
        for root in trees(folder, bytes.fromhex(trace))
    ]
    findings = _matched(lines, roots)
    if saying:
        findings = [each for each in findings if each.root and _says(each.root, wanted)] or findings
    findings = sorted(findings, key=_began)[-MOST:]
    for each in findings:
        each.logs = list(_logs(state / "logs", _ids(each) | {wanted}))
    return findings


def about_when(state: Path, record_id: str) -> tuple[datetime, list[Line]] | None:
    """Return when a record's id was made, and the requests under way then; None: it tells no time.

    What is left where a record wasn't traced: the access log knows requests, not records.
    """
    made = UUID(record_id)
    if made.version != _TIME_ORDERED:
        return None
    try:
        at = datetime.fromtimestamp((made.int >> 80) / 1000, UTC)
    except ValueError:
        return None  # thousands of years ahead: no id of ours
    seconds = [
        f'"time":"{at - timedelta(seconds=back):%Y-%m-%dT%H:%M:%S}' for back in range(_LONGEST_S)
    ]
    lines = objects(lines_saying(state / "envoy" / "access.log", seconds))
    return at, [line for line in lines if line.get("method") == "POST" and _under_way(line, at)]


def time_of(line: Line) -> datetime | None:
    """Return when an access log's request came in."""
    try:
        return datetime.fromisoformat(str(line["time"]))
    except (KeyError, ValueError):
        return None


def _under_way(line: Line, at: datetime) -> bool:
    began = time_of(line)
    if began is None or not isinstance(line.get("duration_ms"), int):
        return False
    # both clocks are of this machine, but each is cut to a millisecond
    return timedelta(0) <= at - began <= timedelta(milliseconds=line["duration_ms"] + 1)


def _is_of(line: Line, wanted: str, named: set[str]) -> bool:
    request, trace = line.get("request_id"), line.get("trace_id")
    return wanted in {request, trace} or request in named


def _matched(lines: Iterable[Line], roots: Iterable[Node]) -> list[Finding]:
    """Put each line of the access log together with the tree of the same request."""
    by_request = {request: root for root in roots for request in _request_ids(root.spans())}
    alone = {id(root): root for root in roots}
    findings = []
    for line in lines:
        root = by_request.get(str(line.get("request_id")))
        alone.pop(id(root), None)
        findings.append(Finding(line, root))
    return findings or [Finding(root=root) for root in alone.values()]


def _request_ids(spans: Iterable[Span]) -> Iterator[str]:
    for span in spans:
        for key in _REQUEST_IDS:
            if key in span.attributes:
                yield str(span.attributes[key])


def _says(root: Node, wanted: str) -> bool:
    return any(wanted in span.attributes.values() for span in root.spans())


def _began(finding: Finding) -> float:
    if finding.root is not None:
        return finding.root.span.start / 1e9
    at = time_of(finding.access or {})
    return at.timestamp() if at else 0


def _ids(finding: Finding) -> set[str]:
    keys = ("meshsplit.record.id", "meshsplit.batch.id", "meshsplit.request.id")
    found = {
        str(span.attributes[k]) for span in finding.spans for k in keys if k in span.attributes
    }
    found |= {span.trace.hex() for span in finding.spans}
    access = finding.access or {}
    return found | {str(access[key]) for key in ("request_id", "trace_id") if access.get(key)}


def _logs(folder: Path, ids: set[str]) -> Iterator[Line]:
    found = [
        {"service": path.stem, **line}
        for path in sorted(folder.glob("*.log"))
        for line in objects(lines_saying(path, ids))
    ]
    yield from sorted(found, key=lambda line: str(line.get("time", "")))
