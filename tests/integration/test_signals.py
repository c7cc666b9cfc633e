"""The table of signals, entry by entry, against the real system with every request traced."""

from __future__ import annotations

import json
import secrets
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import httpx
import pytest

from meshsplit.split.weights import read_split
from meshsplit.traces.spans import Span, raw_spans, read
from meshsplit.traces.store import exports
from meshsplit.traces.words import service_of
from tests import plain_http
from tests.arms import GOOD
from tests.gateway import wait_for
from tests.signals import Signals, entries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stack import LiveStack

SENT = 600
CLIENTS = 8
DEVIATIONS = 5  # a fair split is called skewed once in two million runs
ENTRIES = list(entries())


@dataclass(frozen=True)
class Told:
    """What the system told of the requests of this test."""

    answers: list[tuple[str, str]]
    """Each record's trace and arm, as the answers had them."""
    spans: dict[bytes, Span]
    metrics: dict[str, set[str]]
    """Names that have samples, by service."""
    lines: dict[str, list[set[str]]]
    """The fields that each line of a log has a value in, by service."""

    def of(self, service: str, name: str) -> list[Span]:
        """Give a service's spans of a name; one that ends in … is only how it begins."""
        begins = name.removesuffix("…")
        return [
            span
            for span in self.spans.values()
            if service_of(span) == service
            and (span.name == name or (begins != name and span.name.startswith(begins)))
        ]

    def named(self, span_id: bytes) -> str:
        span = self.spans.get(span_id)
        return f"{service_of(span)}: {span.name}" if span else ""


@pytest.fixture(scope="module")
def told(stack: LiveStack) -> Iterator[Told]:
    rate = stack.mesh / "telemetry" / "traces.yaml"
    before = rate.read_text()
    rate.write_text(before.replace("Percentage: 1\n", "Percentage: 100\n"))
    try:
        yield gathered(stack)
    finally:
        rate.write_text(before)


def gathered(stack: LiveStack) -> Told:
    with httpx.Client(base_url=stack.gateway, trust_env=False, timeout=30) as client:
        wait_for(lambda: traced(stack, client.get("/").headers["x-trace-id"]), 20)
        with ThreadPoolExecutor(CLIENTS) as pool:
            found = list(pool.map(lambda _: client.post("/", json=GOOD), range(SENT)))
        assert {answer.status_code for answer in found} == {201}
        answers = [(answer.headers["x-trace-id"], answer.json()["arm"]) for answer in found]
        assert client.post("/", json={**GOOD, "nota": 101}).status_code == 422
        assert client.get("/api/v1/records/count").status_code == 200
        parent = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
        copied = plain_http.post(stack.url("shadow"), json=GOOD, headers={"traceparent": parent})
        assert copied.is_success
        in_trouble(stack, client)
    wait_for(lambda: is_whole(spans_of(stack), answers), 20)
    names = {row.service: metrics_of(stack, row.port) for row, *_ in ENTRIES}
    lines = {row.service: list(lines_of(stack, row.service)) for row, *_ in ENTRIES}
    return Told(answers, spans_of(stack), names, lines)


def in_trouble(stack: LiveStack, client: httpx.Client) -> None:
    """Let each service that can miss another one miss it, while traced requests come in."""
    with stack.without("mariadb"):
        for path in ("/", "/", "/", "/", "/", "/"):
            client.post(path, json=GOOD)
        client.get("/api/v1/records/count")
    stack.kill("recorder", signal.SIGSTOP)
    try:
        wait_for(lambda: client.post("/", json=GOOD).status_code == 504, 60)
    finally:
        stack.kill("recorder", signal.SIGCONT)
    wait_for(lambda: all(client.post("/", json=GOOD).is_success for _ in range(6)), 30)


def spans_of(stack: LiveStack) -> dict[bytes, Span]:
    return {
        span.span_id: read(service, span)
        for export in exports(stack.state / "traces")
        for service, span in raw_spans(export)
    }


def traced(stack: LiveStack, trace_id: str) -> bool:
    time.sleep(0.2)
    return any(bytes.fromhex(trace_id) in export for export in exports(stack.state / "traces"))


