"""What becomes of a request, as data and in words."""

from typing import Any
from urllib.parse import urlunsplit

from meshsplit.routing.request import Request
from meshsplit.translator.envoy import Json

_CODES = {
    "MOVED_PERMANENTLY": 301,
    "FOUND": 302,
    "SEE_OTHER": 303,
    "TEMPORARY_REDIRECT": 307,
    "PERMANENT_REDIRECT": 308,
}


def told(route: Json, request: Request) -> dict[str, Any]:
    """Return which rule a route is of, and what it does with the request."""
    config = route["metadata"]["filter_metadata"]["istio"]["config"]
    found: dict[str, Any] = {
        "rule": route.get("name", ""),
        "virtual_service": config.rpartition("/")[2],
    }
    if "redirect" in route:
        found["redirect"] = _redirect(route["redirect"], request)
    elif "direct_response" in route:
        found["answer"] = route["direct_response"]["status"]
    else:
        found |= _forward(route["route"])
    if faults := _faults(route):
        found["faults"] = faults
    return found


def _redirect(action: Json, request: Request) -> dict[str, Any]:
    host, _, port = request.authority.partition(":")
    host, port = action.get("host_redirect", host), str(action.get("port_redirect", port))
    authority = f"{host}:{port}" if port else host
    path = action.get("path_redirect", request.path)
    path, _, query = path.partition("?")
    parts = (action.get("scheme_redirect", "http"), authority, path, query or request.query, "")
    return {"status": _CODES[action["response_code"]], "location": urlunsplit(parts)}


def _forward(action: Json) -> dict[str, Any]:
    if "cluster" in action:
        clusters = [{"name": action["cluster"], "weight": 1}]
    else:
        clusters = action["weighted_clusters"]["clusters"]
    total = sum(cluster["weight"] for cluster in clusters)
    return {
        "destinations": [
            {**_destination(item["name"]), "percent": 100 * item["weight"] / total}
            for item in clusters
        ],
        "mirrors": [
            {**_destination(item["cluster"]), "percent": _percent(item["runtime_fraction"])}
            for item in action.get("request_mirror_policies", [])
        ],
        "timeout": action["timeout"],
        "retries": action.get("retry_policy", {}).get("num_retries", 0),
    }


def _destination(cluster: str) -> dict[str, Any]:
    _, port, subset, host = cluster.split("|")
    return {"host": host, "port": int(port), "subset": subset}


def _percent(fraction: Json) -> float:
    value = fraction.get("default_value", fraction)
    per = {"HUNDRED": 1, "MILLION": 10_000}[value["denominator"]]
    return float(value["numerator"] / per)


def _faults(route: Json) -> dict[str, Any]:
    fault = route.get("typed_per_filter_config", {}).get("envoy.filters.http.fault", {})
    found: dict[str, Any] = {}
    if delay := fault.get("delay"):
        found["delay"] = {"of": delay["fixed_delay"], "percent": _percent(delay["percentage"])}
    if abort := fault.get("abort"):
        found["abort"] = {"with": abort["http_status"], "percent": _percent(abort["percentage"])}
    return found


def in_words(found: dict[str, Any]) -> str:
    """Say it in a few lines."""
    lines = [f"rule {found['rule'] or '(without a name)'} of {found['virtual_service']}"]
    if "redirect" in found:
        lines.append(f"  {found['redirect']['status']} to {found['redirect']['location']}")
    elif "answer" in found:
        lines.append(f"  {found['answer']}, answered by the gateway itself")
    else:
        lines += [f"  {_share(item)} {_place(item)}" for item in found["destinations"]]
        lines += [f"  {_share(item)} copied to {_place(item)}" for item in found["mirrors"]]
        timeout = "none" if found["timeout"] == "0s" else found["timeout"]
        lines.append(f"  timeout {timeout}, retries {found['retries'] or 'none'}")
    faults = found.get("faults", {})
    if delay := faults.get("delay"):
        lines.append(f"  {_share(delay)} delayed by {delay['of']} (a fault)")
    if abort := faults.get("abort"):
        lines.append(f"  {_share(abort)} answered {abort['with']} by the gateway (a fault)")
    return "\n".join(lines)


def _place(item: dict[str, Any]) -> str:
    subset = f", subset {item['subset']}" if item["subset"] else ""
    return f"{item['host']}:{item['port']}{subset}"


def _share(item: dict[str, Any]) -> str:
    return f"{item['percent']:6.4g} %"
