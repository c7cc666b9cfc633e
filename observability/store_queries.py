"""How the writers, the stores and what waits for them fare."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from observability.query import Query

STORE_QUERIES: Final = MappingProxyType(
    {
        "queue_fill": Query(
            "How full is each writer's queue? At 1 it refuses.",
            "ratio",
            "max by (job) (meshsplit_queue_depth / meshsplit_queue_limit)",
        ),
        "batch_size": Query(
            "How many records does a batch hold on average?",
            "records",
            "sum by (job) (rate(meshsplit_batch_records_sum[{window}]))"
            " / (sum by (job) (rate(meshsplit_batch_records_count[{window}])) > 0)",
            traffic=True,
        ),
        "writer_busy": Query(
            "Which share of the time is each writer storing a batch? At 1 its queue grows.",
            "ratio",
            "sum by (job) (rate(meshsplit_commit_seconds_sum[{window}]))",
            traffic=True,
        ),
        "commit_p99": Query(
            "How long does the slowest hundredth of batches take to be committed?",
            "s",
            "histogram_quantile(0.99,"
            " sum by (job, le) (rate(meshsplit_commit_seconds_bucket[{window}]))) >= 0",
            traffic=True,
        ),
        "redis_behind": Query(
            "How far are the live figures behind the ledger?",
            "s",
            "max(meshsplit_redis_behind_seconds)",
        ),
        "stores_up": Query(
            "Does every service reach its stores? 1 is yes.",
            "boolean",
            "min by (job, store) (meshsplit_store_up)",
        ),
    }
)
