"""A request's spans as a tree: children below their parents, and linked traces where they belong.

A batch serves many requests, so it has a trace of its own. Here it stands below each span that is
linked to it, and its own links, back to every member, are not followed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from meshsplit.traces.kept import spans_of
from meshsplit.traces.spans import Span


@dataclass(slots=True)
class Node:
    """A span, and what belongs below it, by the time it began."""

    span: Span
    linked: bool = False
    """Whether it is of another trace, shared with other requests."""
    children: list["Node"] = field(default_factory=list)

    def walk(self) -> Iterator["Node"]:
        """Yield this node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def spans(self) -> Iterator[Span]:
        """Yield every span of the tree."""
        return (node.span for node in self.walk())


def trees(folder: Path, trace: bytes) -> list[Node]:
    """Return a trace's trees: one for each span whose parent isn't there."""
    own = spans_of(folder, [trace])
    others = {link.trace for span in own for link in span.links} - {trace}
    return build(own, spans_of(folder, others) if others else [])


def build(own: Iterable[Span], others: Iterable[Span]) -> list[Node]:
    """Put one trace's spans together, and those of the traces they are linked to."""
    nodes = {span.id: Node(span) for span in own}
    linked = {span.id: Node(span, linked=True) for span in others}
    batches = _below(linked)
    roots = _below(nodes)
    shown: dict[bytes, Node] = {node.span.id: node for node in batches}
    for node in sorted(nodes.values(), key=lambda node: node.span.start):
        for link in node.span.links:
            if (batch := shown.get(link.span)) is not None:
                node.children.append(batch)
        node.children.sort(key=lambda child: child.span.start)
    return roots


def _below(nodes: dict[bytes, Node]) -> list[Node]:
    """Hang each node below its parent; returns those that have none, by time."""
    children: dict[bytes, list[Node]] = defaultdict(list)
    for node in nodes.values():
        children[node.span.parent if node.span.parent in nodes else b""].append(node)
    for parent, found in children.items():
        found.sort(key=lambda node: node.span.start)
        if parent:
            nodes[parent].children = found
    return children[b""]
