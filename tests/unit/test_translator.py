import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from meshsplit.translator.bootstrap import bootstrap
from meshsplit.translator.translation import IDENTITY_HOST
from tests.translating import LOCAL, ROOT, TO_INGEST, rule, translated


def test_the_project_s_mesh_translates_to_json() -> None:
    files = translated().files()
    assert list(files) == ["cds.json", "rds.json", "lds.json"]
    assert json.loads(json.dumps(files)) == files


def test_the_split_is_two_weighted_clusters_in_istio_s_names() -> None:
    (configuration,) = translated().routes
    everyone = next(vh for vh in configuration["virtual_hosts"] if vh["domains"] == ["*"])
    split = next(route for route in everyone["routes"] if route.get("name") == "split")
    assert [cluster["name"] for cluster in split["route"]["weighted_clusters"]["clusters"]] == [
        "outbound|8000||ingest",
        "outbound|8000||bridge",
    ]
    assert "retry_policy" not in split["route"]


def test_the_run_answers_for_itself_under_a_name_of_its_own() -> None:
    (configuration,) = translated().routes
    own = next(vh for vh in configuration["virtual_hosts"] if vh["domains"] == [IDENTITY_HOST])
    assert own["routes"][0]["direct_response"]["body"]["inline_string"] == "this-run"


def test_a_subset_inherits_what_it_does_not_say() -> None:
    clusters = {cluster["name"]: cluster for cluster in translated().clusters}
    one, other = clusters["outbound|8000||ingest"], clusters["outbound|8000|direct|ingest"]
    assert {key for key in one if one[key] != other[key]} == {"name", "load_assignment"}
    assert one["connect_timeout"] == "1s"


def test_an_arm_s_own_errors_never_eject_it() -> None:
    for cluster in translated().clusters:
        if cluster["name"] == "outbound|4317||otel-collector":
            continue  # no arm, and no DestinationRule is of it
        detection = cluster["outlier_detection"]
        assert detection["enforcing_consecutive_5xx"] == 0
        assert detection["enforcing_consecutive_gateway_failure"] == 0
        assert detection["enforcing_success_rate"] == 0
        assert detection["split_external_local_origin_errors"] is True


def test_a_destination_of_weight_0_is_not_there(tmp_path: Path) -> None:
    (route,) = rule(
        tmp_path,
        route=[
            {"destination": {"host": "ingest"}, "weight": 0},
            {"destination": {"host": "bridge"}, "weight": 100},
        ],
    )
    clusters = route["route"]["weighted_clusters"]["clusters"]
    assert [cluster["name"] for cluster in clusters] == ["outbound|8000||bridge"]


def test_a_route_that_says_nothing_has_istio_s_timeout_and_retries(tmp_path: Path) -> None:
    (route,) = rule(tmp_path, route=TO_INGEST)
    assert route["match"]["prefix"] == "/"
    assert route["route"]["timeout"] == "0s"
    assert route["route"]["retry_policy"]["retry_on"] == (
        "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes"
    )
    assert route["route"]["retry_policy"]["num_retries"] == 2


def test_retries_take_status_codes_among_the_conditions(tmp_path: Path) -> None:
    (route,) = rule(
        tmp_path,
        route=TO_INGEST,
        retries={"attempts": 3, "retryOn": "reset,503", "perTryTimeout": "250ms"},
    )
    policy = route["route"]["retry_policy"]
    assert policy["retry_on"] == "reset,retriable-status-codes"
    assert policy["retriable_status_codes"] == [503]
    assert policy["per_try_timeout"] == "0.25s"
    assert policy["num_retries"] == 3


@pytest.mark.parametrize(
    ("written", "meant"),
    [("15s", "15s"), ("1m30s", "90s"), ("250ms", "0.25s"), ("1h", "3600s"), ("1.5s", "1.5s")],
)
def test_durations_are_seconds_to_envoy(tmp_path: Path, written: str, meant: str) -> None:
    (route,) = rule(tmp_path, route=TO_INGEST, timeout=written)
    assert route["route"]["timeout"] == meant


@pytest.mark.parametrize(
    ("uri", "match"),
    [
        ({"exact": "/a"}, {"path": "/a"}),
        ({"prefix": "/a"}, {"prefix": "/a"}),
        ({"regex": "/a.*"}, {"safe_regex": {"regex": "/a.*"}}),
    ],
)
def test_paths_match_as_istio_has_them(
    tmp_path: Path, uri: dict[str, str], match: dict[str, Any]
) -> None:
    (route,) = rule(tmp_path, match=[{"uri": uri}], route=TO_INGEST)
    assert route["match"] == {**match, "case_sensitive": True}


