"""Questions to the reporter, each at its time, through the gateway."""

import asyncio
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

import httpx

from bench.histogram import Histogram

_NANO: Final = 1_000_000_000


def endpoints(api: str) -> dict[str, str]:
    """Give each REST endpoint's URL by its name, for the largest course of the largest semester."""
    with httpx.Client(base_url=api, timeout=20) as client:
        terms = client.get("/semesters").raise_for_status().json()
        tops = {}
        for term in terms:
            (top,) = client.get("/courses/top", params={**term, "limit": 1}).json() or [None]
            tops[urlencode(term)] = top or {"students": 0, "course": ""}
    largest = max(tops, key=lambda term: int(tops[term]["students"]))
    course = quote(tops[largest]["course"], safe="")
    paths = {
        "semesters": "/semesters",
        "courses": f"/courses?{largest}",
        "results of a course": f"/courses/{course}/results?{largest}",
        "top courses": f"/courses/top?{largest}",
        "top students": "/students/top",
        "top students of a semester": f"/students/top?{largest}",
        "count": "/records/count",
    }
    return {name: api + path for name, path in paths.items()}


class Asking:
    """Asks the endpoints in turn, each question at its time."""

    def __init__(self, urls: Mapping[str, str], rate: float) -> None:
        self.urls = dict(urls)
        self._rate = rate
        self.times = {name: Histogram() for name in urls}
        self.wrong: list[str] = []

    async def run(self, seconds: float) -> None:
        """Ask for so long; a time counts from when its question was due."""
        began = time.monotonic_ns()
        async with httpx.AsyncClient(timeout=20) as client, asyncio.TaskGroup() as asking:
            for number in range(int(seconds * self._rate)):
                due = began + int(number * _NANO / self._rate)
                await asyncio.sleep((due - time.monotonic_ns()) / _NANO)
                asking.create_task(self._ask(client, number, due))

    async def _ask(self, client: httpx.AsyncClient, number: int, due: int) -> None:
        name = list(self.urls)[number % len(self.urls)]
        answer = await client.get(self.urls[name])
        self.times[name].add(time.monotonic_ns() - due)
        if answer.status_code != httpx.codes.OK:
            self.wrong.append(f"{name}: {answer.status_code}")
