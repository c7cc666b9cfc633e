"""Each alert fires when it should and stays quiet when it should, as promtool evaluates it."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from observability.alerts import ALERTS, OBJECTIVES
from observability.rules import FILE, rules
from tests.promtool import hold
from tests.unit.test_docs import ROOT

EVERY = (*OBJECTIVES, *ALERTS)


def answers(code: str, host: str = "ingest") -> str:
    cluster = f'job="gateway",instance="g",envoy_cluster_name="outbound|8000||{host}"'
    return f'envoy_cluster_upstream_rq{{{cluster},envoy_response_code="{code}"}}'


OK, BAD = answers("201"), answers("503")


def requests(arm: str) -> str:
    return f'meshsplit_requests_total{{arm="{arm}",method="POST",route="/",code="201"}}'


def applied(arm: str) -> str:
    return f'meshsplit_split_weight_ratio{{arm="{arm}",stage="applied"}}'


def within(arm: str, seconds: str) -> str:
    return f'meshsplit_request_seconds_bucket{{arm="{arm}",method="POST",le="{seconds}"}}'


def timed(arm: str, every: str, soon: str) -> dict[str, str]:
    """Series of an arm's records: all of them, and those that took at most half a second."""
    return {
        within(arm, "+Inf"): every,
        within(arm, "0.5"): soon,
        f'meshsplit_request_seconds_count{{arm="{arm}",method="POST"}}': every,
        requests(arm): every,
    }


def late(every: str, soon: str) -> dict[str, str]:
    """The series of an arm of the split."""
    return {**timed("grpc", every, soon), applied("grpc"): "0.5x400"}


def records(outcome: str) -> str:
    return f'meshsplit_records_total{{arm="fastapi",outcome="{outcome}"}}'


def spans(outcome: str) -> str:
    return f'meshsplit_spans_total{{job="bridge",outcome="{outcome}"}}'


