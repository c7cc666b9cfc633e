"""Send one record until what became of it is known, within a budget."""

from __future__ import annotations

import math
import random
import socket
import time
from typing import TYPE_CHECKING, Any

import gevent

from loadtest.answers import Acknowledged, Answer, Refused, Unknown, Wrong, judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.feed import Item
    from loadtest.run import Run

LONGEST_WAIT_S = 60.0
"""A Retry-After beyond this is not waited for: the record counts as refused."""
BACKOFF_LIMIT_S = 5.0
STOP_GRACE_S = 10.0
"""How long a stopped run goes on trying to bring a record in hand to its end."""
_NEVER_CONNECTED = (ConnectionRefusedError, socket.gaierror)


class Sender:
    """Posts one record with one user's client.

    A refused record is tried again after the time that the answer asks for. One of unknown
    outcome is tried again only with a key, since without one it might be stored twice.
    """

    def __init__(self, client: Any, run: Run, *, stopping: Callable[[], bool]) -> None:
        self._client = client
        self._run = run
        self._stopping = stopping
        self._last_try = math.inf

    def send(self, item: Item) -> None:
        """Send one record and count what became of it; nothing is raised for a bad answer."""
        tally = self._run.tally
        tally.attempted += 1
        in_doubt = True  # until the first answer, and for good if this is killed before it
        doubted = False
        settled = False
        try:
            for attempt in range(self._run.options.attempts):
                in_doubt = True
                answer = self._post(item, may_repeat=doubted or bool(self._run.options.run_name))
                in_doubt = False
                if isinstance(answer, Acknowledged):
                    tally.acknowledge(item.row, answer)
                    settled = True
                    return
                if isinstance(answer, Wrong):
                    tally.wrong_answer(item.row, answer.reason)
                    settled = True
                    return
                doubted |= isinstance(answer, Unknown)
                if not self._pause(answer, attempt):
                    return
        finally:
            # a 503 speaks for its own try only: an earlier one may have been stored
            if not settled:
                (tally.lose_sight if in_doubt or doubted else tally.refuse)(item.row)

    def _pause(self, answer: Refused | Unknown, attempt: int) -> bool:
        """Wait as long as the answer asks for; False when there shall be no other try."""
        if isinstance(answer, Refused):
            # so that all who were refused together don't come back together
            wait = answer.wait * (1 + random.random() / 4)
        elif self._run.options.keys:
            wait = min(BACKOFF_LIMIT_S, 0.1 * 2**attempt) * (0.5 + random.random())
        else:
            return False
        if wait > LONGEST_WAIT_S or attempt + 1 >= self._run.options.attempts:
            return False
        until = time.monotonic() + wait
        while (now := time.monotonic()) < until:
            if self._stopping():
                self._last_try = min(self._last_try, now + STOP_GRACE_S)
            if now > self._last_try:
                return False
            gevent.sleep(min(until - now, 0.25))
        return time.monotonic() <= self._last_try

    def _post(self, item: Item, *, may_repeat: bool) -> Answer:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._run.options.keys:
            headers["Idempotency-Key"] = item.key
        self._run.tally.requests += 1
        with self._client.request(
            "POST",
            "/",
            data=item.body,
            headers=headers,
            catch_response=True,
            allow_redirects=False,
        ) as response:
            answer = self._answer(response, may_repeat=may_repeat)
            if isinstance(answer, Acknowledged):
                response.success()
            else:
                # the reason may hold ids, and locust keeps a row for each different message
                kind = type(answer).__name__.lower()
                response.failure(f"{kind}: {_kind_of(response)}")
        return answer

    def _answer(self, response: Any, *, may_repeat: bool) -> Answer:
        error = response.request_meta["exception"]
        if error is not None or not response.status_code:
            error = error or getattr(response, "error", None)
            if isinstance(error, _NEVER_CONNECTED):
                return Refused(1.0, f"no connection: {error}")
            return Unknown(f"{type(error).__name__}: {error}")
        headers = {name.lower(): value for name, value in response.headers.items()}
        answer = judge(
            response.status_code, headers, response.content or b"", arms=self._run.arms()
        )
        if isinstance(answer, Wrong) and answer.reason.startswith("arm "):
            # an arm may have been added since the arms were asked for
            answer = judge(
                response.status_code, headers, response.content or b"", arms=self._run.arms("?")
            )
        if isinstance(answer, Acknowledged) and answer.repeated and not may_repeat:
            return Wrong("200, as for a repeat, but it was sent for the first time")
        return answer


def _kind_of(response: Any) -> str:
    if response.status_code:
        return f"status {response.status_code}"
    return type(response.request_meta["exception"] or getattr(response, "error", None)).__name__
