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
    "decorator": "how a trace calls it; the local gateway traces nothing",
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
_DURATION = re.compile(r"\d+(\.\d+)?s")
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
    }


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
        value = re.sub(r"(\|[a-z0-9-]+)\.[a-z0-9-]+\.svc\.cluster\.local", r"\1", value)
        return re.sub(r"/namespaces/[a-z0-9-]+/", "/namespaces/default/", value)
    return value


def _is_default(key: str, value: Any) -> bool:
    return key in _DEFAULTS and value == _DEFAULTS[key] and not isinstance(value, bool)