BOTH = {requests("fastapi"): "0+50x400", applied("fastapi"): "0.5x400"}
FIRES = {
    "one answer in ten is a 5xx": ("RecordsUnavailableFast", {OK: "0+9x400", BAD: "0+1x400"}),
    "one answer in a hundred is a 5xx for hours": (
        "RecordsUnavailableFast",
        {OK: "0+99x400", BAD: "0+1x400"},
    ),
    "one answer in two hundred is a 5xx for a day": (
        "RecordsUnavailableSlow",
        {OK: "0+199x400", BAD: "0+1x400"},
    ),
    "an arm of one hundredth of the records fails, and the others are fine": (
        "RecordsUnavailableFast",
        {OK: "0+99x400", answers("503", "bridge"): "0+1x400"},
    ),
    "an overloaded gateway refuses requests": (
        "RecordsUnavailableFast",
        {
            OK: "0+99x400",
            'envoy_http_downstream_rq_overload_close{job="gateway",instance="g"}': "0+1x400",
        },
    ),
    "a fifth of an arm's records is late": ("RecordsLateFast", late("0+10x400", "0+8x400")),
    "one record in twenty-five is late for a day": (
        "RecordsLateSlow",
        late("0+50x400", "0+48x400"),
    ),
    "the verdict says that the split is off": (
        "SplitSkewed",
        {'meshsplit_split_result{result="fail"}': "1x400"},
    ),
    "an arm with weight gets nothing": (
        "ArmSilent",
        {**BOTH, applied("grpc"): "0.5x400", requests("grpc"): "70x400"},
    ),
    "an arm with weight never was heard of": ("ArmSilent", {**BOTH, applied("grpc"): "0.5x400"}),
    "commits take two seconds": (
        "CommitSlow",
        {
            'meshsplit_commit_seconds_bucket{job="ingest",le="1"}': "0x400",
            'meshsplit_commit_seconds_bucket{job="ingest",le="2.5"}': "0+5x400",
            'meshsplit_commit_seconds_bucket{job="ingest",le="+Inf"}': "0+5x400",
        },
    ),
    "a queue is nine tenths full": (
        "QueueNearlyFull",
        {
            'meshsplit_queue_depth{job="ingest"}': "900x400",
            'meshsplit_queue_limit{job="ingest"}': "1000x400",
        },
    ),
    "the live figures are a minute behind": (
        "LiveViewBehind",
        {'meshsplit_redis_behind_seconds{job="ingest"}': "60x400"},
    ),
    "every second record is a repeat": (
        "RepeatsSurge",
        {records("stored"): "0+5x400", records("repeated"): "0+5x400"},
    ),
    "the collector takes no spans": ("ExporterFailing", {spans("failed"): "0+5x400"}),
    "a tenth of the spans finds the queue full": (
        "ExporterFailing",
        {spans("exported"): "0+9x400", spans("dropped"): "0+1x400"},
    ),
    "a store is away": ("StoreAway", {'meshsplit_store_up{job="ingest",store="mysql"}': "0x400"}),
    "a service is away": ("TargetDown", {'up{job="bridge",instance="a"}': "0x400"}),
}
QUIET = {
    "nothing is wrong": {**BOTH, requests("grpc"): "0+50x400", applied("grpc"): "0.5x400"},
    "half of very few answers are 5xx": {OK: "0+1x9 10x400", BAD: "0+1x9 10x400"},
    "a shadow that gets copies of all is slow": {
        **late("0+10x400", "0+10x400"),
        **timed("shadow", "0+10x400", "0+2x400"),
    },
    "half of very few records are late": late("0+1x19 20x400", "0+0.5x19 10x400"),
    "errors have ended": {OK: "0+1000x400", BAD: "0+5x40 200x400"},
    "one answer in a hundred thousand is a 5xx": {OK: "0+99999x400", BAD: "0+1x400"},
    "all answers are refusals of bad records": {answers("422"): "0+10x400"},
    "Envoy's admin is overloaded": {
        OK: "0+100x400",
        'envoy_http_downstream_rq_overload_close{job="gateway",instance="g",'
        'envoy_http_conn_manager_prefix="admin"}': "0+90x400",
    },
    "everything is restarted": {
        OK: "0+100x200 0+100x200",
        BAD: "0x400",
        **BOTH,
        applied("grpc"): "0.5x400",
        **late("0+50x200 0+50x200", "0+50x200 0+50x200"),
        records("stored"): "0+100x200 0+100x200",
        records("repeated"): "0x400",
    },
    "there is no data at all": {},
    "an arm is at weight zero": {**BOTH, applied("fastapi"): "1x400", applied("grpc"): "0x400"},
    "an arm of few requests stands beside a shadow that gets copies of all": {
        applied("fastapi"): "0.95x400",
        applied("grpc"): "0.05x400",
        requests("fastapi"): "0+10x400",
        requests("shadow"): "0+20x400",
    },
    "an arm was just set to weight zero": {
        **BOTH,
        applied("fastapi"): "0.5x380 1x20",
        applied("grpc"): "0.5x380 0x20",
        requests("grpc"): "0+50x380 19000x20",
    },
    "the weights were changed while the verdict said that the split is off": {
        'meshsplit_split_result{result="fail"}': "1x380 0x20",
        'meshsplit_split_result{result="insufficient"}': "0x380 1x20",
    },
    "a weight was just raised from zero": {
        **BOTH,
        applied("fastapi"): "1x384 0.5x16",
        applied("grpc"): "0x384 0.5x16",
    },
    "there is hardly any traffic": {
        applied("fastapi"): "0.5x400",
        applied("grpc"): "0.5x400",
        requests("fastapi"): "0x380 9x20",
    },
    "nobody sends anything": {
        applied("fastapi"): "0.5x400",
        applied("grpc"): "0.5x400",
        OK: "70x400",
        BAD: "7x400",
        **late("70x400", "8x400"),
        records("repeated"): "70x400",
    },
    "half of very few records are repeats": {
        records("stored"): "0x350 0+0.5x50",
        records("repeated"): "0x350 0+0.5x50",
    },
    "the collector was restarted": {
        spans("exported"): "0+9x400",
        spans("failed"): "0x200 50x200",
    },
    "nothing is traced": {spans("exported"): "5x400", spans("failed"): "50x400"},
    "no load is being made": {
        'up{job="load",instance="a"}': "0x400",
        'up{job="locust",instance="a"}': "0x400",
    },
    "a service was away for half a minute": {'up{job="bridge",instance="a"}': "1x380 0x2 1x20"},
    "a commit was slow once": {
        'meshsplit_commit_seconds_bucket{job="ingest",le="1"}': "0+50x400",
        'meshsplit_commit_seconds_bucket{job="ingest",le="2.5"}': "0+50x200 10001+50x200",
        'meshsplit_commit_seconds_bucket{job="ingest",le="+Inf"}': "0+50x200 10001+50x200",
    },
    "the live figures are a few seconds behind": {
        'meshsplit_redis_behind_seconds{job="ingest"}': "9x400"
    },
    "a few records are repeats": {
        records("stored"): "0+95x400",
        records("repeated"): "0+5x400",
    },
    "the verdict is still open": {
        'meshsplit_split_result{result="fail"}': "0x400",
        'meshsplit_split_result{result="insufficient"}': "1x400",
    },
    "a queue was full for a moment": {
        'meshsplit_queue_depth{job="ingest"}': "0x395 1000x2 0x10",
        'meshsplit_queue_limit{job="ingest"}': "1000x400",
    },
}


