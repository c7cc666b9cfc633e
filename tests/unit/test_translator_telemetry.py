"""The mesh's Telemetry: what the local gateway is given to trace by, and what is refused."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from meshsplit.translator.endpoints import Endpoints
from meshsplit.translator.refusal import Refusal, Refused
from meshsplit.translator.translation import Translation, translate
from tests.mesh_folder import mesh_with
from tests.translating import ENDPOINTS, LOCAL, translated

TRACES = "telemetry/traces.yaml"
TRACING = "spec.tracing[0]"
RATE = "randomSamplingPercentage: 1\n"
COLLECTOR = "outbound|4317||otel-collector"


def mesh_saying(tmp_path: Path, old: str, new: str) -> Path:
    mesh = mesh_with(tmp_path)
    text = (mesh / TRACES).read_text()
    assert old in text
    (mesh / TRACES).write_text(text.replace(old, new, 1))
    return mesh


def manager(made: Translation) -> dict[str, Any]:
    (found,) = made.listeners[0]["filter_chains"][0]["filters"]
    config: dict[str, Any] = found["typed_config"]
    return config


def rates(made: Translation) -> set[int]:
    """The routes' rates, in ten thousandths."""
    return {
        route["tracing"]["random_sampling"]["numerator"]
        for host in made.routes[0]["virtual_hosts"]
        for route in host["routes"]
        if "tracing" in route
    }


def refused(mesh: Path, endpoints: Endpoints = ENDPOINTS) -> list[Refusal]:
    with pytest.raises(Refused) as caught:
        translate(mesh, endpoints, LOCAL)
    return caught.value.refusals


def test_the_gateway_traces_by_opentelemetry_over_grpc_under_the_name_istio_gives_it() -> None:
    made = translated()
    provider = manager(made)["tracing"]["provider"]
    assert provider["name"] == "envoy.tracers.opentelemetry"
    assert provider["typed_config"]["service_name"] == "istio-ingressgateway.istio-system"
    assert provider["typed_config"]["grpc_service"]["envoy_grpc"]["cluster_name"] == COLLECTOR
    (cluster,) = (found for found in made.clusters if found["name"] == COLLECTOR)
    (options,) = cluster["typed_extension_protocol_options"].values()
    assert options["explicit_http_config"] == {"http2_protocol_options": {}}


def test_a_collector_that_takes_nothing_in_is_waited_for_by_a_bounded_number_of_exports() -> None:
    (cluster,) = (found for found in translated().clusters if found["name"] == COLLECTOR)
    (threshold,) = cluster["circuit_breakers"]["thresholds"]
    assert threshold["max_requests"] <= 100
    assert threshold["max_pending_requests"] <= 100


@pytest.mark.parametrize(
    ("rate", "ten_thousandths"),
    [(RATE, 100), (RATE.replace("1", "0.01"), 1), (RATE.replace("1", "100"), 10_000)],
)
def test_the_rate_stands_on_every_route_and_the_listener_stays_as_it_is(
    tmp_path: Path, rate: str, ten_thousandths: int
) -> None:
    made = translated(mesh_saying(tmp_path, RATE, rate))
    assert rates(made) == {ten_thousandths}
    assert made.listeners == translated().listeners


def test_a_telemetry_without_a_rate_has_istio_s_of_one_in_a_hundred(tmp_path: Path) -> None:
    assert rates(translated(mesh_saying(tmp_path, f"      {RATE}", ""))) == {100}


def test_a_mesh_without_a_telemetry_traces_nothing(tmp_path: Path) -> None:
    mesh = mesh_with(tmp_path)
    kustomization = mesh / "kustomization.yaml"
    kustomization.write_text(kustomization.read_text().replace("  - telemetry", "  # - telemetry"))
    shutil.rmtree(mesh / "telemetry")
    made = translated(mesh)
    assert "tracing" not in manager(made)
    assert rates(made) == set()
    assert COLLECTOR not in {cluster["name"] for cluster in made.clusters}


def test_a_telemetry_of_other_proxies_than_the_gateway_is_passed_by(tmp_path: Path) -> None:
    made = translated(mesh_saying(tmp_path, "istio: ingressgateway", "istio: eastwest"))
    assert "tracing" not in manager(made)


def test_reporting_of_spans_can_be_switched_off(tmp_path: Path) -> None:
    made = translated(mesh_saying(tmp_path, RATE, f"{RATE}      disableSpanReporting: true\n"))
    assert "tracing" not in manager(made)


def test_a_span_is_called_by_where_its_request_goes_or_by_who_decides_that() -> None:
    everyone = next(h for h in translated().routes[0]["virtual_hosts"] if h["domains"] == ["*"])
    called = {route["name"]: route["decorator"]["operation"] for route in everyone["routes"]}
    assert called["split"] == "records:80/"  # the weights decide
    assert called["pinned"] == "ingest:8000/"
    assert called["page"] == "dashboard:8000/dashboard/*"
    assert called["browser"] == "records:80/"  # it goes nowhere


CASES = [
    ("Percentage: 1\n", "Percentage: 101\n", f"{TRACING}.randomSamplingPercentage", "0 to 100"),
    ("Percentage: 1\n", "Percentage: few\n", f"{TRACING}.randomSamplingPercentage", "a number"),
    ("name: otel", "name: zipkin", f"{TRACING}.providers[0].name", "expected one of otel"),
    ("name: otel", "nmae: otel", f"{TRACING}.providers[0].nmae", "not known"),
    ("- name: otel\n", "- name: otel\n        - name: otel\n", f"{TRACING}.providers[1]", "one"),
    (RATE, f"{RATE}      customTags: {{}}\n", f"{TRACING}.customTags", "not known"),
    (RATE, f"{RATE}    - providers: [{{name: otel}}]\n", "spec.tracing[1]", "takes one"),
    ("spec:\n", "spec:\n  metrics: []\n", "spec.metrics", "not known"),
    ("telemetry.istio.io/v1", "networking.istio.io/v1", "apiVersion", "expected one of telemetry"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[2])
def test_what_can_not_be_honoured_is_refused_by_file_path_and_name(
    tmp_path: Path, case: tuple[str, str, str, str]
) -> None:
    old, new, path, message = case
    found = {refusal.path: refusal for refusal in refused(mesh_saying(tmp_path, old, new))}
    assert found[path].file == TRACES
    assert found[path].name.startswith("Telemetry")
    assert message in found[path].message


def test_a_second_telemetry_is_refused(tmp_path: Path) -> None:
    mesh = mesh_with(tmp_path)
    text = (mesh / TRACES).read_text()
    (mesh / TRACES).write_text(f"{text}---\n{text.replace('name: traces', 'name: more')}")
    assert [refusal.name for refusal in refused(mesh)] == ["Telemetry more"]


def test_a_collector_that_is_nowhere_is_refused() -> None:
    known = {host: at for host, at in ENDPOINTS.addresses.items() if "otel" not in host}
    (refusal,) = refused(Path("mesh"), Endpoints(known))
    assert "otel-collector:4317, which isn't known here" in refusal.message
