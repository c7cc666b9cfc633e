"""Istio's DestinationRule: how to talk to a host, and its subsets."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Self

from meshsplit.translator.documents import Document
from meshsplit.translator.endpoints import Destination, Endpoints
from meshsplit.translator.envoy import Json, present, socket_address, typed
from meshsplit.translator.fields import Fields

_HTTP_1 = "http_protocol_options"
_UNLIMITED = 2**32 - 1
_BALANCERS = {
    "UNSPECIFIED": "LEAST_REQUEST",
    "LEAST_REQUEST": "LEAST_REQUEST",
    "LEAST_CONN": "LEAST_REQUEST",
    "ROUND_ROBIN": "ROUND_ROBIN",
    "RANDOM": "RANDOM",
}


@dataclass(slots=True)
class Policy:
    """A TrafficPolicy in Envoy's terms; each part is None where nothing is said of it."""

    connections: Json | None = None
    outliers: Json | None = None
    balancer: Json | None = None

    def over(self, other: Self) -> Self:
        """Return this policy with ``other``'s parts where it says nothing (a subset's heritage)."""
        return type(self)(
            other.connections if self.connections is None else self.connections,
            other.outliers if self.outliers is None else self.outliers,
            other.balancer if self.balancer is None else self.balancer,
        )


@dataclass(slots=True)
class DestinationRule:
    """The policies of a host and of each of its subsets."""

    host: str
    policy: Policy = field(default_factory=Policy)
    subsets: dict[str, Policy] = field(default_factory=dict)


def read_destination_rule(document: Document, endpoints: Endpoints) -> DestinationRule:
    """Read one DestinationRule."""
    spec = document.spec
    spec.required("host")
    host = spec.text("host") or ""
    if host and not endpoints.knows(host):
        known = ", ".join(sorted(endpoints.addresses))
        spec.refuse("host", f"unknown host {host!r}; known here: {known}")
    rule = DestinationRule(host, _read_policy(spec.child("trafficPolicy")))
    for subset in spec.children("subsets"):
        subset.required("name")
        name = subset.text("name")
        if subset.text_map("labels") and not endpoints.others_by_name:
            subset.refuse("labels", "a process on this machine has no labels to choose it by")
        policy = _read_policy(subset.child("trafficPolicy")).over(rule.policy)
        subset.close()
        if name in rule.subsets:
            subset.refuse("name", f"there already is a subset {name!r}")
        elif name:
            rule.subsets[name] = policy
    spec.close()
    return rule


def cluster(destination: Destination, rule: DestinationRule | None, endpoints: Endpoints) -> Json:
    """Return the Envoy cluster of a destination."""
    policy = Policy()
    if rule is not None:
        policy = rule.subsets[destination.subset] if destination.subset else rule.policy
    address = endpoints.address(destination.host, destination.port)
    if address is None:
        raise LookupError(f"{destination} was not checked against the endpoints")
    lb_endpoint = {"endpoint": {"address": socket_address(*address)}}
    found: Json = {
        "name": destination.cluster,
        "type": "STATIC" if _is_ip(address[0]) else "STRICT_DNS",
        "connect_timeout": "10s",  # Istio's default
        "lb_policy": "LEAST_REQUEST",  # Istio's default
        "circuit_breakers": {"thresholds": [_thresholds()]},
        "common_lb_config": _panic_below(0),
        "load_assignment": {
            "cluster_name": destination.cluster,
            "endpoints": [{"lb_endpoints": [lb_endpoint]}],
        },
    }
    return found | (policy.connections or {}) | (policy.outliers or {}) | (policy.balancer or {})


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _read_policy(fields: Fields | None) -> Policy:
    policy = Policy()
    if fields is None:
        return policy
    if not fields:
        fields.place.refuse("expected connectionPool, outlierDetection or loadBalancer")
    if (pool := fields.child("connectionPool")) is not None:
        policy.connections = _read_connections(pool)
    if (outliers := fields.child("outlierDetection")) is not None:
        policy.outliers = _read_outliers(outliers)
    if (balancer := fields.child("loadBalancer")) is not None:
        balancer.required("simple")
        simple = balancer.one_of("simple", tuple(_BALANCERS))
        policy.balancer = {"lb_policy": _BALANCERS.get(simple or "", "LEAST_REQUEST")}
        balancer.close()
    fields.close()
    return policy


