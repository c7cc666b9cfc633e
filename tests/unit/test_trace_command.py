"""``meshsplit trace``: which requests it shows, and what it says where there are none."""

from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1 import trace_pb2 as otlp
from typer.testing import CliRunner

from meshsplit.cli import app
from tests.spans import export, ident, keep, span

SERVER = otlp.Span.SPAN_KIND_SERVER


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MESHSPLIT_STATE_DIR", str(tmp_path))
    return tmp_path


def shown(*words: str, code: int = 0) -> list[str]:
    """The traces shown, by their numbers, in their order."""
    done = CliRunner().invoke(app, ["trace", *words])
    assert done.exit_code == code, done.output
    heads = [line for line in done.output.splitlines() if " · " in line]
    return [f"{int(line.split()[0], 16)}" for line in heads]


def kept(state: Path, durations: list[int]) -> None:
    """Keep a request after another; every third one of the arm `b`."""
    for number, duration in enumerate(durations, 1):
        arm = {"meshsplit.arm": "ab"[number % 3 == 0]}
        at = (number * 100, number * 100 + duration)
        first = span(number, "POST /", trace=number, kind=SERVER, at=at, said=arm)
        keep(state / "traces", export("ingest", first))


def test_the_slowest_of_the_last_hundred_are_shown_and_the_slowest_comes_last(state: Path) -> None:
    kept(state, [90, *[1] * 97, 7, 9, 8])
    assert shown() == ["99", "101", "100"]
    assert shown("--slowest", "2") == ["100", "1"]
    assert shown("--last", "2") == ["100", "101"]


def test_requests_can_be_asked_for_by_their_arm_or_their_trace(state: Path) -> None:
    kept(state, [1, 2, 3, 4, 5, 6])
    assert shown("--last", "9", "--arm", "b") == ["3", "6"]
    assert shown(ident(4, 16).hex()) == ["4"]
    assert shown(ident(4, 16).hex().upper()) == ["4"]


def test_without_traces_it_says_how_to_get_some(state: Path) -> None:
    done = CliRunner().invoke(app, ["trace"])
    assert (state / "traces").exists() is False
    assert done.exit_code == 1
    assert "no request was traced" in done.output
    assert "randomSamplingPercentage" in done.output
    assert "x-client-trace-id" in done.output


def test_an_id_that_is_unknown_or_none_is_said_so(state: Path) -> None:
    kept(state, [1])
    assert "no span of trace" in CliRunner().invoke(app, ["trace", "f" * 32]).output
    done = CliRunner().invoke(app, ["trace", "xyz"])
    assert done.exit_code == 2
    assert "32 hexadecimal digits" in done.output


def test_where_spans_go_elsewhere_it_says_where(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del state
    monkeypatch.setenv("MESHSPLIT_OTLP_ENDPOINT", "http://127.0.0.1:4444")
    assert "http://127.0.0.1:4444" in CliRunner().invoke(app, ["trace"]).output
