"""Questions to the reporter, each at its time, through the gateway, and what makes them void."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx
import msgspec

from bench.getting import Connections
from bench.histogram import Histogram
from bench.verdict import LAG_OF_TAIL

_NANO: Final = 1_000_000_000
_COURSE: Final = ("course", "students")
_STUDENT: Final = ("student_id", "student_name", "average", "records")


@dataclass(frozen=True)
class Endpoint:
    """Where to ask, and what an answer must be: an object, or a list of them."""

    url: str
    names: tuple[str, ...]
    """What each object has."""
    listed: bool = False

    def fits(self, body: Any) -> bool:
        """Tell whether an answer is what it must be; a list of nothing isn't."""
        objects = body if self.listed else [body]
        return (
            isinstance(objects, list)
            and bool(objects)
            and all(isinstance(each, dict) and each.keys() >= {*self.names} for each in objects)
        )


def endpoints(api: str) -> dict[str, Endpoint]:
    """Give each REST endpoint by its name, for the largest course of the largest semester."""
    with httpx.Client(base_url=api, timeout=20) as client:
        terms = client.get("/semesters").raise_for_status().json()
        tops = {}
        for term in terms:
            (top,) = client.get("/courses/top", params={**term, "limit": 1}).json() or [None]
            tops[urlencode(term)] = top or {"students": 0, "course": ""}
    largest = max(tops, key=lambda term: int(tops[term]["students"]))
    course = quote(tops[largest]["course"], safe="")
    return {
        "semesters": Endpoint(f"{api}/semesters", ("year", "semester"), listed=True),
        "courses": Endpoint(f"{api}/courses?{largest}", _COURSE, listed=True),
        "results of a course": Endpoint(
            f"{api}/courses/{course}/results?{largest}", ("course", "passed", "failed")
        ),
        "top courses": Endpoint(f"{api}/courses/top?{largest}", _COURSE, listed=True),
        "top students": Endpoint(f"{api}/students/top", _STUDENT, listed=True),
        "top students of a semester": Endpoint(
            f"{api}/students/top?{largest}", _STUDENT, listed=True
        ),
        "count": Endpoint(f"{api}/records/count", ("total", "arms")),
        "split": Endpoint(f"{api}/split", ("arms", "verdict")),
        "verdict on the split": Endpoint(f"{api}/split/verdict", ("result", "observed")),
        "arms compared": Endpoint(f"{api}/split/arms", ("arms", "measures")),
    }


class Asking:
    """Asks the endpoints in turn, each question at its time."""

    def __init__(self, asked: Mapping[str, Endpoint], rate: float) -> None:
        self._asked = list(asked.items())
        self._rate = rate
        self.times = {name: Histogram() for name in asked}
        self.lag = Histogram()
        """How late it woke for its questions, which is in their times."""
        self.wrong: list[str] = []

    async def run(self, seconds: float) -> None:
        """Ask for so long; a time counts from when its question was due."""
        connections = Connections(self._asked[0][1].url)
        began = time.monotonic_ns()
        async with asyncio.TaskGroup() as asking:
            for number in range(int(seconds * self._rate)):
                due = began + int(number * _NANO / self._rate)
                await asyncio.sleep((due - time.monotonic_ns()) / _NANO)
                self.lag.add(time.monotonic_ns() - due)
                asking.create_task(self._ask(connections, number, due))
        connections.close()

    def void(self) -> list[str]:
        """Say what makes the times void, as `make bench` does of its generator."""
        everything = Histogram()
        for times in self.times.values():
            everything.merge(times)
        late, seen = self.lag.quantile(0.99), everything.quantile(0.99)
        if late <= LAG_OF_TAIL * seen:
            return self.wrong
        limit = (
            f"the asker was the limit: the p99 of its own lateness is {late / 1e6:.2f} ms,"
            f" of what it measured {seen / 1e6:.2f} ms"
        )
        return [*self.wrong, limit]

    async def _ask(self, connections: Connections, number: int, due: int) -> None:
        name, endpoint = self._asked[number % len(self._asked)]
        status, body = await connections.get(endpoint.url)
        self.times[name].add(time.monotonic_ns() - due)
        if status != httpx.codes.OK:
            self.wrong.append(f"{name}: {status}")
        elif not endpoint.fits(_json(body)):
            said = body[:80].decode(errors="replace")
            self.wrong.append(f"{name}: its answer isn't of its shape: {said}")


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
