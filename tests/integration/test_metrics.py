"""What each real service serves at /metrics: well named, and bounded whatever a client sends."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
from typing import TYPE_CHECKING

import grpc
import httpx
import pytest
from websockets.sync.client import connect

from services.core.domain.ids import IdMaker
from services.core.telemetry.calls import SERIES_MAX
from services.stubs.grades.v1 import grades_pb2 as pb
from services.stubs.grades.v1 import grades_pb2_grpc as pb_grpc
from tests import plain_http
from tests.arms import Arms, ServiceProcess, encoded
from tests.gateway import wait_for
from tests.reporter_process import reporter_process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JSON = {"content-type": "application/json"}
SERVICES = ("ingest", "bridge", "recorder", "reporter", "shadow")
HOSTILE_METHODS = ("PROPFIND", "X" * 40, "get", "A_B")
HOSTILE_PATHS = ("/a", "/metrics/a", "/api/v1/a", "/api/v1/courses/a", "/%2e%2e/a", "/a%00")


@pytest.fixture(scope="module")
def urls(
    arms: Arms, mysql_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Each service's own address, by its name."""
    folder: Path = tmp_path_factory.mktemp("shadow")
    shadow = ServiceProcess("shadow", folder, {})
    with reporter_process(mysql_url, redis_url) as reporter, contextlib.ExitStack() as stack:
        stack.callback(shadow.kill)
        shadow.start()
        yield {
            **{service.name: service.url for service in arms.all},
            "reporter": f"http://127.0.0.1:{reporter.port}",
            "shadow": shadow.url,
        }


def metrics(url: str) -> dict[str, float]:
    """Give every sample by its name and labels; asking is counted, so it is done twice."""
    plain_http.get(f"{url}/metrics")
    text = plain_http.get(f"{url}/metrics").raise_for_status().text
    return {
        sample: float(value)
        for sample, _, value in (line.rpartition(" ") for line in text.splitlines())
        if not sample.startswith("#")
    }


def total(url: str, name: str, **labels: str) -> float:
    """Add up the samples of a name that have these labels."""
    wanted = {f'{label}="{value}"' for label, value in labels.items()}
    return sum(
        value
        for sample, value in metrics(url).items()
        if sample.startswith(name + "{") and all(label in sample for label in wanted)
    )


def series(url: str) -> set[str]:
    return set(metrics(url))


async def call(target: str, *, arm: str, method: str = "RecordBatch") -> None:
    """Call the recorder with no items, whatever it says."""
    async with grpc.aio.insecure_channel(target) as channel:
        stub: pb_grpc.RecorderServiceAsyncStub = pb_grpc.RecorderServiceStub(channel)
        ask = (
            stub.RecordBatch
            if method == "RecordBatch"
            else channel.unary_unary(method, pb.RecordBatchRequest.SerializeToString)
        )
        with contextlib.suppress(grpc.aio.AioRpcError):
            await ask(pb.RecordBatchRequest(arm=arm), timeout=5)


@pytest.mark.parametrize("name", SERVICES)
def test_every_name_and_unit_is_as_prometheus_asks(urls: dict[str, str], name: str) -> None:
    if name in {"ingest", "bridge", "shadow"}:
        plain_http.post(urls[name], content=encoded(), headers=JSON)
        plain_http.post(urls[name], content=b"{", headers=JSON)
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=plain_http.get(f"{urls[name]}/metrics").text,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("name", SERVICES)
def test_no_path_and_no_method_of_a_client_makes_a_series(urls: dict[str, str], name: str) -> None:
    url = urls[name]

    def send(salt: str) -> None:
        for method in HOSTILE_METHODS:
            plain_http.request(method, url + "/")
        for path in HOSTILE_PATHS:
            for method in ("GET", "POST", *HOSTILE_METHODS):
                plain_http.request(method, url + path + salt)

    send("1")
    before = series(url)
    for number in range(2, 6):
        send(str(number) * number)
    assert series(url) == before


