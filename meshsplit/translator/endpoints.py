"""Where the hosts that the mesh names can be reached from this machine."""

from collections.abc import Mapping
from dataclasses import dataclass

from meshsplit.translator.fields import Fields


@dataclass(frozen=True, slots=True)
class Destination:
    """A host of the mesh, one of its ports, and maybe a subset."""

    host: str
    port: int
    subset: str = ""

    @property
    def cluster(self) -> str:
        """The name of its Envoy cluster, in Istio's form."""
        return f"outbound|{self.port}|{self.subset}|{self.host}"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses (``127.0.0.1:8001``) by host, or by ``host:port`` where one has several ports."""

    addresses: Mapping[str, str]
    service_port: int = 8000
    """The port number that a host without one has in the mesh's files."""
    others_by_name: bool = False
    """Whether a host that isn't here is taken by its name, for DNS to find; else it is refused."""

    def knows(self, host: str) -> bool:
        """Whether the host is there at all."""
        return self.others_by_name or any(
            key.rpartition(":")[0] == host or key == host for key in self.addresses
        )

    def _ports(self, host: str) -> list[str]:
        return [key for key in self.addresses if key.rpartition(":")[0] == host]

    def address(self, host: str, port: int) -> tuple[str, int] | None:
        """Return IP address and port, or None if the host has no such port."""
        found = self.addresses.get(f"{host}:{port}")
        if found is None and port == self.service_port:
            found = self.addresses.get(host)
        if found is None:
            return (host, port) if self.others_by_name else None
        ip, _, number = found.rpartition(":")
        return ip.strip("[]"), int(number)

    def read(self, fields: Fields, subsets: Mapping[str, frozenset[str]]) -> Destination | None:
        """Read Istio's Destination; an unknown host, port or subset is refused."""
        fields.required("host")
        host = fields.text("host")
        subset = fields.text("subset") or ""
        port_fields = fields.child("port")
        port: int | None = self.service_port
        if port_fields is None and host is not None and len(self._ports(host)) > 1:
            fields.refuse("port", f"{host} has several ports; say which")
        if port_fields is not None:
            port_fields.required("number")
            port = port_fields.integer("number", 1, 65535)
            port_fields.close()
        fields.close()
        if host is None or port is None:
            return None
        if not self.knows(host):
            known = ", ".join(sorted(self.addresses))
            fields.refuse("host", f"unknown host {host!r}; known here: {known}")
            return None
        if self.address(host, port) is None:
            fields.refuse("port", f"{host} has no port {port}")
            return None
        if subset and subset not in subsets.get(host, frozenset()):
            fields.refuse("subset", f"no DestinationRule for {host} has a subset {subset!r}")
            return None
        return Destination(host, port, subset)
