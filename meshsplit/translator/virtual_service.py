"""Istio's VirtualService: which request goes where."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from meshsplit.translator.actions import (
    Surroundings,
    read_direct_response,
    read_forward,
    read_redirect,
)
from meshsplit.translator.cors import read_cors
from meshsplit.translator.documents import ARMS, Document
from meshsplit.translator.endpoints import Destination
from meshsplit.translator.envoy import Json, present
from meshsplit.translator.faults import read_fault
from meshsplit.translator.fields import Fields, Place
from meshsplit.translator.gateway import Gateway
from meshsplit.translator.headers import read_headers
from meshsplit.translator.matches import is_catch_all, read_match
from meshsplit.translator.telemetry import operation

_ACTIONS = ("route", "redirect", "directResponse")


@dataclass(slots=True)
class Routing:
    """What a VirtualService asks for, in Envoy's terms."""

    hosts: list[str] = field(default_factory=list)
    routes: list[Json] = field(default_factory=list)
    destinations: list[Destination] = field(default_factory=list)
    mirrored: list[tuple[Place, Destination]] = field(default_factory=list)


def read_virtual_service(document: Document, gateway: Gateway, around: Surroundings) -> Routing:
    """Read one VirtualService."""
    spec = document.spec
    routing = Routing()
    spec.required("hosts")
    for index, host in enumerate(spec.texts("hosts")):
        if gateway.serves(host):
            routing.hosts.append(host)
        else:
            spec.place.at("hosts").at(index).refuse(f"no server of {gateway.name} serves {host}")
    spec.required("gateways")
    if "gateways" in spec and gateway.name not in spec.texts("gateways"):
        spec.refuse("gateways", f"there is only the gateway {gateway.name!r} here")
    spec.required("http")
    for rule in spec.children("http"):
        _read_rule(rule, document.name, around, routing)
    spec.close()
    if ARMS in document.annotations:
        _refuse_copies_to_arms(routing)
    routing.destinations += [destination for _, destination in routing.mirrored]
    return routing


def _refuse_copies_to_arms(routing: Routing) -> None:
    """Refuse a mirror to where the records go: Istio doesn't mark a copy, so it would be stored."""
    hosts = {destination.host for destination in routing.destinations}
    for place, destination in routing.mirrored:
        if destination.host in hosts:
            place.refuse(f"{destination.host} stores what it gets; mirror to one that doesn't")


def virtual_hosts(routings: Iterable[Routing]) -> list[Json]:
    """Merge the routes of all VirtualServices by host.

    As in Istio, the services come in order (there by age, then name; files have only names),
    and rules that take every request go to the end.
    """
    merged: dict[str, list[Json]] = {}
    for routing in routings:
        for host in routing.hosts:
            merged.setdefault(host, []).extend(routing.routes)
    return [
        {
            "name": f"{host}:80",
            "domains": [host],
            "routes": sorted(routes, key=lambda route: is_catch_all(route["match"])),
            "include_request_attempt_count": True,
        }
        for host, routes in sorted(merged.items())
    ]


def _read_rule(rule: Fields, service: str, around: Surroundings, routing: Routing) -> None:
    name = rule.text("name") or ""
    matches = [read_match(child, around.gateway) for child in rule.children("match")]
    rule.at_most_one(*_ACTIONS)
    route: Json = {}
    operations, host = read_headers(rule.child("headers"))
    filters = read_fault(rule.child("fault")) | read_cors(rule.child("corsPolicy"))
    if (redirect := rule.child("redirect")) is not None:
        route["redirect"] = read_redirect(redirect, around.port)
    elif (response := rule.child("directResponse")) is not None:
        route["direct_response"] = read_direct_response(response)
    elif "route" in rule:
        forward = read_forward(rule, around, host)
        route["route"] = forward.action
        for key, values in forward.operations.items():
            operations[key] = [*operations.get(key, []), *values]
        routing.destinations += forward.destinations
        routing.mirrored += forward.mirrored
    else:
        rule.place.refuse(f"expected one of {', '.join(_ACTIONS)}")
    rule.close()
    for match_name, match in matches or [("", {"prefix": "/"})]:
        if routing.routes and is_catch_all(routing.routes[-1]["match"]):
            return  # as Istio does: nothing after a rule that takes every request is reached
        routing.routes.append(
            {
                **present(name=".".join(part for part in (name, match_name) if part)),
                "match": match,
                **route,
                "decorator": {"operation": operation(match, route, service, around.port)},
                **operations,
                **present(typed_per_filter_config=filters),
                # Istio's own mark: which resource a route comes from.
                "metadata": {
                    "filter_metadata": {
                        "istio": {
                            "config": "/apis/networking.istio.io/v1/namespaces/default/"
                            f"virtual-service/{service}"
                        }
                    }
                },
            }
        )
