"""The gateway's view has one set of names, whatever counts: Istio, Envoy, or both at once."""

from pathlib import Path

import pytest

from observability.gateway_queries import GATEWAY_QUERIES, RECORDED
from tests.promtool import hold

FULL = "outbound|8000||{host}.grades.svc.cluster.local"
RECORDED_REQUESTS = next(iter(RECORDED))
ARMS = {
    'meshsplit_split_arm_info{arm="fastapi",host="ingest"}': "1x40",
    'meshsplit_split_arm_info{arm="grpc",host="bridge"}': "1x40",
}


def recorded(host: str, code: str, value: int) -> dict[str, object]:
    of = f'job="gateway",instance="i",host="{host}",code="{code}"'
    return {"labels": f"{RECORDED_REQUESTS}{{{of}}}", "value": value}


def istio(host: str, code: str, values: str, reporter: str = "source") -> dict[str, str]:
    labels = (
        f'job="gateway",instance="i",reporter="{reporter}",destination_service_name="{host}",'
        f'response_flags="-",request_protocol="http"'
    )
    return {
        f'istio_requests_total{{{labels},response_code="{code}"}}': values,
        f'istio_request_duration_milliseconds_bucket{{{labels},le="50"}}': "0x40",
        f'istio_request_duration_milliseconds_bucket{{{labels},le="100"}}': values,
        f'istio_request_duration_milliseconds_bucket{{{labels},le="+Inf"}}': values,
    }


def envoy(
    host: str, code: str, values: str, *, prefix: str = "envoy_", subset: str = ""
) -> dict[str, str]:
    """Envoy's own counters: with its labels, or with those that Istio has it use."""
    name = f"outbound|8000|{subset}|{host}" if prefix else FULL.format(host=host)
    labels = f'job="gateway",instance="i",{prefix}cluster_name="{name}"'
    return {
        f'envoy_cluster_upstream_rq{{{labels},{prefix}response_code="{code}"}}': values,
        f'envoy_cluster_upstream_rq_xx{{{labels},{prefix}response_code_class="{code[0]}"}}': values,
        f'envoy_cluster_upstream_rq_time_bucket{{{labels},le="50"}}': "0x40",
        f'envoy_cluster_upstream_rq_time_bucket{{{labels},le="100"}}': values,
        f'envoy_cluster_upstream_rq_time_bucket{{{labels},le="+Inf"}}': values,
    }


def envoy_as_istio_labels_it(host: str, code: str, values: str) -> dict[str, str]:
    return envoy(host, code, values, prefix="")


SOURCES = {
    "Istio counts": [istio],
    "Envoy counts": [envoy],
    "Envoy counts under Istio's labels": [envoy_as_istio_labels_it],
    "Istio and Envoy both count": [istio, envoy_as_istio_labels_it],
}


@pytest.mark.parametrize("sources", SOURCES.values(), ids=SOURCES)
def test_each_request_is_counted_once_where(sources: list[object], tmp_path: Path) -> None:
    series = dict(ARMS)
    for source in sources:
        assert callable(source)
        series |= source("ingest", "201", "0+30x40") | source("bridge", "201", "0+10x40")
        series |= source("reporter", "200", "0+5x40")
        series |= {
            name: values
            for name, values in source("bridge", "503", "0+5x40").items()
            if "bucket" not in name
        }
    over = {name: query.over("5m") for name, query in GATEWAY_QUERIES.items()}
    checks = [
        {
            "expr": RECORDED_REQUESTS,
            "eval_time": "10m",
            "exp_samples": [
                recorded("ingest", "201", 1200),
                recorded("bridge", "201", 400),
                recorded("bridge", "503", 200),
                recorded("reporter", "200", 200),
            ],
        },
        {
            "expr": over["gateway_rate"],
            "eval_time": "10m",
            "exp_samples": [
                {"labels": '{arm="fastapi"}', "value": 2},
                {"labels": '{arm="grpc"}', "value": 1},
            ],
        },
        {
            "expr": f"round({over['gateway_share']}, 0.001)",
            "eval_time": "10m",
            "exp_samples": [
                {"labels": '{arm="fastapi"}', "value": 0.667},
                {"labels": '{arm="grpc"}', "value": 0.333},
            ],
        },
        {
            "expr": f"round({over['gateway_error_share']}, 0.001)",
            "eval_time": "10m",
            "exp_samples": [
                {"labels": '{arm="fastapi"}', "value": 0},
                {"labels": '{arm="grpc"}', "value": 0.333},
            ],
        },
        {
            "expr": f"round({over['gateway_p50']}, 0.001)",
            "eval_time": "10m",
            "exp_samples": [
                {"labels": '{arm="fastapi"}', "value": 0.075},
                {"labels": '{arm="grpc"}', "value": 0.075},
            ],
        },
    ]
    hold(series, checks, tmp_path)


def test_what_istio_and_envoy_call_by_different_names_is_counted_once(tmp_path: Path) -> None:
    series = istio("unknown", "503", "0+2x40") | istio("ingest", "0", "0+1x40")
    series |= envoy_as_istio_labels_it("ingest", "504", "0+1x40")
    door = 'job="gateway",instance="i",http_conn_manager_prefix="outbound_0.0.0.0_8080"'
    series[f"envoy_http_downstream_rq_overload_close{{{door}}}"] = "0+2x40"
    told = [recorded("unknown", "503", 80), recorded("ingest", "0", 40)]
    check = {"expr": RECORDED_REQUESTS, "eval_time": "10m", "exp_samples": told}
    hold(series, [check], tmp_path)


def test_a_restarted_gateway_takes_nothing_back(tmp_path: Path) -> None:
    series = ARMS | envoy("ingest", "201", "0+10x20 0+10x20")
    hold(
        series,
        [
            {
                "expr": GATEWAY_QUERIES["gateway_rate"].over("1m"),
                "eval_time": when,
                # A counter that went back began at 0; up to a step's worth is lost, none is taken.
                "exp_samples": [{"labels": '{arm="fastapi"}', "value": rate}],
            }
            for when, rate in (("5m", 2 / 3), ("5m30s", 1 / 2), ("7m", 2 / 3))
        ],
        tmp_path,
    )


def test_the_receiving_end_of_a_request_does_not_count_it_again(tmp_path: Path) -> None:
    series = istio("ingest", "201", "0+10x40") | istio("ingest", "201", "0+10x40", "destination")
    hold(
        series,
        [
            {
                "expr": RECORDED_REQUESTS,
                "eval_time": "10m",
                "exp_samples": [recorded("ingest", "201", 400)],
            }
        ],
        tmp_path,
    )


def test_a_subset_is_its_hosts_and_a_request_an_overloaded_gateway_refuses_is_nobodys(
    tmp_path: Path,
) -> None:
    door = 'job="gateway",instance="i",envoy_http_conn_manager_prefix="gateway"'
    series = envoy("ingest", "201", "0+10x40") | envoy("ingest", "200", "0+1x40", subset="direct")
    series[f"envoy_http_downstream_rq_overload_close{{{door}}}"] = "0+2x40"
    admin = door.replace('prefix="gateway"', 'prefix="admin"')
    series[f"envoy_http_downstream_rq_overload_close{{{admin}}}"] = "0+9x40"
    hold(
        series,
        [
            {
                "expr": RECORDED_REQUESTS,
                "eval_time": "10m",
                "exp_samples": [
                    recorded("ingest", "201", 400),
                    recorded("ingest", "200", 40),
                    recorded("", "503", 80),
                ],
            }
        ],
        tmp_path,
    )
