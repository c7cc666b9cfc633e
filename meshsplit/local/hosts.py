"""Where the hosts that mesh/ names are on this machine, as the agent is told."""

from urllib.parse import urlsplit

from meshsplit.local.settings import PREFIX, LocalSettings
from meshsplit.local.stack import load_stack

OTLP = "otlp"
"""The port that spans go to, by its name in the stack's file."""
OTLP_ENDPOINT = f"{PREFIX}OTLP_ENDPOINT"
"""The setting that names another collector than this run's own."""


def otlp_endpoint(settings: LocalSettings) -> str:
    """Return where spans go: this run's own store, or the collector that a setting names."""
    own = f"http://127.0.0.1:{settings.ports.get(OTLP, 0)}"
    return settings.passed_on.get(OTLP_ENDPOINT, own)


def addresses(settings: LocalSettings) -> dict[str, str]:
    """Return the address of each host and port of the mesh.

    Raises StackError when the stack's file makes no sense.
    """
    collector = urlsplit(otlp_endpoint(settings)).netloc
    return {
        host: collector if port == OTLP else f"127.0.0.1:{settings.ports[port]}"
        for host, port in load_stack(settings.stack).hosts.items()
    }
