"""Each alert fires when it should and stays quiet when it should, as promtool evaluates it."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from observability.alerts import ALERTS, FILE, rules
from tests.unit.test_docs import ROOT

PREFIX = 'envoy_http_conn_manager_prefix="g"'
OK = f'envoy_http_downstream_rq_xx{{envoy_response_code_class="2",{PREFIX}}}'
BAD = f'envoy_http_downstream_rq_xx{{envoy_response_code_class="5",{PREFIX}}}'
ADMIN = BAD.replace('"g"', '"admin"')


def requests(arm: str) -> str:
    return f'meshsplit_requests_total{{arm="{arm}",method="POST",route="/",code="201"}}'


def applied(arm: str) -> str:
    return f'meshsplit_split_weight_ratio{{arm="{arm}",stage="applied"}}'


def within(arm: str, seconds: str) -> str:
    return f'meshsplit_request_seconds_bucket{{arm="{arm}",le="{seconds}"}}'


def records(outcome: str) -> str:
    return f'meshsplit_records_total{{arm="fastapi",outcome="{outcome}"}}'


BOTH = {requests("fastapi"): "0+50x400", applied("fastapi"): "0.5x400"}
FIRES = {
    "one answer in ten is a 5xx": ("RecordsUnavailableFast", {OK: "0+9x400", BAD: "0+1x400"}),
    "one answer in a hundred is a 5xx for hours": (
        "RecordsUnavailableSlow",
        {OK: "0+99x400", BAD: "0+1x400"},
    ),
    "a fifth of an arm's records is slow": (
        "RecordsSlow",
        {
            within("grpc", "+Inf"): "0+10x400",
            within("grpc", "0.5"): "0+8x400",
            'meshsplit_request_seconds_count{arm="grpc"}': "0+10x400",
            requests("grpc"): "0+10x400",
        },
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
        {records("stored"): "0+5x400", records("repeated"): "0+5x400", OK: "0+10x400"},
    ),
    "a store is away": ("StoreAway", {'meshsplit_store_up{job="ingest",store="mysql"}': "0x400"}),
    "a service is away": ("TargetDown", {'up{job="bridge",instance="a"}': "0x400"}),
}
QUIET = {
    "nothing is wrong": {**BOTH, requests("grpc"): "0+50x400", applied("grpc"): "0.5x400"},
    "half of very few answers are 5xx": {OK: "0+1x9 10x400", BAD: "0+1x9 10x400"},
    "errors have ended": {OK: "0+100x400", BAD: "0+50x40 2000x400"},
    "Envoy's admin says 5xx": {OK: "0+100x400", ADMIN: "0+90x400"},
    "an arm is at weight zero": {**BOTH, applied("fastapi"): "1x400", applied("grpc"): "0x400"},
    "a weight was just raised from zero": {
        **BOTH,
        applied("fastapi"): "1x390 0.5x10",
        applied("grpc"): "0x390 0.5x10",
    },
    "there is hardly any traffic": {
        applied("fastapi"): "0.5x400",
        applied("grpc"): "0.5x400",
        requests("fastapi"): "0x390 1x10",
    },
    "nobody sends anything": {
        applied("fastapi"): "0.5x400",
        applied("grpc"): "0.5x400",
        OK: "70x400",
        BAD: "7x400",
        within("grpc", "+Inf"): "70x400",
        within("grpc", "0.5"): "8x400",
        'meshsplit_request_seconds_count{arm="grpc"}': "70x400",
        requests("grpc"): "70x400",
    },
    "a few records are repeats": {
        records("stored"): "0+95x400",
        records("repeated"): "0+5x400",
        OK: "0+100x400",
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
    """Hold against promtool: after 100 minutes exactly this alert fires, or none at all."""
    shutil.copy(FILE, folder / "rules.yml")
    slow = alert in {"RecordsUnavailableFast", "RecordsUnavailableSlow"}  # either may come with
    names = 'alertname!~"RecordsUnavailable.*",' if slow else ""
    expected = [{"labels": "{}", "value": 1}]
    checks = [
        {
            "expr": f'count(count by (alertname) (ALERTS{{{names}alertstate="firing"}}))',
            "eval_time": "98m",
            "exp_samples": expected if alert and not slow else [],
        }
    ]
    if alert:
        fires = f'count(count by (alertname) (ALERTS{{alertname="{alert}",alertstate="firing"}}))'
        checks.append({"expr": fires, "eval_time": "98m", "exp_samples": expected})
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "15s",
                "input_series": [{"series": k, "values": v} for k, v in series.items()],
                "promql_expr_test": checks,
            }
        ],
    }
    path = folder / "test.yml"
    path.write_text(yaml.safe_dump(test))
    done = subprocess.run(
        ["promtool", "test", "rules", path.name],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("alert", "series"), FIRES.values(), ids=FIRES)
def test_an_alert_fires_alone_when(alert: str, series: dict[str, str], tmp_path: Path) -> None:
    firing(series, tmp_path, alert)


@pytest.mark.parametrize("series", QUIET.values(), ids=QUIET)
def test_no_alert_fires_when(series: dict[str, str], tmp_path: Path) -> None:
    firing(series, tmp_path, None)


def test_every_alert_is_seen_to_fire() -> None:
    assert {alert for alert, _ in FIRES.values()} == {alert.name for alert in ALERTS}


def test_the_rules_are_those_that_the_code_makes() -> None:
    assert FILE.read_text(encoding="utf-8") == rules(), "stale: run `make rules`"


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_has_its_line_in_the_runbook(alert: object) -> None:
    name = getattr(alert, "name", "")
    assert f"\n## {name}\n" in (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
