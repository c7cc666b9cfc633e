"""Istio's Telemetry: how many requests the gateway traces, and where their spans go."""

from dataclasses import dataclass

from meshsplit.translator.documents import Document
from meshsplit.translator.endpoints import Destination, Endpoints
from meshsplit.translator.envoy import Json, extension, typed
from meshsplit.translator.fields import Fields

PROVIDERS = {"otel": Destination("otel-collector", 4317)}
"""Where a provider takes spans by OTLP/gRPC. In a cluster the mesh's configuration says so
(meshConfig.extensionProviders), which is no file of the mesh."""

SERVICE_NAME = "istio-ingressgateway.istio-system"
"""The gateway's name in its spans: a proxy's app and namespace, as Istio has it."""

_ISTIO_RATE = 1.0
"""Per cent, where a Telemetry says nothing (istiod's PILOT_TRACE_SAMPLING)."""
_MOST_EXPORTS = 64
"""Exports under way: a collector that takes none in must not be waited for in memory."""


@dataclass(frozen=True, slots=True)
class Traces:
    """What is traced."""

    percent: float
    """Of the requests whose caller doesn't say no by a traceparent."""
    collector: Destination


def read_telemetry(documents: list[Document], endpoints: Endpoints) -> Traces | None:
    """Read the mesh's Telemetry; None: nothing is traced."""
    for extra in documents[1:]:
        extra.spec.place.refuse("the local gateway takes one; there already is a Telemetry")
    if not documents:
        return None
    spec = documents[0].spec
    spec.child("selector")  # the gateway, or it would have been passed by
    spec.required("tracing")
    entries = spec.children("tracing")
    spec.close()
    for extra_entry in entries[1:]:
        extra_entry.place.refuse("the local gateway takes one; there already is an entry")
    return _read_tracing(entries[0], endpoints) if entries else None


def _read_tracing(entry: Fields, endpoints: Endpoints) -> Traces | None:
    off = entry.boolean("disableSpanReporting")
    percent = entry.number("randomSamplingPercentage", 0, 100)
    collector = None
    entry.required("providers")
    for index, provider in enumerate(entry.children("providers")):
        if index:
            provider.place.refuse("the local gateway takes one; there already is a provider")
        provider.required("name")
        name = provider.one_of("name", tuple(PROVIDERS))
        provider.close()
        collector = PROVIDERS.get(name or "")
        if collector is not None and endpoints.address(collector.host, collector.port) is None:
            where = f"{collector.host}:{collector.port}"
            provider.refuse("name", f"its collector is {where}, which isn't known here")
    entry.close()
    if off or collector is None:
        return None
    return Traces(_ISTIO_RATE if percent is None else percent, collector)


def tracing(traces: Traces | None) -> Json:
    """Return what the connection manager is given to trace by.

    As istiod does for a gateway (istio/istio, pilot/pkg/networking/core/tracing.go): one span for
    the request and, since 1.28, one for what the gateway sends on. Istio's own tags, which say in
    which pod of which cluster, are left out; and the rate stands on each route (``sampled``), so
    that connections that are open already follow a new one too.
    """
    if traces is None:
        return {}
    collector = {"cluster_name": traces.collector.cluster, "authority": traces.collector.host}
    return {
        "tracing": {
            "client_sampling": {"value": 100},
            "random_sampling": {"value": 0},
            "overall_sampling": {"value": 100},
            "spawn_upstream_span": True,
            "provider": extension(
                "envoy.tracers.opentelemetry",
                "envoy.config.trace.v3.OpenTelemetryConfig",
                grpc_service={"envoy_grpc": collector},
                service_name=SERVICE_NAME,
            ),
        }
    }


def sampled(hosts: list[Json], traces: Traces | None) -> list[Json]:
    """Return virtual hosts whose routes have the rate."""
    if traces is None:
        return hosts
    # Envoy draws from ten thousand, whatever a route's denominator says.
    rate = {"numerator": round(traces.percent * 100), "denominator": "TEN_THOUSAND"}
    return [
        {**host, "routes": [{**route, "tracing": {"random_sampling": rate}} for route in routes]}
        for host in hosts
        for routes in [host["routes"]]
    ]


def collector_cluster(cluster: Json) -> Json:
    """Return a collector's cluster, made fit for gRPC."""
    options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    http2 = typed(options, explicit_http_config={"http2_protocol_options": {}})
    (threshold,) = cluster["circuit_breakers"]["thresholds"]
    limited = {**threshold, "max_requests": _MOST_EXPORTS, "max_pending_requests": _MOST_EXPORTS}
    return cluster | {
        "typed_extension_protocol_options": {options: http2},
        "circuit_breakers": {"thresholds": [limited]},
    }


def operation(match: Json, route: Json, service: str, port: int) -> str:
    """Return how a route's spans are called, as Istio calls them.

    By where the requests go, or, where the weights decide that, by the VirtualService.
    """
    path = match.get("path") or match.get("safe_regex", {}).get("regex")
    path = path or f"{match.get('prefix', '/')}*"
    if (cluster := route.get("route", {}).get("cluster")) is not None:
        _, number, _, host = cluster.split("|")
        return f"{host}:{number}{path}"
    return f"{service}:{port}{path}"
