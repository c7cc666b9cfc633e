"""Which rule of the mesh's files a request came by, from what the access log says of it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from meshsplit.routing.request import Request
from meshsplit.routing.telling import told
from meshsplit.translator.bootstrap import Layout
from meshsplit.translator.documents import read_resources
from meshsplit.translator.endpoints import Endpoints
from meshsplit.translator.refusal import Refused
from meshsplit.translator.translation import Local, translate


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, and where it stands."""

    name: str
    service: str
    """The VirtualService."""
    file: str
    """Relative to the mesh's folder; empty: the files have no such VirtualService any more."""
    does: dict[str, Any] = field(default_factory=dict)
    """What it does with its requests now; empty: the files have no such rule any more."""
    refused: bool = False
    """Whether the files as they are now make no configuration, so that nothing is known of it."""


def rule_of(mesh: Path, name: str, config: str, method: str, path: str) -> Rule:
    """Return a rule by its name and by the config that it is of (Istio's mark on a route)."""
    service = config.rpartition("/")[2]
    files = {
        str(metadata.get("name")): found.file
        for found in read_resources(mesh, [])
        if isinstance(found.content, dict) and found.content.get("kind") == "VirtualService"
        if isinstance(metadata := found.content.get("metadata"), dict)
    }
    try:
        endpoints = Endpoints({}, others_by_name=True)
        made = translate(mesh, endpoints, Local(("127.0.0.1", 1), Layout(Path())))
    except Refused:
        return Rule(name, service, files.get(service, ""), refused=True)
    for host in made.routes[0]["virtual_hosts"]:
        for route in host["routes"]:
            origin = route.get("metadata", {}).get("filter_metadata", {}).get("istio", {})
            if route.get("name", "") == name and origin.get("config") == config:
                does = told(route, Request.of(method, path, []))
                return Rule(name, service, files.get(service, ""), does)
    return Rule(name, service, files.get(service, ""))
