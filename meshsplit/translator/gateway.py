"""Istio's Gateway: which hosts the one listener answers for."""

from dataclasses import dataclass

from meshsplit.translator.documents import Document


@dataclass(frozen=True, slots=True)
class Gateway:
    """The gateway's name, its port, and the host patterns (``*``, ``*.example.org``) it serves."""

    name: str
    hosts: tuple[str, ...]
    port: int = 80
    """The number its servers have; the local gateway listens elsewhere (stack.toml)."""

    def serves(self, host: str) -> bool:
        """Whether requests for ``host`` come in here."""
        return any(_covers(pattern, host) for pattern in self.hosts)


def read_gateway(document: Document) -> Gateway:
    """Read a Gateway. Its servers share the one port that the local gateway listens on."""
    spec = document.spec
    spec.text_map("selector")  # which pods: of no meaning where there are none
    spec.required("servers")
    hosts: list[str] = []
    ports: set[int] = set()
    for server in spec.children("servers"):
        server.required("port")
        server.required("hosts")
        if (port := server.child("port")) is not None:
            port.required("number")
            number = port.integer("number", 1, 65535)
            port.required("protocol")
            port.one_of("protocol", ("HTTP",))
            port.text("name")
            port.close()
            if number is not None:
                ports.add(number)
                if len(ports) > 1:
                    server.refuse("port", "the local gateway listens on one port only")
        server.text("name")
        # A host may be written with the namespaces it is for: ns/host.
        hosts += [host.rpartition("/")[2] for host in server.texts("hosts")]
        server.close()
    spec.close()
    return Gateway(document.name, tuple(hosts), min(ports, default=80))


def _covers(pattern: str, host: str) -> bool:
    if pattern in ("*", host):
        return True
    return pattern.startswith("*.") and host.endswith(pattern[1:])