@pytest.mark.parametrize("name", ["ingest", "bridge"])
@pytest.mark.parametrize(("leaves", "code"), [(False, "408"), (True, "499")])
def test_a_body_that_its_client_does_not_send_is_counted_and_not_timed(
    urls: dict[str, str], *, name: str, leaves: bool, code: str
) -> None:
    counted, timed = "meshsplit_requests_total", "meshsplit_request_seconds_count"
    before = [
        total(urls[name], counted, method="POST", code=code),
        total(urls[name], timed, method="POST"),
    ]
    with socket.create_connection(("127.0.0.1", httpx.URL(urls[name]).port or 0), 10) as client:
        head = "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        client.sendall(f"{head}content-length: 100\r\n\r\n{{".encode())
        if not leaves:
            assert client.recv(4096).startswith(b"HTTP/1.1 408 ")
    wait_for(lambda: total(urls[name], counted, method="POST", code=code) == before[0] + 1)
    assert total(urls[name], timed, method="POST") == before[1]


@pytest.mark.parametrize("name", ["ingest", "bridge"])
def test_no_record_and_no_key_of_a_client_makes_a_series(urls: dict[str, str], name: str) -> None:
    def send(salt: str) -> None:
        course = {"curso": f"Course {salt}", "carne": salt, "semestre": salt}
        for body in (encoded(**course), encoded(**course, nota=101), b"{" + salt.encode()):
            plain_http.post(
                urls[name], content=body, headers={**JSON, "idempotency-key": f"k{ord(salt[0])}"}
            )
        plain_http.post(urls[name], content=encoded(**{salt: salt}), headers=JSON)

    send("a")
    before = series(urls[name])
    for salt in ("b", "c" * 100, "ñ€", '"}'):
        send(salt)
    after = series(urls[name])
    assert after == before
    assert not any("Course" in sample for sample in after)


def test_no_course_of_a_client_makes_a_series(urls: dict[str, str]) -> None:
    def send(course: str) -> None:
        query = {"year": "2020", "semester": course}
        plain_http.get(f"{urls['reporter']}/api/v1/courses/{course}/results", params=query)
        plain_http.get(f"{urls['reporter']}/api/v1/courses", params=query)

    send("a")
    before = series(urls["reporter"])
    for course in ("b", "c%2Fd", "%00", "x" * 200):
        send(course)
    assert series(urls["reporter"]) == before


async def test_no_arm_and_no_method_of_a_grpc_client_makes_series_without_end(
    arms: Arms, urls: dict[str, str]
) -> None:
    new_id = IdMaker().new
    for number in range(SERIES_MAX + 20):
        item = pb.RecordBatchItem(
            id=new_id().bytes,
            student_id="1",
            student_name="Ana",
            course="Math",
            grade=80,
            semester="first",
            year=2020,
        )
        async with grpc.aio.insecure_channel(arms.grpc_target) as channel:
            stub: pb_grpc.RecorderServiceAsyncStub = pb_grpc.RecorderServiceStub(channel)
            await stub.RecordBatch(pb.RecordBatchRequest(arm=f"a{number}", items=[item]))
        await call(arms.grpc_target, arm="x", method=f"/grades.v1.RecorderService/M{number}")
    told = series(urls["recorder"])
    records = [sample for sample in told if sample.startswith("meshsplit_recorder_records_total")]
    assert SERIES_MAX <= len(records) <= SERIES_MAX + 10
    methods = {match[1] for sample in told if (match := re.search(r'method="(/?\w.*?)"', sample))}
    others_asked = {"/grpc.health.v1.Health/Check", "/grades.v1.RecorderService/Settle", "POST"}
    assert methods - others_asked == {"GET", "/grades.v1.RecorderService/RecordBatch", "other"}


async def test_the_recorder_counts_its_calls_by_method_and_status(
    arms: Arms, urls: dict[str, str]
) -> None:
    def counted(code: str) -> float:
        method = "/grades.v1.RecorderService/RecordBatch"
        return total(urls["recorder"], "meshsplit_rpcs_total", method=method, code=code)

    before = counted("OK"), counted("INVALID_ARGUMENT")
    await call(arms.grpc_target, arm="grpc")
    await call(arms.grpc_target, arm="no name")
    await call(arms.grpc_target, arm="no name")
    assert (counted("OK"), counted("INVALID_ARGUMENT")) == (before[0] + 1, before[1] + 2)


async def test_a_call_whose_caller_leaves_is_counted_as_cancelled(
    own_arms: Arms, urls: dict[str, str]
) -> None:
    del urls
    new_id = IdMaker().new
    items = [
        pb.RecordBatchItem(
            id=new_id().bytes,
            student_id=str(number),
            student_name="Ana",
            course="Math",
            grade=80,
            semester="first",
            year=2020,
        )
        for number in range(100)
    ]
    async with grpc.aio.insecure_channel(own_arms.grpc_target) as channel:
        stub: pb_grpc.RecorderServiceAsyncStub = pb_grpc.RecorderServiceStub(channel)
        for _ in range(50):
            request = pb.RecordBatchRequest(arm="grpc", items=items)
            with pytest.raises(grpc.aio.AioRpcError):
                await stub.RecordBatch(request, timeout=0.001)
    told = series(own_arms.recorder.url)
    assert any('code="CANCELLED"' in sample for sample in told)


def test_the_reporter_counts_by_route_template_and_status(urls: dict[str, str]) -> None:
    def counted(route: str, code: int) -> float:
        labels = {"method": "GET", "route": route, "code": str(code)}
        return total(urls["reporter"], "meshsplit_requests_total", **labels)

    results = "/api/v1/courses/{course}/results"
    wanted = {(results, 200), (results, 422), ("/api/v1/semesters", 200), ("other", 404)}
    wanted.add(("/api/v1/live", 101))
    before = {each: counted(*each) for each in wanted}
    api = f"{urls['reporter']}/api/v1"
    plain_http.get(f"{api}/courses/a%2Fb/results", params={"year": 2020, "semester": "x"})
    plain_http.get(f"{api}/courses/a%2Fb/results")
    plain_http.get(f"{api}/semesters")
    plain_http.get(f"{api}/nothing/here")
    with connect(api.replace("http", "ws") + "/live"):
        pass
    assert {each: counted(*each) - before[each] for each in wanted} == dict.fromkeys(wanted, 1.0)


@pytest.mark.parametrize("name", ["ingest", "bridge"])
def test_a_refused_record_is_counted_by_its_problem(urls: dict[str, str], name: str) -> None:
    def counted(problem: str) -> float:
        return total(urls[name], "meshsplit_problems_total", problem=problem)

    wanted = ("malformed-json", "invalid-record", "unsupported-media-type")
    before = {problem: counted(problem) for problem in wanted}
    plain_http.post(urls[name], content=b"{", headers=JSON)
    plain_http.post(urls[name], content=encoded(nota=101), headers=JSON)
    plain_http.post(urls[name], content=encoded(), headers={"content-type": "text/plain"})
    assert {each: counted(each) - before[each] for each in wanted} == dict.fromkeys(wanted, 1.0)


@pytest.mark.parametrize("name", SERVICES)
def test_every_queue_and_pool_says_how_full_it_is_and_may_be(
    urls: dict[str, str], name: str
) -> None:
    told = metrics(urls[name])
    limits = {sample: value for sample, value in told.items() if "_limit" in sample}
    assert limits or name == "shadow"
    for sample, limit in limits.items():
        used = next(
            told[one]
            for one in (sample.replace("_limit", ""), sample.replace("_limit", "_depth"))
            if one in told
        )
        assert 0 <= used <= limit
        assert limit > 0
    assert told["meshsplit_loop_lag_seconds"] >= 0
