"""``meshsplit trace`` and ``explain`` on the real system: of a request that went well, and one that
didn't.
"""

import json
import secrets
import socket
import time
from functools import partial
from urllib.parse import urlsplit

import httpx
import pytest
from typer.testing import CliRunner

from meshsplit.cli import app
from tests import plain_http
from tests.arms import GOOD
from tests.gateway import wait_for
from tests.stack import LiveStack


@pytest.fixture(autouse=True)
def of_this_stack(stack: LiveStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command find the stack under test."""
    monkeypatch.setenv("MESHSPLIT_STATE_DIR", str(stack.state))
    monkeypatch.setenv("COLUMNS", "120")


def said(*words: str) -> str:
    """What the command says, in one line."""
    return " ".join(CliRunner().invoke(app, [*words]).output.split())


def post(stack: LiveStack, **headers: str) -> httpx.Response:
    return plain_http.post(stack.gateway, json=GOOD, headers=headers, trust_env=False, timeout=30)


def is_told(asked: str, *parts: str, by: str = "explain") -> bool:
    """Whether a story is whole by now: its parts come a second or two after their request."""
    text = said(by, asked)
    return all(part in text for part in parts)


@pytest.mark.parametrize("arm", ["fastapi", "grpc"])
def test_a_record_s_story_leads_from_its_rule_to_its_commit_by_any_of_its_ids(
    stack: LiveStack, arm: str
) -> None:
    answers = (post(stack, **{"x-client-trace-id": "1"}) for _ in range(60))
    answer = next(found for found in answers if found.json()["arm"] == arm)
    ids = [answer.headers["x-request-id"], answer.headers["x-trace-id"], answer.json()["id"]]
    story = (
        f"POST / → 201 · {arm} · stored",
        "rule split, of VirtualService records, mesh/routes/records.yaml",
        "waited",
        "the COMMIT alone took",
    )
    for asked in ids:
        wait_for(partial(is_told, asked, *story), 20)
    tree = ("gateway POST /", "store batch of", "MariaDB: COMMIT")
    wait_for(lambda: is_told(ids[1], *tree, by="trace"), 20)


def test_an_arm_that_is_away_is_told_in_words(stack: LiveStack) -> None:
    with stack.without("ingest"):
        failed = next(
            answer for answer in (post(stack) for _ in range(60)) if answer.status_code == 503
        )
        request = failed.headers["x-request-id"]
        story = ("UF: no connection to the destination", "nothing listens at its address")
        wait_for(lambda: is_told(request, *story, "to ingest:8000", "answer 503"))
    wait_for(lambda: all(post(stack).is_success for _ in range(10)), 30)


def test_a_connect_which_has_no_path_is_told_too(stack: LiveStack) -> None:
    where = urlsplit(stack.gateway)
    log = stack.state / "envoy" / "access.log"
    with socket.create_connection((where.hostname, where.port), 10) as client:
        client.sendall(b"CONNECT nowhere:80 HTTP/1.1\r\nhost: nowhere:80\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 404")
    wait_for(lambda: b'"method":"CONNECT"' in log.read_bytes())
    lines = [json.loads(line) for line in log.read_text().splitlines() if "CONNECT" in line]
    assert "CONNECT without a path → 404" in said("explain", lines[-1]["request_id"])


def test_a_request_that_was_not_traced_is_told_without_its_arm_s_side(stack: LiveStack) -> None:
    unsampled = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
    answer = post(stack, traceparent=unsampled)
    wait_for(lambda: is_told(answer.headers["x-request-id"], "answer 201"))
    time.sleep(2.5)  # else its spans would have come
    assert "It wasn't traced" in said("explain", answer.headers["x-trace-id"])
    assert answer.headers["x-request-id"] in said("explain", answer.json()["id"])
