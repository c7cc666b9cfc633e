"""Raw counters from Prometheus, as they stood at each step of a range of time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import httpx

from meshsplit.comparison.counters import Sample

TIMEOUT_S: Final = 5.0


class SourceAwayError(Exception):
    """Prometheus gives no answer that can be used; in one line."""


class Prometheus:
    """Asks Prometheus' HTTP API, with a bound on every wait.

    Args:
        client: asks; its time-out is the bound.
        url: Prometheus' address, without a slash at its end.

    """

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url

    async def readings(
        self, query: str, start: float, end: float, step: int
    ) -> dict[float, list[Sample]]:
        """Return what a query gave at each step, from ``start`` to ``end`` (seconds since 1970).

        A step at which it gave nothing has an empty list.

        Raises:
            SourceAwayError: there is no usable answer.

        """
        question: dict[str, str | float] = {
            "query": query,
            "start": start,
            "end": end,
            "step": step,
        }
        try:
            answer = await self._client.post(f"{self._url}/api/v1/query_range", data=question)
            answer.raise_for_status()
            series = answer.json()["data"]["result"]
            found: dict[float, list[Sample]] = {
                start + step * n: [] for n in range(int((end - start) // step) + 1)
            }
            for each in series:
                _sort_in(found, each)
        except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
            what = str(error) or type(error).__name__
            raise SourceAwayError(f"Prometheus at {self._url} can't be asked: {what}") from error
        return found


def _sort_in(found: dict[float, list[Sample]], series: Mapping[str, Any]) -> None:
    labels = {str(name): str(value) for name, value in series["metric"].items()}
    for moment, value in series["values"]:
        found.setdefault(float(moment), []).append((labels, float(value)))


def moment_of(text: str) -> float:
    """Return a moment of ISO 8601 in seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()
