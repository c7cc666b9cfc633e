"""The table of signals: what each service must emit, a row each.

A span's parent or link is written as "service: name of the span". A new metric or span of a service
goes into its row here; `tests/integration/test_signals.py` makes a test of each entry, on the real
system, and `tests/unit/test_signals_table.py` says what the documents name and no row has.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

EVERY_SERVICE = (
    "meshsplit_build_info",
    "meshsplit_loop_lag_seconds",
    "meshsplit_request_seconds",
    "meshsplit_requests_total",
    "meshsplit_span_queue_depth",
    "meshsplit_span_queue_limit",
    "meshsplit_spans_total",
    "process_cpu_seconds_total",
    "process_open_fds",
    "process_resident_memory_bytes",
    "python_gc_collections_total",
)
EVERY_WRITER = (
    "meshsplit_batch_records",
    "meshsplit_commit_seconds",
    "meshsplit_queue_depth",
    "meshsplit_queue_limit",
    "meshsplit_queue_wait_seconds",
    "meshsplit_store_up",
)
EVERY_ARM = ("meshsplit_problems_total", "meshsplit_records_total")
EVERY_USER_OF_MYSQL = ("meshsplit_pool_connections", "meshsplit_pool_connections_limit")
EVERY_LINE = ("level", "time", "service", "message")
UNDER_A_SPAN = (*EVERY_LINE, "trace_id", "span_id")

RECORD_BATCH = "/grades.v1.RecorderService/RecordBatch"
ADDS = "INSERT records INSERT enrolments …"
"""What a batch does before its COMMIT; what follows depends on what the batches before it had."""
COUNT = "GET /api/v1/records/count"


@dataclass(frozen=True)
class Signals:
    """One service's row."""

    service: str
    port: str
    """Where its metrics are: a port of stack.toml, and on the gateway Envoy's own."""
    metrics: tuple[str, ...]
    spans: tuple[str, ...]
    parents: Mapping[str, str] = field(default_factory=dict)
    """Spans by name that must stand below a span of this service and name."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Spans by name that must be linked to a span of this service and name."""
    log_fields: tuple[str, ...] = UNDER_A_SPAN
    """What a line of its log has, of those that have most of these."""


TABLE = (
    Signals(
        "gateway",
        "envoy_admin",
        metrics=(
            "envoy_cluster_upstream_rq",
            "envoy_cluster_upstream_rq_time",
            "envoy_http_downstream_rq_xx",
            "envoy_tracing_opentelemetry_spans_sent",
        ),
        spans=(
            "records:80/",
            "router outbound|8000||ingest egress",
            "router outbound|8000||bridge egress",
            "reporter:8000/api/v1/*",
        ),
        parents={
            "router outbound|8000||ingest egress": "gateway: records:80/",
            "router outbound|8000||bridge egress": "gateway: records:80/",
            "router outbound|8000||reporter egress": "gateway: reporter:8000/api/v1/*",
        },
        log_fields=(
            *("time", "route", "rule_of", "method", "path", "status", "status_details"),
            *("response_flags", "cluster", "upstream_host", "duration_ms", "upstream_ms"),
            *("attempts", "client", "request_id", "trace_id"),
        ),
    ),
    Signals(
        "ingest",
        "ingest",
        metrics=(
            *EVERY_SERVICE,
            *EVERY_WRITER,
            *EVERY_ARM,
            *EVERY_USER_OF_MYSQL,
            "meshsplit_redis_apply_seconds",
            "meshsplit_redis_behind_seconds",
            "meshsplit_redis_queue_depth",
            "meshsplit_redis_queue_limit",
        ),
        spans=("POST /", "store batch", ADDS, "COMMIT", "EVALSHA"),
        parents={
            "POST /": "gateway: router outbound|8000||ingest egress",
            ADDS: "ingest: store batch",
            "COMMIT": "ingest: store batch",
            "EVALSHA": "ingest: store batch",
        },
        links={"POST /": "ingest: store batch", "store batch": "ingest: POST /"},
    ),
    Signals(
        "bridge",
        "bridge",
        metrics=(*EVERY_SERVICE, *EVERY_WRITER, *EVERY_ARM),
        spans=("POST /", "store batch", RECORD_BATCH),
        parents={
            "POST /": "gateway: router outbound|8000||bridge egress",
            RECORD_BATCH: "bridge: store batch",
        },
        links={"POST /": "bridge: store batch", "store batch": "bridge: POST /"},
    ),
    Signals(
        "recorder",
        "recorder",
        metrics=(
            *EVERY_SERVICE,
            *EVERY_WRITER,
            *EVERY_USER_OF_MYSQL,
            "meshsplit_recorder_records_total",
            "meshsplit_rpc_seconds",
            "meshsplit_rpcs_total",
        ),
        spans=(RECORD_BATCH, "store record", "store batch", ADDS, "COMMIT"),
        parents={
            RECORD_BATCH: f"bridge: {RECORD_BATCH}",
            "store record": "bridge: POST /",
            ADDS: "recorder: store batch",
            "COMMIT": "recorder: store batch",
        },
        links={"store record": "recorder: store batch", "store batch": "recorder: store record"},
    ),
    Signals(
        "reporter",
        "reporter",
        metrics=(
            *EVERY_SERVICE,
            *EVERY_USER_OF_MYSQL,
            "meshsplit_split_arm_info",
            "meshsplit_split_changed_timestamp_seconds",
            "meshsplit_split_decisions",
            "meshsplit_split_evidence",
            "meshsplit_split_needed_requests",
            "meshsplit_split_result",
            "meshsplit_split_share_ratio",
            "meshsplit_split_weight_ratio",
            "meshsplit_store_up",
            "meshsplit_websocket_clients",
            "meshsplit_websocket_clients_limit",
        ),
        spans=(COUNT, "SELECT record_totals"),
        parents={
            COUNT: "gateway: router outbound|8000||reporter egress",
            "SELECT record_totals": f"reporter: {COUNT}",
        },
    ),
    Signals(
        "shadow",
        "shadow",
        metrics=EVERY_SERVICE,
        spans=("POST /",),
        log_fields=EVERY_LINE,  # it has no store to miss, and says nothing of single requests
    ),
)


def entries() -> Iterator[tuple[Signals, str, str, str]]:
    """Yield each entry: its row, its kind, what it is, and for an edge what it leads to."""
    for row in TABLE:
        yield from ((row, "metric", name, "") for name in row.metrics)
        yield from ((row, "span", name, "") for name in row.spans)
        yield from ((row, "parent", *edge) for edge in row.parents.items())
        yield from ((row, "link", *edge) for edge in row.links.items())
        yield from ((row, "log field", name, "") for name in row.log_fields)
