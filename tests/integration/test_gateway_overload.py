"""What is more than an arm may have under way is refused at once, and the client may go on."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import islice

import httpx
import pytest
import pytest_asyncio

from tests.gateway import Gateway, eventually, running
from tests.mesh_folder import use

pytestmark = pytest.mark.asyncio(loop_scope="module")

ARMS = ("ingest", "bridge")
# One an arm, and one more each: Envoy's two workers share a limit, and both may find its last place
# free (circuit breaking is "eventually consistent").
AT_MOST = 2 * len(ARMS)
BODY = b"a record"


@dataclass
class Answer:
    """What a client was told."""

    status: int
    headers: dict[str, str]


class Client:
    """A connection that stays open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def post(self, head: bytes = b"") -> Answer:
        """Send one request in one piece, read its answer."""
        length = b"content-length: %d\r\n" % len(BODY)
        self._writer.write(b"POST / HTTP/1.1\r\nhost: t\r\n" + head + length + b"\r\n" + BODY)
        async with asyncio.timeout(10):
            first, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines if line)
            await self._reader.readexactly(int(headers["content-length"]))
        return Answer(int(first.split(" ")[1]), headers)

    async def close(self) -> None:
        self._writer.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A gateway whose arms may have one request under way each."""
    async with running(tmp_path_factory.mktemp("overload")) as started:
        for arm in ARMS:
            rule = started.mesh / "destinations" / f"{arm}.yaml"
            limited, number = re.subn(r"(http2MaxRequests): \d+", r"\1: 1", rule.read_text())
            assert number == 1
            rule.write_text(limited)
        use(started.mesh, "components/sticky", "components/pinning")
        routes = started.folder / "envoy" / "xds" / "rds.json"
        await eventually(lambda: "stays-with-grpc" in routes.read_text())
        await eventually(lambda: all(limits(started, arm) == {"1"} for arm in ARMS))
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def clients(gateway: Gateway) -> AsyncIterator[list[Client]]:
    made = [Client(*await asyncio.open_connection("127.0.0.1", gateway.port)) for _ in range(8)]
    yield made
    for client in made:
        await client.close()


def limits(gateway: Gateway, arm: str) -> set[str]:
    """Return the most requests that Envoy lets an arm's clusters have under way."""
    told = httpx.get(f"{gateway.admin}/clusters", trust_env=False).text
    at_most = rf"^outbound\|8000\|\w*\|{arm}::default_priority::max_requests::(\d+)$"
    return set(re.findall(at_most, told, re.MULTILINE))


async def flood(gateway: Gateway, clients: list[Client], head: bytes = b"") -> list[Answer]:
    """Have every client post while the arms answer nobody; return what was refused meanwhile."""
    for arm in ARMS:
        gateway.upstreams[arm].go.clear()
    posts = [asyncio.create_task(client.post(head)) for client in clients]
    try:
        async with asyncio.timeout(10):
            first = islice(asyncio.as_completed(posts), len(posts) - AT_MOST)
            refused = [await each for each in first]
    finally:
        for arm in ARMS:
            gateway.upstreams[arm].go.set()
        answers = await asyncio.gather(*posts)
    assert any(answer.status == 200 for answer in answers)
    return refused


@pytest.mark.parametrize(
    "head",
    [b"", b"x-arm: grpc\r\n", b"cookie: meshsplit-arm=fastapi\r\n"],
    ids=["the weights decide", "a header does", "a cookie does"],
)
async def test_what_is_too_much_is_refused_at_once_and_told_when_to_come_again(
    gateway: Gateway, clients: list[Client], head: bytes
) -> None:
    for _ in range(3):  # the gateway has connections to the arm left over from the second time on
        for answer in await flood(gateway, clients, head):
            assert (answer.status, answer.headers["retry-after"]) == (503, "1")
            assert "connection" not in answer.headers


async def test_a_client_that_was_refused_goes_on_over_its_connection(
    gateway: Gateway, clients: list[Client]
) -> None:
    assert await flood(gateway, clients)
    assert await flood(gateway, clients)
    for client in clients:
        answer = await client.post()
        assert answer.status == 200
        assert "retry-after" not in answer.headers


async def test_what_an_arm_says_itself_is_left_as_it_is(
    gateway: Gateway, clients: list[Client]
) -> None:
    usual = gateway.upstreams["ingest"].head
    try:
        for arm in ARMS:
            gateway.upstreams[arm].head = "HTTP/1.1 503 Not Now\r\nretry-after: 7\r\n"
        answer = await clients[0].post()
    finally:
        for arm in ARMS:
            gateway.upstreams[arm].head = usual
    assert (answer.status, answer.headers["retry-after"]) == (503, "7")


async def test_a_refusal_is_told_by_its_flag_in_the_access_log(
    gateway: Gateway, clients: list[Client]
) -> None:
    (refused, *_) = await flood(gateway, clients)
    number = refused.headers["x-request-id"]
    log = gateway.folder / "envoy" / "access.log"
    await eventually(lambda: number in log.read_text(), 5)
    line = next(line for line in log.read_text().splitlines() if number in line)
    assert (json.loads(line)["status"], json.loads(line)["response_flags"]) == (503, "UO")