def test_headers_methods_and_parameters_all_have_to_match(tmp_path: Path) -> None:
    (route,) = rule(
        tmp_path,
        match=[
            {
                "name": "all",
                "method": {"exact": "PUT"},
                "headers": {"X-One": {"prefix": "1"}, "x-two": {}},
                "withoutHeaders": {"x-three": {"exact": "3"}},
                "queryParams": {"q": {"regex": "a+"}},
                "ignoreUriCase": True,
            }
        ],
        route=TO_INGEST,
        name="tried",
    )
    assert route["name"] == "tried.all"
    assert route["match"]["headers"] == [
        {"name": "x-one", "string_match": {"prefix": "1"}},
        {
            "name": "x-three",
            "string_match": {"exact": "3"},
            "invert_match": True,
            "treat_missing_header_as_empty": True,
        },
        {"name": "x-two", "present_match": True},
        {"name": ":method", "string_match": {"exact": "PUT"}},
    ]
    assert route["match"]["query_parameters"] == [
        {"name": "q", "string_match": {"safe_regex": {"regex": "a+"}}}
    ]
    assert route["match"]["case_sensitive"] is False


def test_faults_mirrors_rewrites_and_headers_reach_envoy(tmp_path: Path) -> None:
    (route,) = rule(
        tmp_path,
        route=TO_INGEST,
        rewrite={"uri": "/new", "authority": "other.test"},
        fault={
            "delay": {"fixedDelay": "2s", "percentage": {"value": 0.5}},
            "abort": {"httpStatus": 503, "percentage": {"value": 10}},
        },
        mirror={"host": "bridge"},
        mirrorPercentage={"value": 25},
        headers={"request": {"set": {"x-a": "1"}, "remove": ["x-b"]}},
    )
    fault = route["typed_per_filter_config"]["envoy.filters.http.fault"]
    assert fault["delay"]["percentage"] == {"numerator": 5_000, "denominator": "MILLION"}
    assert fault["abort"]["http_status"] == 503
    (mirror,) = route["route"]["request_mirror_policies"]
    assert mirror["cluster"] == "outbound|8000||bridge"
    assert mirror["disable_shadow_host_suffix_append"] is True
    assert mirror["runtime_fraction"]["default_value"]["numerator"] == 250_000
    assert route["route"]["prefix_rewrite"] == "/new"
    assert route["route"]["host_rewrite_literal"] == "other.test"
    assert route["request_headers_to_add"][0]["append_action"] == "OVERWRITE_IF_EXISTS_OR_ADD"
    assert route["request_headers_to_remove"] == ["x-b"]


def test_setting_the_host_header_rewrites_the_authority(tmp_path: Path) -> None:
    (route,) = rule(tmp_path, route=TO_INGEST, headers={"request": {"set": {"Host": "x.test"}}})
    assert route["route"]["host_rewrite_literal"] == "x.test"
    assert "request_headers_to_add" not in route


def test_a_direct_response_answers_by_itself(tmp_path: Path) -> None:
    (route,) = rule(tmp_path, directResponse={"status": 418, "body": {"string": "tea"}})
    assert route["direct_response"] == {"status": 418, "body": {"inline_string": "tea"}}


def test_services_of_one_host_are_merged_and_what_takes_everything_comes_last(
    tmp_path: Path,
) -> None:
    mesh = tmp_path / "mesh"
    shutil.copytree(ROOT / "mesh", mesh)
    (mesh / "kustomization.yaml").unlink()
    text = (mesh / "routes" / "dashboard.yaml").read_text()
    (mesh / "routes" / "all.yaml").write_text(
        text.replace("name: dashboard", "name: all", 1)
        .replace("{exact: /dashboard}", "{prefix: /}")
        .replace("{prefix: /dashboard/}", "{prefix: /all/}")
    )
    (configuration,) = translated(mesh).routes
    everyone = next(vh for vh in configuration["virtual_hosts"] if vh["domains"] == ["*"])
    assert everyone["routes"][-1]["match"]["prefix"] == "/"
    assert len([vh for vh in configuration["virtual_hosts"] if vh["domains"] == ["*"]]) == 1


def test_only_the_clusters_that_a_route_needs_are_made() -> None:
    names = {cluster["name"] for cluster in translated().clusters}
    assert names == {
        "outbound|8000||ingest",
        "outbound|8000|direct|ingest",
        "outbound|8000||bridge",
        "outbound|8000||reporter",
        "outbound|8000||dashboard",
        "outbound|4317||otel-collector",
    }


def test_other_folders_of_the_mesh_are_for_a_cluster(tmp_path: Path) -> None:
    mesh = tmp_path / "mesh"
    shutil.copytree(ROOT / "mesh", mesh)
    (mesh / "kustomization.yaml").unlink()
    (mesh / "routes" / "kustomization.yaml").write_text("resources: []\n")
    assert translated(mesh) == translated()


def test_the_bootstrap_keeps_the_admin_on_loopback() -> None:
    made = bootstrap(LOCAL.layout, ("127.0.0.1", 9901))
    assert made["admin"]["address"]["socket_address"]["address"] == "127.0.0.1"
