"""Setting what the local translator makes beside what istiod makes of the same files.

Both are Envoy's own configuration. Only what must differ is taken out first, and each of that with
its reason; a difference in anything else is named by its field.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from meshsplit.translator.matches import is_catch_all

Json = dict[str, Any]

_NOT_COMPARED_IN_ROUTES = {
    "decorator": "how a trace calls it: held to istiod's by a test of its own",
    "tracing": "the rate of traces: istiod says it in the listener",
    "max_grpc_timeout": "what a client's grpc-timeout may be; Envoy is about to drop the field",
}
_NOT_COMPARED_IN_CLUSTERS = {
    "@type": "says which message it is",
    "name": "the key it is compared under",
    "type": "istiod tells endpoints by EDS, the local gateway knows its own addresses",
    "eds_cluster_config": "as type",
    "load_assignment": "as type",
    "alt_stat_name": "how its statistics are called: Istio marks the name's end by a semicolon",
    "metadata": "which object it comes from",
    "transport_socket": "mutual TLS: processes of one machine have no identities",
    "transport_socket_matches": "as transport_socket",
    "filters": "as transport_socket",
}
COLLECTOR = "outbound|4317||otel-collector"
"""Where spans go. In a cluster that is a Service of another namespace, which has no files here."""
_NOT_COMPARED_IN_TRACING = {
    "custom_tags": "Istio's own: which pod of which cluster",
    "random_sampling": "here each route has it, so that open connections follow a new rate too",
}
_DURATION = re.compile(r"\d+(\.\d+)?s")
_NAMESPACE = r"([a-z0-9-]+)\.[a-z0-9-]+\.svc\.cluster\.local"
_DEFAULTS = {
    "append_action": "APPEND_IF_EXISTS_OR_ADD",
    "denominator": "HUNDRED",
    "lb_policy": "ROUND_ROBIN",
    "numerator": 0,
    "path_redirect": "",
    "port_redirect": 0,
    "response_code": "MOVED_PERMANENTLY",
    "value": 0,
}
"""Values that Envoy's dump leaves out, being what a field has when nothing is said."""


def normal_routes(configuration: Json) -> dict[str, list[Json]]:
    """Return the routes by domain: Istio may put domains of the same routes into one host.

    VirtualServices of one domain come by their names: Istio takes them by their age, which files
    don't have.
    """
    found: dict[str, list[Json]] = {}
    for host in configuration["virtual_hosts"]:
        for domain in host["domains"]:
            routes = [_route(route) for route in host.get("routes", [])]
            found[domain] = sorted(routes, key=lambda r: (is_catch_all(r["match"]), _origin(r)))
    return found


def normal_clusters(clusters: list[Json]) -> dict[str, Json]:
    """Return the clusters by name, without what is of one data plane alone."""
    return {
        str(_plain(cluster["name"])): {
            key: _plain(value, key)
            for key, value in cluster.items()
            if key not in _NOT_COMPARED_IN_CLUSTERS and not _is_default(key, value)
        }
        for cluster in clusters
        if not re.match(rf"{re.escape(COLLECTOR)}\b", cluster["name"])
    }


def operations(configuration: Json) -> dict[str, list[str]]:
    """Return how traces call the requests of each domain's routes."""
    return {
        domain: sorted(
            _without_namespace(route["decorator"]["operation"]) for route in host.get("routes", [])
        )
        for host in configuration["virtual_hosts"]
        for domain in host["domains"]
    }


def normal_tracing(manager: Json) -> Json:
    """Return how a connection manager traces, without what is of one data plane alone."""
    return {
        key: _without_namespace(_plain(value, key))
        for key, value in manager["tracing"].items()
        if key not in _NOT_COMPARED_IN_TRACING
    }


def rates(manager: Json, routes: Json) -> set[float]:
    """Return the shares of requests traced, in per cent: the routes' own, or else the manager's."""
    found = {
        route["tracing"]["random_sampling"]["numerator"] / 100
        for host in routes["virtual_hosts"]
        for route in host.get("routes", [])
        if "tracing" in route
    }
    return found or {float(manager["tracing"]["random_sampling"].get("value", 0))}


def differences(here: Any, there: Any, path: str = "") -> Iterator[str]:
    """Name each field that isn't the same ``here`` (the local gateway) and ``there`` (istiod)."""
    if isinstance(here, Mapping) and isinstance(there, Mapping):
        for key in sorted({*here, *there}):
            place = f"{path}.{key}" if path else str(key)
            if key not in here:
                yield f"{place}: only istiod has it: {there[key]!r}"
            elif key not in there:
                yield f"{place}: only the local gateway has it: {here[key]!r}"
            else:
                yield from differences(here[key], there[key], place)
    elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        for index, (one, other) in enumerate(zip(here, there, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif here != there:
        yield f"{path}: here {here!r}, istiod {there!r}"


def _without_namespace(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_namespace(item) for key, item in value.items()}
    return re.sub(_NAMESPACE, r"\1", value) if isinstance(value, str) else value


def _route(route: Json) -> Json:
    plain: Json = _plain(route)
    action = plain.get("route", {})
    for name in _NOT_COMPARED_IN_ROUTES:
        plain.pop(name, None)
        action.pop(name, None)
    return plain


def _origin(route: Json) -> str:
    return str(route["metadata"]["filter_metadata"]["istio"]["config"])


def _plain(value: Any, key: str = "") -> Any:
    """Take out defaults, and names that have the namespace in them."""
    if isinstance(value, Mapping):
        return {k: _plain(v, k) for k, v in value.items() if not _is_default(k, v)}
    if isinstance(value, list):
        plain = [_plain(item) for item in value]
        if key == "query_parameters":  # Istio keeps them in a map; all must match, in any order
            plain.sort(key=lambda item: str(item["name"]))
        return plain
    if isinstance(value, str):
        if _DURATION.fullmatch(value):
            return f"{float(value[:-1]):g}s"
        value = re.sub(rf"(?<=\|){_NAMESPACE}", r"\1", value)
        return re.sub(r"/namespaces/[a-z0-9-]+/", "/namespaces/default/", value)
    return value


def _is_default(key: str, value: Any) -> bool:
    return key in _DEFAULTS and value == _DEFAULTS[key] and not isinstance(value, bool)
