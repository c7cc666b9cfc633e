"""Whatever is sent, both arms answer alike: status, headers that matter, problem, fields."""

import json
import math
import socket
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import plain_http
from tests.arms import GOOD, Arms, encoded

JSON = {"content-type": "application/json"}


def digest(answer: httpx.Response) -> dict[str, Any]:
    """What of an answer must not depend on the arm."""
    body = answer.json() if answer.content else {}
    for own in ("id", "arm", "instance", "service"):
        body.pop(own, None)
    headers = ("content-type", "allow", "retry-after", "connection")
    return {"status": answer.status_code, "body": body} | {
        name: answer.headers.get(name) for name in headers
    }


def ask_both(arms: Arms, method: str, path: str = "/", **request: Any) -> dict[str, Any]:
    """Send a request to both arms, and give what they both answered."""
    digests = {}
    for arm, url in arms.urls.items():
        answer = plain_http.request(method, url + path, timeout=20, **request)
        assert answer.headers["x-request-id"]
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == answer.status_code
            assert answer.json()["instance"] == answer.headers["x-request-id"]
        digests[arm] = digest(answer)
    assert digests["fastapi"] == digests["grpc"]
    return digests["fastapi"]


@pytest.mark.parametrize(
    ("body", "status", "fields"),
    [
        (encoded(), 201, None),
        (encoded(nombre="Ñandú 😀 名"), 201, None),
        (encoded(nota=0, year=2200), 201, None),
        (b'{"nota":"x",' + encoded()[1:], 201, None),
        (b"", 400, None),
        (b"not json", 400, None),
        (b"\xff\xfe", 400, None),
        (encoded(nota=math.nan), 400, None),
        (encoded().decode().encode("utf-16"), 400, None),
        (b"[" * 60_000, 400, None),
        (encoded()[:-1] + b',"x":' + b"[" * 30_000 + b"]" * 30_000 + b"}", None, None),
        (b"[]", 422, {""}),
        (b"{}", 422, set(GOOD)),
        (encoded(nota=101), 422, {"nota"}),
        (encoded(nota=13.5), 422, {"nota"}),
        (encoded(nota=13.0), 422, {"nota"}),
        (encoded(nota=-1).replace(b"-1", b"1e400"), 422, {"nota"}),
        (encoded(nota=-1).replace(b"-1", b"9" * 10_000), 422, {"nota"}),
        (encoded(nota=True, year="2002"), 422, {"nota", "year"}),
        (encoded(carne=None), 422, {"carne"}),
        (encoded(carne=" a"), 422, {"carne"}),
        (encoded(carne="\ud800"), 422, {"carne"}),
        (encoded(curso="x" * 256), 422, {"curso"}),
        (encoded(apodo="x"), 422, {"apodo"}),
    ],
)
def test_a_body(arms: Arms, body: bytes, status: int | None, fields: set[str] | None) -> None:
    answer = ask_both(arms, "POST", content=body, headers=JSON)
    assert answer["status"] in ({400, 422} if status is None else {status})
    if fields is not None:
        assert {error["field"] for error in answer["body"]["errors"]} == fields


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json; charset=utf-8", 201),
        ("APPLICATION/JSON", 201),
        ("application/grade+json", 201),
        (None, 415),
        ("", 415),
        ("text/plain", 415),
        ("application/jsonp", 415),
        ("application/x-www-form-urlencoded", 415),
    ],
)
def test_a_content_type(arms: Arms, content_type: str | None, status: int) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    assert ask_both(arms, "POST", content=encoded(), headers=headers)["status"] == status


def test_a_compressed_body_is_refused(arms: Arms) -> None:
    headers = JSON | {"content-encoding": "gzip"}
    assert ask_both(arms, "POST", content=encoded(), headers=headers)["status"] == 415


@pytest.mark.parametrize("size", [65_537, 10_000_000])
def test_a_body_over_the_limit_gets_413_however_it_is_sent(arms: Arms, size: int) -> None:
    body = b" " * size
    assert ask_both(arms, "POST", content=body, headers=JSON)["status"] == 413
    for url in arms.urls.values():
        chunks = (body[at : at + 60_000] for at in range(0, size, 60_000))
        assert plain_http.post(url, content=chunks, headers=JSON, timeout=20).status_code == 413


