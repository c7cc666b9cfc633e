"""Spans put together as trees, and drawn."""

from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1 import trace_pb2 as otlp

from meshsplit.traces.drawing import draw
from meshsplit.traces.kept import requests, spans_of, spans_saying
from meshsplit.traces.trees import Node, trees
from tests.spans import BEGAN, MS, Value, export, ident, keep, span

SERVER, CLIENT = otlp.Span.SPAN_KIND_SERVER, otlp.Span.SPAN_KIND_CLIENT
GATEWAY = {"http.method": "POST", "http.url": "http://a.test/?b", "http.status_code": "201"}
EGRESS = {"upstream_cluster": "outbound|8000|direct|ingest.meshsplit.svc.cluster.local"}
ARRIVED = span(1, "records:80/", kind=SERVER, at=(0, 20), said=GATEWAY)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Two requests of one batch, told of by three services in an order of their own."""
    batch: dict[str, Value] = {"meshsplit.batch.records": 2, "meshsplit.queue.wait": 0.004}
    query = {"db.system.name": "mariadb"}
    record: dict[str, Value] = {"meshsplit.arm": "fastapi", "meshsplit.queue.wait": 0.004}
    return keep(
        tmp_path,
        export(
            "ingest",
            span(31, "COMMIT", trace=3, parent=30, kind=CLIENT, at=(12, 15), said=query),
            span(30, "store batch", trace=3, at=(6, 16), links=[(1, 3), (2, 5)], said=batch),
            span(3, "POST /", parent=2, kind=SERVER, at=(2, 18), links=[(3, 30)], said=record),
            span(5, "POST /", trace=2, parent=4, kind=SERVER, at=(3, 17), links=[(3, 30)]),
        ),
        export(
            "istio-ingressgateway.istio-system",
            span(2, "egress", parent=1, kind=CLIENT, at=(1, 19), said=EGRESS),
            ARRIVED,
            span(4, "records:80/", trace=2, kind=SERVER, at=(2, 50), said=GATEWAY),
        ),
        b"no export at all",
    )


Shape = tuple[str, list[Any]]


def shape(node: Node) -> Shape:
    return node.span.name, [shape(child) for child in node.children]


def test_a_batch_stands_below_the_request_that_is_linked_to_it_and_leads_to_no_other(
    kept: Path,
) -> None:
    (root,) = trees(kept, ident(1, 16))
    batch: Shape = ("store batch", [("COMMIT", [])])
    assert shape(root) == ("records:80/", [("egress", [("POST /", [batch])])])
    assert [node.span.name for node in root.walk() if node.linked] == ["store batch", "COMMIT"]


def test_a_request_is_what_came_from_outside_the_oldest_first(kept: Path) -> None:
    found = requests(kept)
    assert [(each.trace, each.duration) for each in found] == [
        (ident(1, 16), 20 * MS),
        (ident(2, 16), 48 * MS),
    ]


def test_a_span_whose_parent_is_missing_is_a_tree_of_its_own(tmp_path: Path) -> None:
    folder = keep(
        tmp_path, export("a", span(1, "one", parent=99)), export("b", span(2, "two", parent=1))
    )
    assert [shape(root) for root in trees(folder, ident(1, 16))] == [("one", [("two", [])])]


def test_spans_in_a_circle_are_no_tree_and_no_endless_loop(tmp_path: Path) -> None:
    folder = keep(tmp_path, export("a", span(1, "one", parent=2), span(2, "two", parent=1)))
    assert trees(folder, ident(1, 16)) == []


def test_spans_are_found_by_what_they_say(kept: Path) -> None:
    assert [found.id for found in spans_saying(kept, "fastapi")] == [ident(3)]
    assert spans_saying(kept, "fast") == []
    assert {found.trace for found in spans_of(kept, [ident(2, 16)])} == {ident(2, 16)}


@pytest.mark.parametrize("width", [20, 80, 100, 300])
def test_a_drawn_tree_fits_the_screen_and_says_who_did_what_for_how_long(
    kept: Path, width: int
) -> None:
    (root,) = trees(kept, ident(1, 16))
    lines = draw(root, BEGAN / 1e9 + 200, width).splitlines()
    assert max(map(len, lines[1:])) <= min(max(width, 80), 140)
    head, _, gateway, egress, ingest, batch, commit, *_ = lines
    assert head.startswith(f"{ident(1, 16).hex()}  POST / → 201 · fastapi · 20.0 ms")
    assert head.endswith("3 min ago")
    assert gateway.split()[:3] == ["gateway", "POST", "/"]
    assert "to ingest:8000 (direct)" in egress
    assert ingest.split()[0] == "ingest"
    assert "⇢ store batch of 2" in batch
    assert batch.rstrip().endswith("10.0 ms")
    assert "MariaDB: COMMIT" in commit
    assert any("waited for a batch: 4.0 ms in ingest" in line for line in lines)


def test_bars_say_when_a_step_ran_and_whether_it_was_shared(kept: Path) -> None:
    (root,) = trees(kept, ident(1, 16))
    lines = draw(root, 0, 100).splitlines()[1:]
    places = {name: _bar(next(line for line in lines if name in line)) for name in ("POST", "COMM")}
    assert places["POST"] == ("█", 0, 30)
    mark, first, last = places["COMM"]
    assert mark == "▒"
    assert (first, last) == (18, 23)  # of thirty columns for twenty milliseconds


def _bar(line: str) -> tuple[str, int, int]:
    start = 100 - 30 - 9  # the bar's thirty columns, and the time after them
    bar = line[start : start + 30]
    mark = bar.strip()[0]
    return mark, bar.index(mark), bar.rindex(mark) + 1


def test_what_went_wrong_is_said_below_its_step(tmp_path: Path) -> None:
    said = {"response_flags": "UF,URX", "error.type": "503"}
    root = span(1, "x", kind=SERVER, said=said, failed="the store is away")
    (tree,) = trees(keep(tmp_path, export("ingest", root)), ident(1, 16))
    assert "! 503, UF,URX, the store is away" in draw(tree, 0, 100)
