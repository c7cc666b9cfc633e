"""One request's way from an arm's door to the commit, as spans that a real collector got."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests import plain_http
from tests.arms import Arms, encoded
from tests.collector import Collector, Seen
from tests.reporter_process import reporter_process

JSON = {"content-type": "application/json"}
ARMS = ("fastapi", "grpc")


@pytest.fixture
def traced(tmp_path: Path, mysql_url: str, redis_url: str, collector: Collector) -> Iterator[Arms]:
    """Both arms, sending their spans to the test's collector."""
    made = Arms(tmp_path, mysql_url, redis_url, MESHSPLIT_OTLP_ENDPOINT=collector.url)
    try:
        yield made.start()
    finally:
        made.kill()


def new_parent(*, sampled: bool = True) -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-{sampled:02d}"


def post(url: str, parent: str | None = None, **headers: str) -> httpx.Response:
    sent = JSON | headers | ({"traceparent": parent} if parent else {})
    return plain_http.post(url, content=encoded(), headers=sent, timeout=20)


def one(spans: list[Seen], service: str, name: str) -> Seen:
    (found,) = [each for each in spans if each.service == service and each.name == name]
    return found


def children(spans: list[Seen], parent: Seen) -> list[Seen]:
    found = [each for each in spans if each.parent_id == parent.span_id]
    return sorted(found, key=lambda each: each.start)


def test_a_trace_leads_from_the_request_to_the_commit_and_to_redis(
    traced: Arms, collector: Collector
) -> None:
    parent = new_parent()
    answer = post(traced.ingest.url, parent, tracestate="vendor=1")
    assert answer.status_code == 201
    assert answer.headers["x-trace-id"] == parent[3:35]
    spans = collector.wait_for(lambda seen: any(each.name == "EVALSHA" for each in seen))
    request = one(spans, "ingest", "POST /")
    assert (request.trace_id, request.parent_id) == (parent[3:35], parent[36:52])
    assert (request.kind, request.state) == ("SERVER", "vendor=1")
    batch = one(spans, "ingest", "store batch")
    assert batch.trace_id != request.trace_id
    assert batch.parent_id == ""
    assert batch.links == ((request.trace_id, request.span_id),)
    assert request.links == ((batch.trace_id, batch.span_id),)
    told = request.attributes
    assert told["meshsplit.record.id"] == answer.json()["id"]
    assert told["meshsplit.arm"] == "fastapi"
    assert told["meshsplit.outcome"] == "stored"
    assert told["meshsplit.batch.id"] == batch.attributes["meshsplit.batch.id"]
    assert 0 <= told["meshsplit.queue.wait"] < 5
    assert told["http.response.status_code"] == 201
    assert told["http.route"] == "/"
    steps = children(spans, batch)
    assert [each.name for each in steps if each.attributes["db.system.name"] != "redis"][-1] == (
        "COMMIT"
    )
    assert {each.attributes["db.system.name"] for each in steps} == {"mariadb", "redis"}
    assert any("INSERT records INSERT enrolments" in each.name for each in steps)
    assert all(each.kind == "CLIENT" for each in steps)


def test_a_trace_goes_on_through_bridge_and_recorder(traced: Arms, collector: Collector) -> None:
    parent = new_parent()
    assert post(traced.bridge.url, parent).status_code == 201
    spans = collector.wait_for(
        lambda seen: (
            {"POST /", "store batch"} <= {e.name for e in seen if e.service == "bridge"}
            and {"store batch", "store record"} <= {e.name for e in seen if e.service == "recorder"}
            and sum(e.name.endswith("RecordBatch") for e in seen) == 2
        )
    )
    request = one(spans, "bridge", "POST /")
    handed_on = one(spans, "bridge", "store batch")
    assert handed_on.links == ((request.trace_id, request.span_id),)
    (call,) = children(spans, handed_on)
    assert (call.service, call.kind) == ("bridge", "CLIENT")
    (served,) = children(spans, call)
    assert (served.service, served.kind) == ("recorder", "SERVER")
    assert served.trace_id == handed_on.trace_id
    (record,) = children(spans, request)
    assert (record.service, record.name) == ("recorder", "store record")
    assert record.trace_id == parent[3:35]
    assert record.attributes["meshsplit.arm"] == "grpc"
    stored = one(spans, "recorder", "store batch")
    assert stored.links == ((record.trace_id, record.span_id),)
    assert (stored.trace_id, stored.span_id) in record.links
    assert "COMMIT" in {each.name for each in children(spans, stored)}


@pytest.mark.parametrize("arm", ARMS)
def test_what_is_not_sampled_leaves_no_span(arm: str, traced: Arms, collector: Collector) -> None:
    url = traced.urls[arm]
    ignored = new_parent(sampled=False)
    assert post(url, ignored).headers["x-trace-id"] == ignored[3:35]
    for broken in ("", "00-xyz", new_parent() + "-more", f"ff{new_parent()[2:]}"):
        answer = post(url, broken)
        assert answer.status_code == 201
        assert "x-trace-id" not in answer.headers
    seen = new_parent()
    post(url, seen)
    collector.wait_for(lambda spans: any(each.trace_id == seen[3:35] for each in spans))
    for service in traced.all:
        assert service.stop() == 0  # so that whatever there was has been sent
    requests = [each for each in collector.spans if each.name == "POST /"]
    assert {each.trace_id for each in requests} == {seen[3:35]}
    assert not [each for each in collector.spans if "health" in each.name.lower()]


