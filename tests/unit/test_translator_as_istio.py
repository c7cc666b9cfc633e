"""Where Istio does what one wouldn't expect, the local gateway does it too."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from meshsplit.translator.refusal import Refused
from tests.translating import ROOT, TO_INGEST, rule, translated


def test_a_fault_without_a_percentage_hits_nobody_and_a_mirror_without_one_gets_everything(
    tmp_path: Path,
) -> None:
    (route,) = rule(
        tmp_path,
        route=TO_INGEST,
        fault={"delay": {"fixedDelay": "2s"}, "abort": {"httpStatus": 503}},
        mirrors=[
            {"destination": {"host": "bridge"}},
            {"destination": {"host": "reporter"}, "percentage": {"value": 0}},
        ],
    )
    fault = route["typed_per_filter_config"]["envoy.filters.http.fault"]
    assert fault["delay"]["percentage"]["numerator"] == 0
    assert fault["abort"]["percentage"]["numerator"] == 0
    (mirror,) = route["route"]["request_mirror_policies"]
    assert mirror["runtime_fraction"]["default_value"] == {
        "numerator": 100,
        "denominator": "HUNDRED",
    }


def test_a_rule_s_host_comes_before_its_destination_s(tmp_path: Path) -> None:
    own = [{"destination": {"host": "ingest"}, "headers": {"request": {"set": {"host": "two"}}}}]
    one = {"request": {"set": {"host": "one"}}}
    made = [
        rule(tmp_path / "a", route=own, rewrite={"authority": "one"}),
        rule(tmp_path / "b", route=own, headers=one),
        rule(tmp_path / "c", route=own),
    ]
    assert [route["route"]["host_rewrite_literal"] for (route,) in made] == ["one", "one", "two"]


def test_a_host_that_a_rule_sets_twice_is_refused(tmp_path: Path) -> None:
    one = {"request": {"set": {"host": "one"}}}
    with pytest.raises(Refused, match="set the host too"):
        rule(tmp_path, route=TO_INGEST, headers=one, rewrite={"authority": "two"})


@pytest.mark.parametrize(
    ("redirect", "port"),
    [
        ({"port": 8443}, 8443),
        ({"port": 80}, None),
        ({"port": 443, "scheme": "https"}, None),
        ({"port": 443}, 443),
        ({"derivePort": "FROM_REQUEST_PORT", "uri": "/"}, None),
        ({"derivePort": "FROM_REQUEST_PORT", "scheme": "https"}, 80),
        ({"derivePort": "FROM_PROTOCOL_DEFAULT", "uri": "/"}, None),
    ],
)
def test_a_redirect_s_port_is_not_said_where_the_scheme_says_it(
    tmp_path: Path, redirect: dict[str, Any], port: int | None
) -> None:
    (route,) = rule(tmp_path, redirect=redirect)
    assert route["redirect"].get("port_redirect") == port


def test_nothing_after_a_rule_that_takes_every_request_is_there(tmp_path: Path) -> None:
    routes = rule(
        tmp_path,
        match=[{"uri": {"exact": "/a"}}, {"uri": {"regex": ".*"}}, {"uri": {"exact": "/b"}}],
        route=TO_INGEST,
    )
    assert [route["match"] for route in routes] == [
        {"path": "/a", "case_sensitive": True},
        {"safe_regex": {"regex": ".*"}, "case_sensitive": True},
    ]


def test_the_regex_star_means_that_the_header_is_there(tmp_path: Path) -> None:
    (route,) = rule(
        tmp_path,
        match=[{"headers": {"x-a": {"regex": "*"}}, "withoutHeaders": {"x-b": {}}}],
        route=TO_INGEST,
    )
    assert route["match"]["headers"] == [
        {"name": "x-a", "present_match": True},
        {"name": "x-b", "present_match": True, "invert_match": True},
    ]


def test_a_host_without_a_rule_of_its_own_never_panics(tmp_path: Path) -> None:
    mesh = Path(shutil.copytree(ROOT / "mesh", tmp_path / "mesh"))
    (mesh / "kustomization.yaml").unlink()
    (mesh / "destinations" / "reporter.yaml").unlink()
    clusters = {cluster["name"]: cluster for cluster in translated(mesh).clusters}
    panic = clusters["outbound|8000||reporter"]["common_lb_config"]["healthy_panic_threshold"]
    assert panic == {"value": 0}


@pytest.mark.parametrize("empty", ["trafficPolicy: {}", "trafficPolicy: {connectionPool: {}}"])
def test_a_policy_that_says_nothing_is_refused(tmp_path: Path, empty: str) -> None:
    mesh = Path(shutil.copytree(ROOT / "mesh", tmp_path / "mesh"))
    rule = mesh / "destinations" / "reporter.yaml"
    rule.write_text(rule.read_text().partition("  trafficPolicy:")[0] + f"  {empty}\n")
    with pytest.raises(Refused, match="expected"):
        translated(mesh)