def is_whole(spans: dict[bytes, Span], answers: list[tuple[str, str]]) -> bool:
    """Whether every record's trace has come, down to the batch that stored it."""
    batched = {s.trace.hex() for s in spans.values() if s.name == "POST /" and s.links}
    linked = {link.span for s in spans.values() for link in s.links}
    return {trace for trace, _ in answers} <= batched and linked <= spans.keys()


def metrics_of(stack: LiveStack, port: str) -> set[str]:
    path = "/stats/prometheus" if port == "envoy_admin" else "/metrics"
    text = plain_http.get(f"{stack.url(port)}{path}", trust_env=False).text
    samples = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if line[:1] != "#"}
    endings = ("_bucket", "_sum", "_count")
    return samples | {name.removesuffix(ending) for name in samples for ending in endings}


def lines_of(stack: LiveStack, service: str) -> Iterator[set[str]]:
    of_gateway = stack.state / "envoy" / "access.log"
    text = of_gateway.read_text() if service == "gateway" else stack.log(service)
    for line in text.splitlines():
        if line.startswith("{"):
            yield {name for name, value in json.loads(line).items() if value not in (None, "")}


@pytest.mark.parametrize(
    ("row", "kind", "name", "target"),
    ENTRIES,
    ids=[" ".join(filter(None, (row.service, *rest))) for row, *rest in ENTRIES],
)
def test_the_service_emits_it(told: Told, row: Signals, kind: str, name: str, target: str) -> None:
    spans = told.of(row.service, name)
    if kind == "metric":
        assert name in told.metrics[row.service]
    elif kind == "span":
        assert spans
        assert all(span.start <= span.end for span in spans)
    elif kind == "parent":
        assert target in {told.named(span.parent) for span in spans}
    elif kind == "link":
        assert target in {told.named(link.span) for span in spans for link in span.links}
    else:
        assert name in max(told.lines[row.service], key=lambda said: len(said & {*row.log_fields}))


def test_every_record_s_trace_leads_from_the_gateway_to_the_commit_in_its_arm(told: Told) -> None:
    children: dict[bytes, set[str]] = {}
    for span in told.spans.values():
        children.setdefault(span.parent, set()).add(span.name)
    roots = {
        span.trace.hex(): span
        for span in told.of("gateway", "records:80/")
        if span.attributes["http.method"] == "POST"
    }
    arms = {span.trace.hex(): span.attributes["meshsplit.arm"] for span in doors(told)}
    for trace, arm in told.answers:
        assert roots[trace].parent == b""
        assert arms[trace] == arm
    for span in committing(told):
        batch = told.spans[span.links[0].span]
        assert "COMMIT" in children[batch.id]


def test_the_share_of_traces_in_each_arm_is_as_the_split_asks(told: Told, stack: LiveStack) -> None:
    asked = read_split(stack.mesh / "routes" / "records.yaml").percent
    sent = {trace for trace, _ in told.answers}
    seen = Counter(
        str(span.attributes["meshsplit.arm"]) for span in doors(told) if span.trace.hex() in sent
    )
    assert seen.total() == SENT
    for arm, percent in asked.items():
        share = percent / 100
        spread = DEVIATIONS * sqrt(SENT * share * (1 - share))
        assert abs(seen[arm] - SENT * share) <= spread, (seen, asked)


def test_a_batch_is_linked_to_each_of_its_members_and_each_of_them_to_it(told: Told) -> None:
    batches = [span for span in told.spans.values() if span.name == "store batch"]
    for batch in batches:
        assert batch.parent == b""
        assert len(batch.links) == batch.attributes["meshsplit.batch.traced"]
    stored = [span for span in batches if "meshsplit.outcome.stored" in span.attributes]
    assert max(len(span.links) for span in stored) > 1
    for batch in stored:
        for link in batch.links:
            assert batch.id in {back.span for back in told.spans[link.span].links}


def doors(told: Told) -> list[Span]:
    """The arms' spans of records that they let in."""
    return [
        span
        for span in told.spans.values()
        if span.name == "POST /" and "meshsplit.record.id" in span.attributes and span.links
    ]


def committing(told: Told) -> list[Span]:
    """The spans of records whose service committed them itself."""
    sent = {trace for trace, _ in told.answers}
    return [
        span
        for name in ("POST /", "store record")
        for service in ("ingest", "recorder")
        for span in told.of(service, name)
        if span.links and span.trace.hex() in sent
    ]
