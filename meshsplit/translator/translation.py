"""The whole way from a mesh folder to Envoy's three files."""

from dataclasses import dataclass
from pathlib import Path

from meshsplit.translator.actions import Surroundings
from meshsplit.translator.bootstrap import CLUSTERS, LISTENERS, ROUTES, Layout
from meshsplit.translator.destination_rule import DestinationRule, cluster, read_destination_rule
from meshsplit.translator.documents import Document, read_documents
from meshsplit.translator.endpoints import Endpoints
from meshsplit.translator.envoy import Json, typed
from meshsplit.translator.gateway import read_gateway
from meshsplit.translator.listener import ROUTES as ROUTES_NAME
from meshsplit.translator.listener import listener
from meshsplit.translator.refusal import Refusal, Refused
from meshsplit.translator.telemetry import collector_cluster, read_telemetry, sampled, tracing
from meshsplit.translator.virtual_service import read_virtual_service, virtual_hosts

IDENTITY_HOST = "identity.meshsplit.internal"
"""Asked for this host, the local gateway answers with its run's id: so a run knows its own."""


@dataclass(frozen=True, slots=True)
class Local:
    """What the mesh's files don't say, because it is of this machine and this run."""

    listen: tuple[str, int]
    """IP address and port of the gateway."""
    layout: Layout
    identity: str = ""
    """The run's id; empty: nobody is told."""


@dataclass(frozen=True, slots=True)
class Translation:
    """Envoy's resources."""

    listeners: list[Json]
    routes: list[Json]
    clusters: list[Json]

    def files(self) -> dict[str, Json]:
        """Return the files of the watched folder by name, in the order to write them."""
        kinds = {
            CLUSTERS: ("envoy.config.cluster.v3.Cluster", self.clusters),
            ROUTES: ("envoy.config.route.v3.RouteConfiguration", self.routes),
            LISTENERS: ("envoy.config.listener.v3.Listener", self.listeners),
        }
        return {
            file: {"resources": [typed(kind, **resource) for resource in resources]}
            for file, (kind, resources) in kinds.items()
        }


def translate(mesh: Path, endpoints: Endpoints, local: Local) -> Translation:
    """Translate the folder ``mesh``.

    Raises:
        Refused: with every reason there is, in the files' order.
    """
    refusals: list[Refusal] = []
    documents = read_documents(mesh, refusals)
    by_kind: dict[str, list[Document]] = {}
    for document in documents:
        by_kind.setdefault(document.kind, []).append(document)

    rules = _rules(by_kind.get("DestinationRule", []), endpoints)
    gateways = by_kind.get("Gateway", [])
    for extra in gateways[1:]:
        extra.spec.place.refuse("the local gateway is one; there already is a Gateway")
    if not gateways:
        if not refusals:  # else the reason for that is among them
            refusals.append(Refusal("gateway", "", "", "there is no Gateway"))
        raise Refused(sorted(refusals, key=lambda refusal: refusal.file))
    gateway = read_gateway(gateways[0])
    subsets = {host: frozenset(rule.subsets) for host, rule in rules.items()}
    around = Surroundings(gateway.name, gateway.port, endpoints, subsets)
    services = sorted(by_kind.get("VirtualService", []), key=lambda service: service.name)
    routings = [read_virtual_service(service, gateway, around) for service in services]
    traces = read_telemetry(by_kind.get("Telemetry", []), endpoints)
    if refusals:
        raise Refused(sorted(refusals, key=lambda refusal: refusal.file))

    wanted = {target for routing in routings for target in routing.destinations}
    ordered = sorted(wanted, key=lambda target: target.cluster)
    clusters = [cluster(target, rules.get(target.host), endpoints) for target in ordered]
    if traces is not None:
        rule = rules.get(traces.collector.host)
        clusters.append(collector_cluster(cluster(traces.collector, rule, endpoints)))
    return Translation(
        listeners=[
            listener(
                local.listen,
                local.layout.source(ROUTES),
                access_log=str(local.layout.access_log),
                tracing=tracing(traces),
            )
        ],
        routes=[_route_configuration(sampled(virtual_hosts(routings), traces), local.identity)],
        clusters=clusters,
    )


def _rules(documents: list[Document], endpoints: Endpoints) -> dict[str, DestinationRule]:
    rules: dict[str, DestinationRule] = {}
    for document in documents:
        rule = read_destination_rule(document, endpoints)
        if rule.host in rules:
            document.spec.refuse("host", f"there already is a DestinationRule for {rule.host}")
        elif rule.host:
            rules[rule.host] = rule
    return rules


def _route_configuration(hosts: list[Json], identity: str) -> Json:
    if identity:
        answer = {"status": 200, "body": {"inline_string": identity}}
        own: Json = {
            "name": "identity",
            "domains": [IDENTITY_HOST],
            "routes": [{"name": "identity", "match": {"prefix": "/"}, "direct_response": answer}],
        }
        hosts = [*hosts, own]
    return {
        "name": ROUTES_NAME,
        "virtual_hosts": hosts,
        "validate_clusters": False,
        "ignore_port_in_host_matching": True,
        "max_direct_response_body_size_bytes": 1 << 20,
    }
