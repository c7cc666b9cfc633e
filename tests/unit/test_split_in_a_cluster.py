"""The split's sources say the same, whatever is read; and what a pod's source asks."""

import asyncio
import json
import queue
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from meshsplit.split.files import FileSource
from meshsplit.split.kubectl import HISTORY, Kubectl
from meshsplit.split.kubernetes import ApiServer, KubernetesSource
from meshsplit.split.watcher import SplitSource
from meshsplit.split.weights import SplitError, routes_of
from meshsplit.translator.documents import read_all
from tests.answering import Answers, Server

MESH = Path(__file__).resolve().parents[2] / "mesh"
PATH = "/apis/networking.istio.io/v1/namespaces/meshsplit/virtualservices/records"


def virtual_service() -> dict[str, Any]:
    found = [resource.content for resource in read_all(MESH)]
    made: dict[str, Any] = next(
        content
        for content in found
        if content["kind"] == "VirtualService" and content["metadata"]["name"] == "records"
    )
    return json.loads(json.dumps(made))  # type: ignore[no-any-return]  # what went in comes out


class Api(Server):
    """An API server that has one object, for whoever brings the token."""

    def __init__(self) -> None:
        super().__init__(_Answers)
        self.token = "first"  # noqa: S105 - a test's
        self.resource = virtual_service()
        self.asked: list[str] = []
        self.events: queue.Queue[dict[str, Any] | None] = queue.Queue()
        """What a watch is told; None ends it."""


class _Answers(Answers):
    server: Api

    def do_GET(self) -> None:  # noqa: N802 - the library's name
        self.server.asked.append(self.path)
        allowed = self.headers["authorization"] == f"Bearer {self.server.token}"
        if "watch=" in self.path:
            self.send_response(200 if allowed else 401)
            self.end_headers()
            while allowed and (event := self.server.events.get()) is not None:
                self.wfile.write(json.dumps(event).encode() + b"\n")
            return
        body = json.dumps(self.server.resource if allowed else {}).encode()
        self.answer(body, 200 if allowed else 401)


@pytest.fixture
def api() -> Iterator[Api]:
    with Api().serving() as server:
        yield server
        server.events.put(None)


@pytest.fixture
def account(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("first\n")
    return tmp_path


@pytest.fixture
def in_cluster(api: Api, account: Path) -> KubernetesSource:
    server = ApiServer(api.url, account)
    return KubernetesSource(server, "meshsplit", "records")


@pytest.fixture(params=["files", "cluster"])
def source(request: pytest.FixtureRequest) -> SplitSource:
    if request.param == "files":
        return FileSource(MESH)
    found: KubernetesSource = request.getfixturevalue("in_cluster")
    return found


async def test_each_source_says_the_same_of_the_same_split(source: SplitSource) -> None:
    split = await source.asked()
    assert split.service == "records"
    assert split.rule == "split"
    assert split.weights == {"fastapi": 50, "grpc": 50}
    assert [arm.host for arm in split.arms] == ["ingest", "bridge"]
    assert source.refused() is None
    assert source.name
    await source.close()


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not done():  # noqa: ASYNC110 - what it waits for happens on a thread
            await asyncio.sleep(0.01)


async def weighing(source: KubernetesSource, fastapi: int) -> None:
    """Wait until a source says so."""
    async with asyncio.timeout(5):
        while (await source.asked()).weights["fastapi"] != fastapi:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


def with_weights(fastapi: int) -> dict[str, Any]:
    resource = virtual_service()
    rule = next(rule for rule in resource["spec"]["http"] if rule["name"] == "split")
    rule["route"][0]["weight"], rule["route"][1]["weight"] = fastapi, 100 - fastapi
    return resource


async def test_a_pod_reads_the_one_object_by_name_and_watches_it(
    api: Api, in_cluster: KubernetesSource
) -> None:
    api.resource["metadata"]["resourceVersion"] = "7"
    for _ in range(3):
        await in_cluster.asked()
    await until(lambda: len(api.asked) == 2)
    api.events.put(None)
    await in_cluster.close()
    assert api.asked[0] == PATH
    path, _, question = api.asked[1].partition("?")
    assert path == PATH.rpartition("/")[0]
    assert parse_qs(question) == {
        "watch": ["1"],
        "fieldSelector": ["metadata.name=records"],
        "resourceVersion": ["7"],
        "timeoutSeconds": ["60"],
    }


async def test_a_change_is_told_and_needs_no_question(
    api: Api, in_cluster: KubernetesSource
) -> None:
    await in_cluster.asked()
    api.events.put({"type": "MODIFIED", "object": with_weights(90)})
    await weighing(in_cluster, 90)
    assert api.asked.count(PATH) == 1
    api.events.put(None)
    await in_cluster.close()


@pytest.mark.parametrize(
    "end",
    [
        None,
        {"type": "ERROR", "object": {"code": 410}},
        {"type": "DELETED", "object": {}},
        {"type": "BOOKMARK"},
        {"nonsense": 1},
    ],
)
async def test_a_watch_that_ended_is_followed_by_another_look(
    api: Api, in_cluster: KubernetesSource, end: dict[str, Any] | None
) -> None:
    await in_cluster.asked()
    api.resource = with_weights(30)
    api.events.put(end)
    await weighing(in_cluster, 30)
    api.events.put(None)
    await in_cluster.close()


async def test_an_object_that_lost_its_split_says_so(
    api: Api, in_cluster: KubernetesSource
) -> None:
    await in_cluster.asked()
    api.events.put({"type": "MODIFIED", "object": {"kind": "VirtualService"}})
    with pytest.raises(SplitError):
        await weighing(in_cluster, 1)
    api.events.put(None)
    await in_cluster.close()


async def test_a_token_that_was_renewed_is_used(
    api: Api, account: Path, in_cluster: KubernetesSource
) -> None:
    api.token = "second"  # noqa: S105 - a test's
    with pytest.raises(SplitError, match="answers 401"):
        await in_cluster.asked()
    (account / "token").write_text("second")
    assert (await in_cluster.asked()).weights == {"fastapi": 50, "grpc": 50}
    api.events.put(None)
    await in_cluster.close()


async def test_an_api_server_that_is_away_is_named(account: Path) -> None:
    source = KubernetesSource(ApiServer("http://127.0.0.1:9", account), "meshsplit", "records")
    with pytest.raises(SplitError, match="virtualservice/records in meshsplit"):
        await source.asked()
    await source.close()


def test_a_process_outside_of_a_cluster_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(SplitError, match="no cluster"):
        ApiServer.of_this_cluster()


def test_weights_are_patched_where_they_stand() -> None:
    assert routes_of(virtual_service(), {"grpc": 30, "fastapi": 70}, "it") == [
        ("/spec/http/1/route/0/weight", 70, True),
        ("/spec/http/1/route/1/weight", 30, True),
    ]


@pytest.mark.parametrize("weights", [{"fastapi": 100}, {"fastapi": 60, "grpc": 60}, {"x": 100}])
def test_weights_that_do_not_fit_are_refused(weights: dict[str, int]) -> None:
    with pytest.raises(SplitError):
        routes_of(virtual_service(), weights, "it")


def test_a_history_that_someone_broke_is_an_empty_one() -> None:
    resource = virtual_service()
    resource["metadata"]["annotations"][HISTORY] = '[{"who": 1}]'
    assert Kubectl("any").changes(resource) == []
