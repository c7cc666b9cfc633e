"""What the load test makes of an answer: stored, not stored, not known, or wrong."""

import uuid

import pytest

from loadtest.answers import Acknowledged, Refused, Unknown, Wrong, judge

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
JSON = {"content-type": "application/json", "x-request-id": "r1"}
PROBLEM = {"content-type": "application/problem+json", "x-request-id": "r1"}
STORED = f'{{"id":"{ID}","arm":"fastapi"}}'.encode()
ARMS = {"fastapi", "grpc"}


def test_a_201_with_id_and_arm_is_acknowledged() -> None:
    assert judge(201, JSON, STORED, arms=ARMS) == Acknowledged(
        uuid.UUID(ID), "fastapi", repeated=False
    )


def test_a_200_is_a_repeat() -> None:
    answer = judge(200, JSON, STORED, arms=ARMS)
    assert isinstance(answer, Acknowledged)
    assert answer.repeated


@pytest.mark.parametrize(
    "headers", [PROBLEM, {"content-type": "text/plain"}], ids=["arm", "gateway"]
)
def test_a_503_with_retry_after_promises_that_nothing_was_stored(headers: dict[str, str]) -> None:
    answer = judge(503, headers | {"retry-after": "2"}, b"{}", arms=ARMS)
    assert isinstance(answer, Refused)
    assert answer.wait == 2


def test_a_retry_after_may_be_a_date() -> None:
    past = PROBLEM | {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}
    answer = judge(503, past, b"", arms=ARMS)
    assert isinstance(answer, Refused)
    assert answer.wait == 0


def test_a_503_with_a_senseless_retry_after_is_wrong() -> None:
    assert isinstance(judge(503, PROBLEM | {"retry-after": "soon"}, b"", arms=ARMS), Wrong)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_what_the_gateway_makes_up_itself_leaves_the_outcome_unknown(status: int) -> None:
    headers = {"content-type": "text/plain", "x-request-id": "r1"}
    answer = judge(status, headers, b"upstream connect error", arms=ARMS)
    assert isinstance(answer, Unknown)


@pytest.mark.parametrize("status", [204, 302, 400, 404, 409, 413, 422, 500])
def test_any_other_status_is_wrong(status: int) -> None:
    assert isinstance(judge(status, JSON, STORED, arms=ARMS), Wrong)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"id":"1","arm":"grpc"}',
        b'{"arm":"grpc"}',
        f'{{"id":"{ID}"}}'.encode(),
        f'{{"id":"{ID}","arm":"other"}}'.encode(),
        f'{{"id":"{{{ID}}}","arm":"grpc"}}'.encode(),
    ],
)
def test_a_201_with_a_bad_body_is_wrong(body: bytes) -> None:
    assert isinstance(judge(201, JSON, body, arms=ARMS), Wrong)


@pytest.mark.parametrize("name", ["content-type", "x-request-id"])
def test_a_201_without_its_headers_is_wrong(name: str) -> None:
    headers = {key: value for key, value in JSON.items() if key != name}
    assert isinstance(judge(201, headers, STORED, arms=ARMS), Wrong)


def test_an_arm_is_taken_by_its_form_while_the_arms_are_not_known() -> None:
    third = f'{{"id":"{ID}","arm":"third"}}'.encode()
    assert isinstance(judge(201, JSON, third, arms=set()), Acknowledged)
    shouting = f'{{"id":"{ID}","arm":"Third!"}}'.encode()
    assert isinstance(judge(201, JSON, shouting, arms=set()), Wrong)