def firing(series: dict[str, str], folder: Path, alert: str | None) -> None:
    """Hold against promtool: after 98 minutes exactly this alert fires, or none at all.

    What is bad enough for a page is bad enough for a ticket: the slow one of a pair comes along.
    """
    besides = alert.replace("Fast", "Slow") if alert else ""
    others = f'alertname!~"{alert or ""}|{besides}",alertstate="firing"'
    checks: list[dict[str, Any]] = [
        {"expr": f"ALERTS{{{others}}}", "eval_time": "98m", "exp_samples": []}
    ]
    if alert:
        this = f'alertname="{alert}",alertstate="firing"'
        one = [{"labels": "{}", "value": 1}]
        fires = f"count(count by (alertname) (ALERTS{{{this}}}))"
        checks.append({"expr": fires, "eval_time": "98m", "exp_samples": one})
    hold(series, checks, folder)


@pytest.fixture(scope="module")
def held(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[None]]]:
    """Evaluate the cases that are to be tested, two at once: each takes a core for a second."""
    cases = FIRES | {name: (None, series) for name, series in QUIET.items()}
    found = [getattr(item, "callspec", None) for item in request.session.items]
    wanted = [each.params["situation"] for each in found if each and "situation" in each.params]
    with ThreadPoolExecutor(2) as pool:
        yield {
            name: pool.submit(firing, cases[name][1], tmp_path_factory.mktemp("c"), cases[name][0])
            for name in wanted
            if name in cases
        }


@pytest.mark.parametrize("situation", FIRES)
def test_an_alert_fires_alone_when(held: dict[str, Future[None]], situation: str) -> None:
    held[situation].result()


@pytest.mark.parametrize("situation", QUIET)
def test_no_alert_fires_when(held: dict[str, Future[None]], situation: str) -> None:
    held[situation].result()


def test_every_alert_is_seen_to_fire() -> None:
    assert {alert for alert, _ in FIRES.values()} == {alert.name for alert in EVERY}


def test_the_rules_are_those_that_the_code_makes() -> None:
    assert FILE.read_text(encoding="utf-8") == rules(), "stale: run `make rules`"


@pytest.mark.parametrize("alert", EVERY, ids=lambda alert: alert.name)
def test_an_alert_has_its_line_in_the_runbook(alert: object) -> None:
    name = getattr(alert, "name", "")
    assert f"\n## {name}\n" in (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
