"""Traces as Jaeger's API tells them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.cluster.system import forwarded

GATEWAY = "istio-ingressgateway.istio-system"
"""What the gateway calls itself in its spans."""


@dataclass(frozen=True)
class Span:
    """A span of a trace."""

    id: str
    service: str
    name: str
    parent: str | None
    linked: frozenset[str]
    """The traces that it is linked to."""
    tags: dict[str, Any]
    seconds: float


@dataclass(frozen=True)
class Trace:
    """All spans of a trace that are there."""

    id: str
    spans: tuple[Span, ...]

    def named(self, service: str, name: str) -> list[Span]:
        """Return a service's spans of a name."""
        return [span for span in self.spans if (span.service, span.name) == (service, name)]

    def above(self, span: Span) -> Iterator[Span]:
        """Go from a span to the trace's root."""
        by_id = {each.id: each for each in self.spans}
        while span.parent in by_id:
            span = by_id[span.parent]
            yield span


def _trace(data: dict[str, Any]) -> Trace:
    spans = []
    for each in data["spans"]:
        refers = each["references"]
        parents = [r["spanID"] for r in refers if r["refType"] == "CHILD_OF"]
        spans.append(
            Span(
                each["spanID"],
                data["processes"][each["processID"]]["serviceName"],
                each["operationName"],
                parents[0] if parents else None,
                frozenset(r["traceID"] for r in refers if r["refType"] == "FOLLOWS_FROM"),
                {tag["key"]: tag["value"] for tag in each["tags"]},
                each["duration"] / 1e6,
            )
        )
    return Trace(data["traceID"], tuple(spans))


class Jaeger:
    """Jaeger's query API at a port of this machine."""

    def __init__(self, port: int) -> None:
        self._api = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False)

    def trace(self, number: str) -> Trace | None:
        """Return a trace, None where Jaeger has nothing of it."""
        answer = self._api.get(f"/api/traces/{number}")
        if answer.status_code == 404:
            return None
        (found,) = answer.raise_for_status().json()["data"]
        return _trace(found)

    def traces(self, service: str, since_s: float, most: int = 3000) -> list[Trace]:
        """Return the traces since a time (UNIX) in which a service has spans."""
        asked: dict[str, str | int] = {
            "service": service,
            "start": int(since_s * 1e6),
            "end": int(time.time() * 1e6),
            "limit": most,
        }
        answer = self._api.get("/api/traces", params=asked).raise_for_status()
        return [_trace(each) for each in answer.json()["data"]]

    def until(self, holds: Callable[[], bool], what: str, limit_s: float = 30) -> None:
        """Wait until spans that are on their way have come."""
        end = time.monotonic() + limit_s
        while not holds():
            assert time.monotonic() < end, f"within {limit_s} s there was no {what}"
            time.sleep(1)


@contextmanager
def jaeger() -> Iterator[Jaeger]:
    """Lead a port of this machine to the cluster's Jaeger."""
    with forwarded("jaeger", 16686, "observability") as port:
        yield Jaeger(port)