def test_a_body_at_the_limit_is_read(arms: Arms) -> None:
    body = encoded().ljust(65_536)
    assert ask_both(arms, "POST", content=body, headers=JSON)["status"] == 201


def test_a_slow_body_gets_408(arms: Arms) -> None:
    for url in (arms.ingest, arms.bridge):
        with socket.create_connection(("127.0.0.1", url.port), timeout=10) as connection:
            connection.sendall(
                b"POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
                b"content-length: 100\r\n\r\n{"
            )
            assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_another_method_gets_405_and_is_told_which_there_are(arms: Arms, method: str) -> None:
    answer = ask_both(arms, method)
    assert (answer["status"], answer["allow"]) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize("path", ["/nothing", "//", "/livez/", "/%2e%2e/x", "/records"])
def test_an_unknown_path_gets_404(arms: Arms, path: str) -> None:
    assert ask_both(arms, "POST", path, content=encoded(), headers=JSON)["status"] == 404
    assert ask_both(arms, "GET", path)["status"] == 404


def test_get_says_which_arm_it_is(arms: Arms) -> None:
    for arm, url in arms.urls.items():
        assert plain_http.get(url).json()["arm"] == arm


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256, "a\tb"])
def test_a_key_of_other_characters_or_too_long_is_refused(arms: Arms, key: str) -> None:
    headers = [("content-type", "application/json"), ("idempotency-key", key.encode())]
    answer = ask_both(arms, "POST", content=encoded(), headers=headers)
    assert (answer["status"], answer["body"]["type"]) == (400, "invalid-idempotency-key")


def test_two_keys_are_refused(arms: Arms) -> None:
    headers = [*JSON.items(), ("idempotency-key", "a"), ("idempotency-key", "a")]
    assert ask_both(arms, "POST", content=encoded(), headers=headers)["status"] == 400


@pytest.mark.parametrize("authority", ["records-shadow", "records-shadow:8080", "a:80-shadow"])
def test_a_mirrored_request_is_refused(arms: Arms, authority: str) -> None:
    answer = ask_both(arms, "POST", content=encoded(), headers=JSON | {"host": authority})
    assert answer["status"] == 421


@pytest.mark.parametrize("sent", [b"abc-123", b"a" * 129, b"a b", "é".encode(), b""])
def test_a_request_id_comes_back_if_it_is_a_sane_one(arms: Arms, sent: bytes) -> None:
    for url in arms.urls.values():
        headers = [(b"content-type", b"application/json"), (b"x-request-id", sent)]
        answer = plain_http.post(url, content=encoded(), headers=headers)
        assert (answer.headers["x-request-id"].encode() == sent) == (sent == b"abc-123")


def test_a_repeat_on_the_other_arm_answers_with_the_first_id_and_arm(arms: Arms) -> None:
    for first, second in (("fastapi", "grpc"), ("grpc", "fastapi")):
        headers = JSON | {"idempotency-key": str(uuid4())}
        one = plain_http.post(arms.urls[first], content=encoded(), headers=headers)
        other = plain_http.post(
            arms.urls[second], content=json.dumps(GOOD, indent=3).encode(), headers=headers
        )
        assert (one.status_code, other.status_code) == (201, 200)
        assert UUID(one.json()["id"]).version == 7
        assert one.json() == other.json()
        assert one.json()["arm"] == first
        conflict = ask_both(arms, "POST", content=encoded(nota=14), headers=headers)
        assert (conflict["status"], conflict["body"]["type"]) == (409, "idempotency-key-conflict")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.fixed_dictionaries({field: VALUES | st.just(good) for field, good in GOOD.items()}).map(
        lambda record: json.dumps(record).encode()
    )
    | st.binary(max_size=100)
)
def test_any_body(arms: Arms, body: bytes) -> None:
    assert ask_both(arms, "POST", content=body, headers=JSON)["status"] < 500


@pytest.mark.parametrize("arm", ["fastapi", "grpc"])
def test_the_openapi_document_has_the_records_route(arms: Arms, arm: str) -> None:
    document = plain_http.get(arms.urls[arm] + "/openapi.json").json()
    post = document["paths"]["/"]["post"]
    assert {"201", "200", "400", "409", "413", "415", "422", "503", "504"} <= set(post["responses"])
    record = document["components"]["schemas"]["Record"]
    assert set(record["properties"]) == set(GOOD)
    assert plain_http.get(arms.urls[arm] + "/docs").status_code == 200
