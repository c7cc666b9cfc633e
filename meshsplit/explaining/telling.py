"""A request's story in words."""

from collections.abc import Iterator
from datetime import datetime
from textwrap import wrap

from meshsplit.explaining.findings import Finding, time_of
from meshsplit.explaining.flags import flags_in_words
from meshsplit.explaining.lines import Line
from meshsplit.explaining.rules import Rule
from meshsplit.explaining.steps import steps
from meshsplit.traces.words import destination, label, said_by, shown_ms, status_of

_LABEL, _NARROWEST = 10, 60
_FAILURES = {
    "Connection refused": "nothing listens at its address",
    "Connection reset": "it broke the connection off",
    "timeout": "it took no connection in time",
    "No route to host": "its address can't be reached",
}
_DETAILS = {
    "via_upstream": "",
    "direct_response": "the rule says what to answer",
    "route_not_found": "no rule takes it",
    "no_healthy_upstream": "no instance of the destination is there",
    "response_timeout": "no answer within the rule's timeout",
    "fault_filter_abort": "a fault of the mesh's files",
    "downstream_remote_disconnect": "the client went away",
    "upstream_reset_before_response_started": "its connection to the arm broke before an answer",
    "upstream_reset_after_response_started": "its connection to the arm broke within the answer",
    "request_payload_too_large": "its body is too large for the gateway",
    "http1.codec_error": "its bytes are no HTTP/1 that Envoy can read",
}


def story(finding: Finding, rule: Rule | None, mesh: str, width: int = 100) -> str:
    """Tell one request's story in lines of a width; ``mesh`` is how the mesh's folder is called."""
    lines = [*_head(finding), ""]
    for name, text in _told(finding, rule, mesh):
        before = f"  {name}".ljust(_LABEL + 2)
        after = " " * len(before)
        lines += wrap(text, max(width, _NARROWEST), initial_indent=before, subsequent_indent=after)
    return "\n".join(lines)


def _head(finding: Finding) -> Iterator[str]:
    access, spans = finding.access or {}, finding.spans
    first = spans[0] if spans else None
    what = _asked(access) if access else label(first) if first else ""
    status = access.get("status") or (status_of(first) if first else "")
    said = [said_by(spans, f"meshsplit.{key}") for key in ("arm", "outcome")]
    duration = _took(finding)
    parts = [f"{what} → {status or 'no answer'}", *(str(found) for found in said if found)]
    yield " · ".join([*parts, *([duration] if duration else [])])
    ids = {
        "request": access.get("request_id") or said_by(spans, "meshsplit.request.id"),
        "trace": access.get("trace_id") or (first.trace.hex() if first else None),
        "record": said_by(spans, "meshsplit.record.id"),
    }
    yield "\n".join(f"  {name.ljust(_LABEL)}{found}" for name, found in ids.items() if found)


def _asked(access: Line) -> str:
    """Say what was asked for: Envoy logs what it can't read too, and CONNECT, which has no path."""
    method, path = access.get("method"), access.get("path")
    if method and path:
        return f"{method} {path}"
    return f"{method} without a path" if method else "a request that the gateway couldn't read"


def _took(finding: Finding) -> str:
    if finding.root is not None:
        return shown_ms(finding.root.span.duration)
    took = (finding.access or {}).get("duration_ms")
    return f"{took} ms" if took is not None else ""


def _told(finding: Finding, rule: Rule | None, mesh: str) -> Iterator[tuple[str, str]]:
    access = finding.access
    if access is not None:
        yield "came", _came(access)
        yield from _ruled(access, rule, mesh)
    else:
        yield "came", "the gateway's access log has it no more; this is what its spans tell"
    if finding.root is not None:
        yield from steps(finding.root)
    if access is not None:
        yield from _answered(access)
    yield from _logged(finding.logs)


def _came(access: Line) -> str:
    at = time_of(access)
    when = f"{at.astimezone():%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}" if at else "?"
    size = f"{access.get('bytes_received')} bytes"
    protocol = access.get("protocol") or "of no protocol that it knows"
    return f"{when} from {access.get('client')}, {protocol}, {size}"


def _ruled(access: Line, rule: Rule | None, mesh: str) -> Iterator[tuple[str, str]]:
    if rule is None:
        yield "rule", "none of the mesh's files takes it"
    else:
        name = rule.name or "(without a name)"
        nowhere = f"of {mesh}/" if rule.refused else "which the files have no more"
        where = f"{mesh}/{rule.file}" if rule.file else nowhere
        yield "rule", f"{name}, of VirtualService {rule.service}, {where}"
        yield "", _shares(rule)
    if access.get("cluster"):
        at = access.get("upstream_host") or "no instance of it"
        attempts = access.get("attempts") or 1
        again = f", at the attempt no. {attempts}" if int(attempts) > 1 else ""
        yield "went to", f"{destination(str(access['cluster']))} at {at}{again}"
    else:
        yield "went to", "nowhere: the gateway answered it itself"


def _shares(rule: Rule) -> str:
    does = rule.does
    if rule.refused:
        return "what it does isn't known: as the files are now, the gateway takes none of them"
    if not does:
        return "the files have changed since: there is no such rule"
    if "redirect" in does:
        return f"sends its requests on to {does['redirect']['location']}"
    if "answer" in does:
        return f"answers {does['answer']}"
    places = [
        f"{item['percent']:.4g} % to {item['host']}:{item['port']}" for item in does["destinations"]
    ]
    copies = [f"{item['percent']:.4g} % copied to {item['host']}" for item in does["mirrors"]]
    faults = [
        f"{item['percent']:.4g} % a fault ({kind})" for kind, item in does.get("faults", {}).items()
    ]
    return f"as the files are now: {', '.join([*places, *copies, *faults])}"


def _answered(access: Line) -> Iterator[tuple[str, str]]:
    status, took = access.get("status"), f"{access.get('duration_ms')} ms"
    upstream = access.get("upstream_ms")
    of_that = f", {upstream} ms of that at the destination" if upstream is not None else ""
    details = str(access.get("status_details") or "")
    reason = _DETAILS.get(details.partition("{")[0], details)
    text = f"{status} after {took}{of_that}" if status else f"none; it ended after {took}"
    yield "answer", f"{text}{f': {reason}' if reason else ''}"
    for line in flags_in_words(str(access.get("response_flags") or "")):
        yield "flag", line
    if failure := access.get("upstream_failure"):
        told = str(failure).replace("_", " ")  # Envoy writes it without blanks
        words = next((said for text, said in _FAILURES.items() if text in told), "")
        yield "failure", f"{words} ({told})" if words else told


def _logged(logs: list[Line]) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(logs):
        at = str(line.get("time", ""))[11:23]
        yield (
            "" if number else "logs",
            f"{at} {line['service']} {line.get('level')}: {line.get('message')}",
        )


def candidates(at: datetime, lines: list[Line]) -> str:
    """Say which requests were under way when a record got its id."""
    when = f"{at.astimezone():%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}"
    if not lines:
        return f"By its id it was made at {when}; the access log has no request of then."
    found = [f"  {line.get('request_id')}  {_outcome(line)}" for line in lines]
    one = "the request" if len(found) == 1 else f"one of the {len(found)} requests"
    return "\n".join([f"By its id it was made at {when}, by {one} under way then:", "", *found])


def _outcome(line: Line) -> str:
    cluster = line.get("cluster")
    where = f"to {destination(str(cluster))}" if cluster else "nowhere"
    return f"{where} → {line.get('status')}"
