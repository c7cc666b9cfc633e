"""How a span is called on a screen: what it does, rather than what its library calls it."""

from urllib.parse import urlsplit

from meshsplit.traces.spans import CLIENT, Span, Value

_STORES = {"mysql": "MySQL", "mariadb": "MariaDB", "redis": "Redis"}
_GATEWAY = "istio-ingressgateway"
_NONE = ("", "-")


def service_of(span: Span) -> str:
    """Return whose span it is; a gateway's long name is cut to what everybody calls it."""
    name = span.service.partition(".")[0]
    return "gateway" if name.startswith(_GATEWAY) else name


def label(span: Span) -> str:
    """Return what a span is about, in a few words."""
    said = span.attributes
    if "upstream_cluster" in said and span.kind == CLIENT:
        return f"to {destination(str(said['upstream_cluster']))}"
    if "http.method" in said and "http.url" in said:
        return f"{said['http.method']} {urlsplit(str(said['http.url'])).path}"
    if (store := said.get("db.system.name")) is not None:
        return f"{_STORES.get(str(store), store)}: {_statements(span.name)}"
    if "rpc.method" in said:
        call = "calls" if span.kind == CLIENT else "answers"
        return f"{call} {said['rpc.method']}"
    if (records := said.get("meshsplit.batch.records")) is not None:
        return f"{span.name} of {records}"
    return span.name


def note(span: Span) -> str:
    """Return what went wrong, or what came of it where that isn't plain; often empty."""
    said = span.attributes
    notes = [
        str(said[key])
        for key in ("error.type", "response_flags")
        if str(said.get(key, "")) not in _NONE
    ]
    if span.failed and span.message:
        notes.append(span.message)
    notes += span.events
    return ", ".join(dict.fromkeys(notes))


def status_of(span: Span) -> str:
    """Return the HTTP status that a span tells of; empty for none."""
    for key in ("http.status_code", "http.response.status_code"):
        if key in span.attributes:
            return str(span.attributes[key])
    return ""


def said_by(spans: list[Span], key: str) -> Value | None:
    """Return what the first of some spans that says anything says under a key."""
    return next((span.attributes[key] for span in spans if key in span.attributes), None)


def shown_ms(nanoseconds: float) -> str:
    """Return a time as milliseconds, with as many digits as tell something."""
    ms = nanoseconds / 1e6
    return f"{ms:.0f} ms" if ms >= 100 else f"{ms:.1f} ms" if ms >= 1 else f"{ms:.2f} ms"  # noqa: PLR2004


def _statements(summary: str) -> str:
    """Shorten a summary of statements: an operation is said once for all tables after it."""
    groups: list[list[str]] = []
    for word in summary.split():
        if word.isupper() and groups and word == groups[-1][0]:
            continue
        if word.isupper() or not groups:
            groups.append([word])
        else:
            groups[-1].append(word)
    return "; ".join(f"{first} {', '.join(tables)}".strip() for first, *tables in groups)


def destination(cluster: str) -> str:
    """Return host and port of Istio's name for a cluster."""
    parts = cluster.split("|")
    if len(parts) != 4:  # noqa: PLR2004 - direction, port, subset, host
        return cluster
    _, port, subset, host = parts
    return f"{host.partition('.')[0]}:{port}{f' ({subset})' if subset else ''}"
