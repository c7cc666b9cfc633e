"""What a rule does with its requests: send them on, redirect them, or answer them."""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass

from meshsplit.translator.endpoints import Destination, Endpoints
from meshsplit.translator.envoy import Json, present
from meshsplit.translator.faults import percentage
from meshsplit.translator.fields import Fields, Place
from meshsplit.translator.headers import read_headers
from meshsplit.translator.retries import read_retries

_REDIRECTS = {
    301: "MOVED_PERMANENTLY",
    302: "FOUND",
    303: "SEE_OTHER",
    307: "TEMPORARY_REDIRECT",
    308: "PERMANENT_REDIRECT",
}
_DERIVED_PORTS = ("FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT")
_ALWAYS: Json = {"numerator": 100, "denominator": "HUNDRED"}
"""Istio: a mirror without a percentage gets every request."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a rule may refer to."""

    gateway: str
    port: int
    endpoints: Endpoints
    subsets: Mapping[str, frozenset[str]]
    """The subsets that DestinationRules define, by host."""


@dataclass(frozen=True, slots=True)
class Forward:
    """Requests that are sent on."""

    action: Json
    """Envoy's RouteAction."""
    operations: Json
    """Header operations of the one destination; of several, each cluster has its own."""
    destinations: list[Destination]
    mirrored: list[tuple[Place, Destination]]
    """Where copies go, and where the files say so."""


def read_forward(rule: Fields, around: Surroundings, authority: str | None = None) -> Forward:
    """Read ``route`` and what belongs to it.

    ``authority`` is the Host that the rule's header operations set: it comes before a
    destination's own.
    """
    action, operations, destinations = _weighted(rule, around)
    action |= present(host_rewrite_literal=authority)
    rewrite = rule.child("rewrite")
    if rewrite is not None:
        action |= present(
            prefix_rewrite=rewrite.text("uri"), host_rewrite_literal=rewrite.text("authority")
        )
        rewrite.at_most_one("uri", "uriRegexRewrite")
        if authority is not None and "authority" in rewrite:
            rewrite.refuse("authority", "the rule's headers set the host too")
        if (pattern := rewrite.child("uriRegexRewrite")) is not None:
            pattern.required("match")
            pattern.required("rewrite")
            action["regex_rewrite"] = {
                "pattern": {"regex": pattern.text("match")},
                "substitution": pattern.text("rewrite"),
            }
            pattern.close()
        if not rewrite:
            rewrite.place.refuse("expected uri, uriRegexRewrite or authority")
        rewrite.close()
    # Istio: no timeout unless there is one.
    timeout = rule.duration("timeout", minimum_ms=0) or "0s"
    action["timeout"] = timeout
    if (retries := read_retries(rule.child("retries"))) is not None:
        action["retry_policy"] = retries
    mirrors, mirrored = _mirrors(rule, around)
    action |= present(request_mirror_policies=mirrors)
    return Forward(action, operations, destinations, mirrored)


def _weighted(rule: Fields, around: Surroundings) -> tuple[Json, Json, list[Destination]]:
    """Return the action, the header operations of a single destination, and all destinations."""
    entries = rule.children("route")
    found: list[tuple[Destination, int, Json]] = []
    total = 0
    alone = len(entries) == 1
    host: str | None = None
    for entry in entries:
        entry.required("destination")
        weight = entry.integer("weight") or 0
        if alone and "weight" not in entry:
            weight = 100
        operations, host = read_headers(entry.child("headers"))
        if host is not None:
            operations["host_rewrite_literal"] = host
        child = entry.child("destination")
        entry.close()
        total += weight
        if child is not None:
            destination = around.endpoints.read(child, around.subsets)
            if destination is not None:
                found.append((destination, weight, operations))
    if total == 0:
        rule.refuse("route", "the weights add up to 0")
    if alone and found:
        destination, _, operations = found[0]
        host = operations.pop("host_rewrite_literal", None)
        action = {"cluster": destination.cluster, **present(host_rewrite_literal=host)}
        return action, operations, [destination]
    clusters = [
        {"name": destination.cluster, "weight": weight, **operations}
        for destination, weight, operations in found
        if weight > 0  # as Istio does: a destination of weight 0 isn't there
    ]
    return {"weighted_clusters": {"clusters": clusters}}, {}, [item[0] for item in found]


def _mirrors(
    rule: Fields, around: Surroundings
) -> tuple[list[Json], list[tuple[Place, Destination]]]:
    rule.at_most_one("mirror", "mirrors")
    policies: list[Json] = []
    mirrored: list[tuple[Place, Destination]] = []
    default = percentage(rule, "mirrorPercentage") or _ALWAYS
    targets: list[tuple[Fields, Json]] = []
    if (mirror := rule.child("mirror")) is not None:
        targets.append((mirror, default))
    elif "mirrorPercentage" in rule:
        rule.refuse("mirrorPercentage", "there is no mirror")
    for entry in rule.children("mirrors"):
        entry.required("destination")
        child = entry.child("destination")
        share = percentage(entry, "percentage") or _ALWAYS
        entry.close()
        if child is not None:
            targets.append((child, share))
    for child, share in targets:
        destination = around.endpoints.read(child, around.subsets)
        if destination is not None and share["numerator"]:
            mirrored.append((child.place, destination))
            policies.append(
                {
                    "cluster": destination.cluster,
                    "runtime_fraction": {"default_value": share},
                    "trace_sampled": False,
                    # As Istio does since 1.28: a copy's Host is the request's, without a mark.
                    "disable_shadow_host_suffix_append": True,
                }
            )
    return policies, mirrored


def read_redirect(fields: Fields, port: int) -> Json:
    """Read HTTPRedirect as Envoy's RedirectAction; ``port`` is the Gateway's."""
    code = fields.integer("redirectCode", 301, 308)
    if code is not None and code not in _REDIRECTS:
        fields.refuse("redirectCode", f"expected one of {', '.join(map(str, _REDIRECTS))}")
    fields.at_most_one("port", "derivePort")
    scheme = fields.one_of("scheme", ("http", "https"))
    asked = fields.integer("port", 1, 65535)
    if fields.one_of("derivePort", _DERIVED_PORTS) == "FROM_REQUEST_PORT":
        asked = port
    if (asked, scheme or "http") in {(80, "http"), (443, "https")}:
        asked = None  # a URL says it by its scheme
    action = present(
        path_redirect=fields.text("uri"),
        host_redirect=fields.text("authority"),
        scheme_redirect=scheme,
        port_redirect=asked,
    )
    if not fields:
        fields.place.refuse("expected uri, authority, scheme or port")
    fields.close()
    return {**action, "response_code": _REDIRECTS.get(code or 301, "MOVED_PERMANENTLY")}


def read_direct_response(fields: Fields) -> Json:
    """Read HTTPDirectResponse as Envoy's DirectResponseAction."""
    fields.required("status")
    action: Json = {"status": fields.integer("status", 200, 599)}
    if (body := fields.child("body")) is not None:
        body.at_most_one("string", "bytes")
        text, encoded = body.text("string"), body.text("bytes")
        if encoded is not None:
            try:
                b64decode(encoded, validate=True)
            except Base64Error:
                body.refuse("bytes", "not base64")
        action["body"] = present(inline_string=text, inline_bytes=encoded)
        body.close()
    fields.close()
    return action
