"""A collector that is away, slow or silent: nobody but the spans is the worse for it."""

import json
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import plain_http
from tests.arms import Arms, ServiceProcess, encoded
from tests.collector import Collector
from tests.integration.test_traces import new_parent, one, post

TIMEOUT_S = "2"


@pytest.fixture
def arms_of(tmp_path: Path, mysql_url: str, redis_url: str, collector: Collector) -> Iterator[Arms]:
    """Both arms of one test, whose collector it may stop."""
    made = Arms(
        tmp_path,
        mysql_url,
        redis_url,
        MESHSPLIT_OTLP_ENDPOINT=collector.url,
        MESHSPLIT_STORE_TIMEOUT_S=TIMEOUT_S,
    )
    try:
        yield made.start()
    finally:
        made.kill()


def spans_of(service: ServiceProcess) -> dict[str, float]:
    found = {}
    for line in plain_http.get(service.url + "/metrics").text.splitlines():
        if line.startswith("meshsplit_spans_total{"):
            found[line.split('"')[1]] = float(line.split()[-1])
    return found


def said(service: ServiceProcess, word: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    return [line for line in lines if word in line["message"]]


def wait_until(true: Any, limit_s: float = 15.0) -> None:
    until = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_collector_that_is_away_is_told_of_once_and_once_when_it_is_back(
    arms_of: Arms, collector: Collector
) -> None:
    collector.stop()
    for url in arms_of.urls.values():
        began = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda url: post(url, new_parent()), [url] * 40))
        assert {each.status_code for each in answers} == {201}
        assert time.monotonic() - began < 5, "waits for the collector would take 25 s"
    for service in arms_of.all:
        wait_until(lambda service=service: spans_of(service)["failed"] > 0)
    back = Collector(collector.port).start()
    try:

        def exported() -> bool:
            for url in arms_of.urls.values():
                post(url, new_parent())
            return all(spans_of(service)["exported"] > 0 for service in arms_of.all)

        wait_until(exported, 30)
        for service in arms_of.all:
            assert service.stop() == 0
            told = [line["message"] for line in said(service, "collector of traces")]
            assert told == ["the collector of traces is away", "the collector of traces is back"]
            noise = [
                line for line in said(service, "") if "opentelemetry" in line.get("logger", "")
            ]
            assert noise == []
    finally:
        back.stop()


def test_a_collector_that_never_answers_holds_up_neither_requests_nor_the_end(
    arms_of: Arms, collector: Collector
) -> None:
    collector.hold.clear()
    for url in arms_of.urls.values():
        assert post(url, new_parent()).status_code == 201
    time.sleep(1.5)  # so that the first are being sent
    for url in arms_of.urls.values():
        began = time.monotonic()
        assert {post(url, new_parent()).status_code for _ in range(20)} == {201}
        assert time.monotonic() - began < 4, "waits for the collector would take 100 s"
    for service in (arms_of.bridge, arms_of.recorder, arms_of.ingest):
        began = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - began < 5
        assert len(said(service, "collector of traces is away")) == 1


def test_a_recorder_that_hangs_ends_the_calls_span_with_its_deadline(
    arms_of: Arms, collector: Collector
) -> None:
    # Traced too: calls with a span have a connection of their own.
    assert post(arms_of.bridge.url, new_parent()).status_code == 201
    assert arms_of.recorder.process is not None
    arms_of.recorder.process.send_signal(signal.SIGSTOP)
    parent = new_parent()
    try:
        answer = post(arms_of.bridge.url, parent)
    finally:
        arms_of.recorder.process.send_signal(signal.SIGCONT)
    assert answer.status_code in {503, 504}
    assert answer.headers["x-trace-id"] == parent[3:35]
    spans = collector.wait_for(
        lambda seen: any(e.name == "POST /" and e.trace_id == parent[3:35] for e in seen)
    )
    failed = [each for each in spans if each.is_error]
    batch = one(failed, "bridge", "store batch")
    assert batch.attributes["error.type"] in {"unknown", "not_stored"}
    calls = [each for each in spans if each.parent_id == batch.span_id]
    recorded = [each for each in calls if each.name.endswith("/RecordBatch")]
    assert [each.attributes["rpc.grpc.status_code"] for each in recorded] == [4]
    assert any(each.name.endswith("/Settle") for each in calls), "its outcome was asked for"
    lines = said(arms_of.bridge, "a batch got no answer")
    assert [line["traces"] for line in lines] == [[parent[3:35]]]
    assert lines[0]["trace_id"] == batch.trace_id
    assert len(lines[0]["span_id"]) == 16


def test_a_client_that_leaves_takes_no_span_of_others_with_it(
    arms_of: Arms, collector: Collector
) -> None:
    parents = [new_parent() for _ in range(30)]

    def send(numbered: tuple[int, str]) -> int:
        number, parent = numbered
        sent = {"content-type": "application/json", "traceparent": parent}
        timeout = 0.002 if number % 3 == 0 else 20
        try:
            url = arms_of.bridge.url
            return plain_http.post(
                url, content=encoded(), headers=sent, timeout=timeout
            ).status_code
        except httpx.HTTPError:
            return 0

    with ThreadPoolExecutor(30) as pool:
        statuses = dict(zip(parents, pool.map(send, enumerate(parents)), strict=True))
    stayed = {parent[3:35] for parent, status in statuses.items() if status}
    assert set(statuses.values()) <= {0, 201}
    spans = collector.wait_for(
        lambda seen: (
            stayed
            <= {e.trace_id for e in seen if e.name == "store record" and e.service == "recorder"}
            and stayed <= {e.trace_id for e in seen if e.name == "POST /"}
        )
    )
    assert not [each for each in spans if each.is_error and each.trace_id in stayed]
