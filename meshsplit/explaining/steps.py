"""What an arm did with a request, as its spans tell it: the queue, the batch, the commit, Redis."""

from collections.abc import Iterator, Mapping

from meshsplit.traces.spans import SERVER, Value
from meshsplit.traces.trees import Node
from meshsplit.traces.words import label, service_of, shown_ms, status_of

_OUTCOME = "meshsplit.outcome."


def steps(root: Node) -> Iterator[tuple[str, str]]:
    """Yield a name and a sentence for each step that tells something."""
    start = root.span.start
    for node in root.walk():
        span, said, who = node.span, node.span.attributes, service_of(node.span)
        took = shown_ms(span.duration)
        if not node.linked and span.kind == SERVER and node is not root:
            yield who, f"began {label(span)} after {shown_ms(span.start - start)}; it took {took}"
        if not node.linked and (waited := said.get("meshsplit.queue.wait")) is not None:
            yield "queue", f"waited {shown_ms(float(waited) * 1e9)} for a batch in {who}"
        if (records := said.get("meshsplit.batch.records")) is not None:
            yield (
                "batch",
                f"{said['meshsplit.batch.id']} in {who}, {_size(int(records), said)}; {took}",
            )
            yield from _statements(node)
        if said.get("db.system.name") == "redis":
            yield "Redis", f"knew of it {shown_ms(span.end - start)} after it had come in"
        elif said.get("db.operation.name") == "COMMIT":
            done = shown_ms(span.end - start)
            yield "commit", f"done {done} after it had come in; the COMMIT alone took {took}"
        if (reason := said.get("meshsplit.reason")) is not None:
            arm = said.get("meshsplit.arm")
            of_arm = f", of the arm {arm}" if arm is not None else ""
            yield "refused", f"by {who}{of_arm}: nothing was stored, because: {reason}"
        if span.failed:
            why = said.get("error.type") or span.message or status_of(span)
            yield "failed", f"{who}, {label(span)}" + (f": {why}" if why else "")
        yield from (("event", f"{who}, {label(span)}: {event}") for event in span.events)


def _size(records: int, said: Mapping[str, Value]) -> str:
    if records == 1:
        return "alone"
    came = [
        f"{count} {key.removeprefix(_OUTCOME)}"
        for key, count in said.items()
        if key.startswith(_OUTCOME)
    ]
    return f"with {records - 1} other records ({', '.join(came)})"


def _statements(batch: Node) -> Iterator[tuple[str, str]]:
    found = [
        f"{label(child.span).partition(': ')[2]} {shown_ms(child.span.duration)}"
        for child in batch.children
        if child.span.attributes.get("db.system.name") not in (None, "redis")
    ]
    if found:
        yield "", " · ".join(found)
