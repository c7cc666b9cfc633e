"""Requests without a trace context: chance decides, for each by itself, whether they are traced."""

import re
import secrets
import socket
from collections.abc import Callable, Iterator
from http.client import HTTPResponse
from pathlib import Path

import pytest

from tests import plain_http
from tests.arms import Arms, encoded
from tests.collector import Collector

Started = Callable[[str], Arms]
"""Starts ingest with a share of the requests traced."""


@pytest.fixture
def started(
    tmp_path: Path, mysql_url: str, redis_url: str, collector: Collector
) -> Iterator[Started]:
    made: list[Arms] = []

    def start(ratio: str) -> Arms:
        settings = {"MESHSPLIT_OTLP_ENDPOINT": collector.url, "MESHSPLIT_TRACE_RATIO": ratio}
        made.append(Arms(tmp_path, mysql_url, redis_url, **settings))
        made[-1].ingest.start()
        return made[-1]

    yield start
    for arms in made:
        arms.kill()


def in_one_piece(method: str, body: bytes) -> bytes:
    head = f"{method} / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def traces_told(port: int, request: bytes, *, times: int) -> set[str]:
    """Send a request many times, and give the traces that are told."""
    told = set()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for _ in range(times):
            connection.sendall(request)
            answer = HTTPResponse(connection)
            answer.begin()
            answer.read()
            told.add(answer.headers.get("x-trace-id"))
    return {each for each in told if each is not None}


def test_a_share_of_the_requests_without_a_context_is_traced(
    started: Started, collector: Collector
) -> None:
    ingest = started("0.333").ingest
    for method, body in (("GET", b""), ("POST", encoded()), ("POST", b"{}")):
        told = traces_told(ingest.port, in_one_piece(method, body), times=300)
        assert 60 < len(told) < 140, "a third, by five standard deviations"
        collector.wait_for(
            lambda seen, told=told: told <= {each.trace_id for each in seen}  # type: ignore[misc]  # of a default
        )
    unsampled = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
    headers = {"content-type": "application/json", "traceparent": unsampled}
    answer = plain_http.post(ingest.url, content=encoded(), headers=headers, timeout=20)
    assert answer.status_code == 201


def test_a_request_right_behind_another_begins_a_trace_of_its_own(started: Started) -> None:
    port = started("1").ingest.port
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(in_one_piece("POST", encoded()) * 3)
        answers = b""
        while len(told := re.findall(rb"x-trace-id: ([0-9a-f]{32})", answers)) < 3:
            piece = connection.recv(65_536)
            assert piece, answers
            answers += piece
    assert len(set(told)) == 3
