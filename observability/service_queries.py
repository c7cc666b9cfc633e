"""What a service does and what it needs for it; all by job, which is the service's name."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from observability.query import Query


def _quantile(share: float, histogram: str, labels: str) -> str:
    # The comparison drops what had nothing to measure, whose quantile is NaN.
    return (
        f"histogram_quantile({share},"
        f" sum by ({labels}, le) (rate({histogram}_bucket[{{window}}]))) >= 0"
    )


SERVICE_QUERIES: Final = MappingProxyType(
    {
        "served_rate": Query(
            "How many HTTP requests a second does a service answer, and how?",
            "requests/s",
            "sum by (job, method, route, code) (rate(meshsplit_requests_total[{window}]))",
            traffic=True,
        ),
        "served_p50": Query(
            "How long does half of a service's HTTP requests take at most, by route?",
            "s",
            _quantile(0.5, "meshsplit_request_seconds", "job, method, route"),
            traffic=True,
        ),
        "served_p99": Query(
            "How long does the slowest hundredth of a service's HTTP requests take, by route?",
            "s",
            _quantile(0.99, "meshsplit_request_seconds", "job, method, route"),
            traffic=True,
        ),
        "rpc_rate": Query(
            "How many RPCs a second does a service answer, and how?",
            "calls/s",
            "sum by (job, method, code) (rate(meshsplit_rpcs_total[{window}]))",
            traffic=True,
        ),
        "rpc_p99": Query(
            "How long does the slowest hundredth of a service's RPCs take?",
            "s",
            _quantile(0.99, "meshsplit_rpc_seconds", "job, method"),
            traffic=True,
        ),
        "queue_wait_p99": Query(
            "How long does a record wait for a batch, in the slowest hundredth of batches?",
            "s",
            _quantile(0.99, "meshsplit_queue_wait_seconds", "job"),
            traffic=True,
        ),
        "commit_p50": Query(
            "How long does half of the batches take at most to be committed?",
            "s",
            _quantile(0.5, "meshsplit_commit_seconds", "job"),
            traffic=True,
        ),
        "redis_apply_p99": Query(
            "How long does the slowest hundredth of batches take to get into Redis?",
            "s",
            _quantile(0.99, "meshsplit_redis_apply_seconds", "job"),
            traffic=True,
        ),
        "redis_queue_fill": Query(
            "How full is the queue to Redis? What doesn't fit is read from the ledger later.",
            "ratio",
            "max by (job) (meshsplit_redis_queue_depth / meshsplit_redis_queue_limit)",
        ),
        "pool_fill": Query(
            "Which share of each pool's connections is in use?",
            "ratio",
            "max by (job, pool) (meshsplit_pool_connections / meshsplit_pool_connections_limit)",
        ),
        "loop_lag": Query(
            "How late does a service's event loop come round?",
            "s",
            "max by (job) (meshsplit_loop_lag_seconds)",
        ),
        "processors": Query(
            "How many processors does a service use?",
            "cores",
            "sum by (job) (rate(process_cpu_seconds_total[{window}]))",
        ),
        "memory": Query(
            "How much memory does a service hold?",
            "bytes",
            "sum by (job) (process_resident_memory_bytes)",
        ),
        "open_files": Query(
            "Which share of the files and sockets that it may open does a service have open?",
            "ratio",
            "max by (job) (process_open_fds / process_max_fds)",
        ),
        "running_for": Query(
            "For how long has the youngest process of a service run?",
            "s",
            "min by (job) (time() - process_start_time_seconds)",
        ),
        "service_version": Query(
            "Which version does a service run?",
            "services",
            "count by (job, version) (meshsplit_build_info)",
        ),
        "gateway_connections": Query(
            "How many connections do clients have to the gateway?",
            "connections",
            'sum(envoy_http_downstream_cx_active{envoy_http_conn_manager_prefix!="admin"})',
        ),
        "load_users": Query(
            "How many users does locust play?",
            "users",
            "sum(locust_users)",
        ),
        "spans": Query(
            "What becomes of each service's spans: exported, failed, dropped?",
            "spans/s",
            "sum by (job, outcome) (rate(meshsplit_spans_total[{window}]))",
            traffic=True,
        ),
        "spans_lost_share": Query(
            "Which share of each service's spans is lost, failed or dropped?",
            "ratio",
            'sum by (job) (rate(meshsplit_spans_total{outcome!="exported"}[{window}]))'
            " / (sum by (job) (rate(meshsplit_spans_total[{window}])) > 0)",
            traffic=True,
        ),
        "alerts_firing": Query(
            "Which alerts fire?",
            "alerts",
            'count by (alertname, severity) (ALERTS{alertstate="firing"}) or on () vector(0)',
            traffic=True,
        ),
    }
)