def _thresholds(**limits: int | None) -> Json:
    names = ("max_connections", "max_pending_requests", "max_requests", "max_retries")
    filled = {name: limits.get(name) for name in names}
    return {name: _UNLIMITED if value is None else value for name, value in filled.items()}


def _read_connections(fields: Fields) -> Json:
    tcp, http = fields.child("tcp"), fields.child("http")
    if not fields:
        fields.place.refuse("expected tcp or http")
    fields.close()
    found: Json = {}
    limits: dict[str, int | None] = {}
    common: Json = {}
    protocol = _HTTP_1
    if tcp is not None:
        limits["max_connections"] = tcp.integer("maxConnections", 1)
        found |= present(connect_timeout=tcp.duration("connectTimeout"))
        common |= present(max_connection_duration=tcp.duration("maxConnectionDuration"))
        if (alive := tcp.child("tcpKeepalive")) is not None:
            seconds = {key: alive.duration(key, 1000) for key in ("time", "interval")}
            found["upstream_connection_options"] = {
                "tcp_keepalive": present(
                    keepalive_probes=alive.integer("probes", 1),
                    keepalive_time=_whole(seconds["time"]),
                    keepalive_interval=_whole(seconds["interval"]),
                )
            }
            alive.close()
        tcp.close()
    if http is not None:
        limits["max_pending_requests"] = http.integer("http1MaxPendingRequests", 1)
        limits["max_requests"] = http.integer("http2MaxRequests", 1)
        limits["max_retries"] = http.integer("maxRetries")
        common |= present(
            idle_timeout=http.duration("idleTimeout"),
            max_requests_per_connection=http.integer("maxRequestsPerConnection") or None,
        )
        if http.one_of("h2UpgradePolicy", ("DEFAULT", "DO_NOT_UPGRADE", "UPGRADE")) == "UPGRADE":
            protocol = "http2_protocol_options"
        http.close()
    found["circuit_breakers"] = {"thresholds": [_thresholds(**limits)]}
    if not common and protocol == _HTTP_1:
        return found
    found["typed_extension_protocol_options"] = {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            explicit_http_config={protocol: {}},
            **present(common_http_protocol_options=common),
        )
    }
    return found


def _whole(seconds: str | None) -> int | None:
    return None if seconds is None else int(float(seconds.removesuffix("s")))


def _read_outliers(fields: Fields) -> Json:
    """Read outlier detection as Istio does: success rates off, 0 switches a count off."""
    detection: Json = {"enforcing_success_rate": 0}
    for key, count, enforcing in (
        ("consecutive5xxErrors", "consecutive_5xx", "enforcing_consecutive_5xx"),
        (
            "consecutiveGatewayErrors",
            "consecutive_gateway_failure",
            "enforcing_consecutive_gateway_failure",
        ),
    ):
        if (value := fields.integer(key)) is not None:
            detection |= {count: value, enforcing: 100 if value else 0}
    if fields.boolean("splitExternalLocalOriginErrors"):
        detection["split_external_local_origin_errors"] = True
        detection["enforcing_local_origin_success_rate"] = 0
        if failures := fields.integer("consecutiveLocalOriginFailures"):
            detection["consecutive_local_origin_failure"] = failures
            detection["enforcing_consecutive_local_origin_failure"] = 100
    elif fields.integer("consecutiveLocalOriginFailures"):
        fields.refuse(
            "consecutiveLocalOriginFailures", "counts only with splitExternalLocalOriginErrors"
        )
    detection |= present(
        interval=fields.duration("interval"),
        base_ejection_time=fields.duration("baseEjectionTime"),
        max_ejection_percent=fields.integer("maxEjectionPercent", 0, 100) or None,
    )
    panic = fields.integer("minHealthPercent", 0, 100) or 0
    fields.close()
    return {"outlier_detection": detection, "common_lb_config": _panic_below(panic)}


def _panic_below(percent: int) -> Json:
    """Below this share of healthy instances all are used again; Istio's default is never."""
    return {"healthy_panic_threshold": {"value": percent}}
