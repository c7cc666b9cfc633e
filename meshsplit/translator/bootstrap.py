"""What Envoy is started with: its admin address, and where the rest of its configuration is."""

from dataclasses import dataclass
from pathlib import Path

from meshsplit.translator.envoy import Json, socket_address, typed

LISTENERS, ROUTES, CLUSTERS = "lds.json", "rds.json", "cds.json"
"""The names of the three files in the watched folder."""

_RUNTIME: Json = {
    # Spans go in fewer and larger exports than Envoy's (5 spans), and after one second, not five.
    "tracing.opentelemetry.min_flush_spans": 64,
    "tracing.opentelemetry.flush_interval_ms": 1000,
    # None at once: a request is looked at in the loop's next turn, when all of it has been read.
    # Else what Envoy refuses is answered before its body is read, and the connection then closed.
    "http.max_requests_per_io_cycle": 0,
}


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of one local Envoy, under one folder."""

    folder: Path

    @property
    def watched(self) -> Path:
        """Where the configuration's files are moved to; Envoy watches this folder."""
        return self.folder / "xds"

    @property
    def access_log(self) -> Path:
        """The JSON access log."""
        return self.folder / "access.log"

    @property
    def status(self) -> Path:
        """Whether the mesh's files were accepted."""
        return self.folder / "status.json"

    def source(self, file: str) -> Json:
        """Return the Envoy config source of a file in the watched folder."""
        return {
            "resource_api_version": "V3",
            "path_config_source": {
                "path": str(self.watched / file),
                "watched_directory": {"path": str(self.watched)},
            },
        }


def bootstrap(
    layout: Layout,
    admin: tuple[str, int],
    *,
    node: str = "meshsplit-gateway",
    heap_limit: int = 1 << 30,
    connection_limit: int = 20_000,
) -> Json:
    """Return Envoy's bootstrap configuration.

    Args:
        layout: Where the other files are.
        admin: IP address (a loopback one: the admin interface has no login) and port.
        node: The name Envoy goes by in its own statistics.
        heap_limit: Bytes of memory at which Envoy stops taking requests.
        connection_limit: Connections of clients at which it takes no more.
    """
    monitors = "envoy.extensions.resource_monitors"
    return {
        "node": {"id": node, "cluster": "meshsplit"},
        "admin": {"address": socket_address(*admin)},
        "dynamic_resources": {
            "lds_config": layout.source(LISTENERS),
            "cds_config": layout.source(CLUSTERS),
        },
        "layered_runtime": {"layers": [{"name": "static", "static_layer": _RUNTIME}]},
        "overload_manager": {
            "refresh_interval": "0.25s",
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.fixed_heap",
                    "typed_config": typed(
                        f"{monitors}.fixed_heap.v3.FixedHeapConfig", max_heap_size_bytes=heap_limit
                    ),
                },
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": typed(
                        f"{monitors}.downstream_connections.v3.DownstreamConnectionsConfig",
                        max_active_downstream_connections=connection_limit,
                    ),
                },
            ],
            "actions": [
                _heap_action("envoy.overload_actions.shrink_heap", 0.9),
                _heap_action("envoy.overload_actions.stop_accepting_requests", 0.95),
            ],
        },
    }


def command(envoy: str, bootstrap_file: Path, *, concurrency: int = 2) -> list[str]:
    """Return the command line that starts Envoy.

    Hot restart is off: its shared memory is one a machine, and two people may share one.
    """
    return [
        envoy,
        *("--config-path", str(bootstrap_file)),
        *("--concurrency", str(concurrency)),
        *("--log-level", "warning"),
        *("--file-flush-interval-msec", "1000"),  # of the access log; else ten seconds
        "--disable-hot-restart",
    ]


def _heap_action(name: str, threshold: float) -> Json:
    trigger = {"name": "envoy.resource_monitors.fixed_heap", "threshold": {"value": threshold}}
    return {"name": name, "triggers": [trigger]}