@pytest.mark.parametrize("arm", ARMS)
def test_a_batch_is_linked_to_those_of_its_members_that_are_traced(
    arm: str, traced: Arms, collector: Collector
) -> None:
    url, parents = traced.urls[arm], [new_parent(sampled=n % 4 == 0) for n in range(80)]
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda parent: post(url, parent), parents))
    assert {answer.status_code for answer in answers} == {201}
    wanted = {parent[3:35] for parent in parents if parent.endswith("01")}
    door = "ingest" if arm == "fastapi" else "bridge"

    def linked(spans: list[Seen]) -> list[str]:
        batches = [each for each in spans if (each.service, each.name) == (door, "store batch")]
        return [trace_id for batch in batches for trace_id, _ in batch.links]

    spans = collector.wait_for(lambda seen: len(linked(seen)) >= len(wanted))
    assert sorted(linked(spans)) == sorted(wanted)
    batches = [each for each in spans if (each.service, each.name) == (door, "store batch")]
    assert any(
        each.attributes["meshsplit.batch.records"] > each.attributes["meshsplit.batch.traced"]
        for each in batches
    ), "some batch was mixed"


def test_a_request_that_could_not_be_stored_is_an_error_and_says_what_became_of_it(
    traced: Arms, collector: Collector
) -> None:
    traced.recorder.kill()
    parent = new_parent()
    assert post(traced.bridge.url, parent).status_code == 503
    spans = collector.wait_for(lambda seen: any(each.name == "POST /" for each in seen))
    request = one(spans, "bridge", "POST /")
    assert request.is_error
    assert request.attributes["error.type"] == "503"
    assert request.attributes["meshsplit.outcome"] == "not_stored"
    assert request.attributes["meshsplit.arm"] == "grpc"
    assert request.attributes["meshsplit.reason"] == "the recorder is away"
    assert one(spans, "bridge", "store batch").attributes["error.type"] == "not_stored"


def exemplars(url: str, name: str) -> set[str]:
    """The traces that a histogram's buckets point to."""
    accept = {"accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"}
    answer = plain_http.get(url + "/metrics", headers=accept)
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    parsed = text_string_to_metric_families(answer.text)  # type: ignore[no-untyped-call]  # no types
    families = {each.name: each for each in parsed}
    samples = families[name].samples
    return {each.exemplar.labels["trace_id"] for each in samples if each.exemplar}


def test_histograms_point_to_what_was_traced(traced: Arms, collector: Collector) -> None:
    parents = {arm: new_parent() for arm in ARMS}
    for arm, parent in parents.items():
        for _ in range(3):
            post(traced.urls[arm])
        post(traced.urls[arm], parent)
        post(traced.urls[arm], new_parent(sampled=False))
        assert exemplars(traced.urls[arm], "meshsplit_request_seconds") == {parent[3:35]}
    spans = collector.wait_for(lambda seen: any(each.name == "EVALSHA" for each in seen))
    batches = collector.wait_for(
        lambda seen: len([each for each in seen if each.name == "store batch"]) == 3
    )
    for service in traced.all:
        own = {
            each.trace_id
            for each in batches
            if (each.service, each.name) == (service.name, "store batch")
        }
        for metric in ("commit_seconds", "batch_records", "queue_wait_seconds"):
            assert exemplars(service.url, f"meshsplit_{metric}") == own
    (applied,) = [each for each in spans if each.name == "EVALSHA"]
    assert exemplars(traced.ingest.url, "meshsplit_redis_apply_seconds") == {applied.trace_id}


def test_metrics_are_plain_text_for_whoever_asks_for_nothing_else(traced: Arms) -> None:
    post(traced.ingest.url, new_parent())
    answer = plain_http.get(traced.ingest.url + "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "trace_id" not in answer.text
    assert "_created" not in answer.text


def test_every_answer_to_a_traced_request_says_its_trace(traced: Arms) -> None:
    for url in traced.urls.values():
        parent = new_parent()
        sent = {"traceparent": parent}
        for answer in (
            plain_http.get(url, headers=sent),
            plain_http.put(url, headers=sent),
            plain_http.post(url, content=b"{", headers=JSON | sent),
            plain_http.post(url, content=b"x", headers=sent),
            plain_http.get(url + "/nowhere", headers=sent),
        ):
            assert answer.headers["x-trace-id"] == parent[3:35], answer.status_code


def test_a_question_to_the_reporter_is_one_span_over_its_reads(
    empty_mysql_url: str, redis_url: str, collector: Collector
) -> None:
    with reporter_process(
        empty_mysql_url, redis_url, MESHSPLIT_OTLP_ENDPOINT=collector.url
    ) as reporter:
        parent = new_parent()
        question = f"{reporter.api}/courses/S%2F30/results?year=2002&semester=slider"
        answer = plain_http.get(question, headers={"traceparent": parent})
        assert answer.status_code == 200
        assert answer.headers["x-trace-id"] == parent[3:35]
        lost = plain_http.get(f"{reporter.api}/nowhere", headers={"traceparent": new_parent()})
        assert lost.status_code == 404
        assert "x-trace-id" in lost.headers
        for path in ("/livez", "/readyz", "/healthz", "/metrics"):
            url = f"http://127.0.0.1:{reporter.port}{path}"
            assert plain_http.get(url, headers={"traceparent": new_parent()}).status_code == 200
        reporter.terminate()
    route = "/api/v1/courses/{course}/results"
    asked = one(collector.spans, "reporter", f"GET {route}")
    assert (asked.trace_id, asked.parent_id, asked.kind) == (parent[3:35], parent[36:52], "SERVER")
    assert asked.attributes["http.route"] == route
    assert asked.attributes["http.response.status_code"] == 200
    reads = children(collector.spans, asked)
    assert reads[-1].name == "SELECT course_grades"
    assert {each.name for each in collector.spans} - {each.name for each in [asked, *reads]} == {
        "GET"
    }
