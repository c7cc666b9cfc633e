"""A course's name survives its way through a path, whatever its characters are."""

import json
from urllib.parse import quote, unquote

import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Message, Scope

from services.reporter.escaped_paths import EscapedPaths, unescape_segment

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=255)


def echo() -> EscapedPaths:
    app = FastAPI(redirect_slashes=False)

    @app.get("/api/v1/courses/top")
    async def top() -> dict[str, str]:
        return {"route": "top"}

    @app.get("/api/v1/courses/{course}/results")
    async def results(course: str) -> dict[str, str]:
        return {"course": unescape_segment(course)}

    return EscapedPaths(app, "/api/v1/")


ECHO = echo()


async def get(raw_path: bytes) -> tuple[int, dict[str, str]]:
    """Ask for a path as it is: no client between that tidies it."""
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(raw_path.decode("latin-1")),
        "raw_path": raw_path,
        "query_string": b"",
        "headers": [],
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await ECHO(scope, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


@settings(deadline=None)  # what a busy machine does to one example says nothing
@given(name=NAMES)
async def test_any_course_name_comes_through_one_escaped_segment(name: str) -> None:
    raw = b"/api/v1/courses/" + quote(name, safe="").encode() + b"/results"

    assert await get(raw) == (200, {"course": name})


@pytest.mark.parametrize(
    ("segment", "course"),
    [
        (b"top", "top"),
        (b"a%2Fresults", "a/results"),
        (b"a%2fb%2f", "a/b/"),
        (b"%2E%2E", ".."),
        (b"..", ".."),
        (b"100%25", "100%"),
        (b"100%", "100%"),
        (b"%2525", "%25"),
        (b"a%3Fb%23c", "a?b#c"),
        (b"a+b", "a+b"),
        (b"results", "results"),
        ("Matemática".encode(), "Matemática"),
    ],
)
async def test_a_segment_is_unescaped_exactly_once(segment: bytes, course: str) -> None:
    assert await get(b"/api/v1/courses/" + segment + b"/results") == (200, {"course": course})


@pytest.mark.parametrize(
    "path", [b"a%2Fresults", b"a/b/results", b"/results", b"a/results/", b"a%2Fb", b"top/"]
)
async def test_a_path_of_another_shape_is_no_course(path: bytes) -> None:
    status, _ = await get(b"/api/v1/courses/" + path)

    assert status == 404


async def test_the_route_top_and_the_course_top_are_two_things() -> None:
    assert await get(b"/api/v1/courses/top") == (200, {"route": "top"})


def test_escapes_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(UnicodeDecodeError):
        unescape_segment("%FF")
