"""Every PromQL query that is worth asking, named once.

Each comes with the question it answers and its unit. ``{window}`` is how far back to look; a
window holds at least four scrapes, so that rate() has something to go by.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

WINDOW: Final = "30s"


@dataclass(frozen=True)
class Query:
    """A question to Prometheus."""

    answers: str
    unit: str
    promql: str
    traffic: bool = False
    """Whether it has series only once there was traffic."""

    def over(self, window: str = WINDOW) -> str:
        """Return the PromQL for a window such as ``30s``."""
        return self.promql.replace("{window}", window)


QUERIES: Final = MappingProxyType(
    {
        "request_rate": Query(
            "How many records a second does each arm get, as the arm itself counts?",
            "requests/s",
            'sum by (arm) (rate(meshsplit_requests_total{arm!=""}[{window}]))',
            traffic=True,
        ),
        "error_share": Query(
            "Which share of each arm's answers is a 5xx?",
            "ratio",
            'sum by (arm) (rate(meshsplit_requests_total{arm!="",code=~"5.."}[{window}]))'
            ' or 0 * sum by (arm) (rate(meshsplit_requests_total{arm!=""}[{window}]))',
            traffic=True,
        ),
        "request_p99": Query(
            "How long does the slowest hundredth of each arm's requests take?",
            "s",
            # The comparison drops an arm without requests, whose quantile is NaN.
            "histogram_quantile(0.99,"
            ' sum by (arm, le) (rate(meshsplit_request_seconds_bucket{arm!=""}[{window}]))) >= 0',
            traffic=True,
        ),
        "gateway_share": Query(
            "Which share of the gateway's requests goes to each cluster?",
            "ratio",
            "sum by (envoy_cluster_name) (rate(envoy_cluster_upstream_rq_total[{window}]))"
            " / scalar(sum(rate(envoy_cluster_upstream_rq_total[{window}])))",
            traffic=True,
        ),
        "gateway_answers": Query(
            "How many answers of each class does the gateway give?",
            "answers/s",
            "sum by (envoy_response_code_class) (rate(envoy_http_downstream_rq_xx[{window}]))",
            traffic=True,
        ),
        "record_outcomes": Query(
            "What becomes of records: stored, refused, unknown?",
            "records/s",
            "sum by (arm, outcome) (rate(meshsplit_records_total[{window}]))",
            traffic=True,
        ),
        "queue_fill": Query(
            "How full is each writer's queue? At 1 it refuses.",
            "ratio",
            "max by (job) (meshsplit_queue_depth / meshsplit_queue_limit)",
        ),
        "batch_size": Query(
            "How many records does a batch hold on average?",
            "records",
            "sum by (job) (rate(meshsplit_batch_records_sum[{window}]))"
            " / sum by (job) (rate(meshsplit_batch_records_count[{window}]))",
            traffic=True,
        ),
        "commit_p99": Query(
            "How long does the slowest hundredth of batches take to be committed?",
            "s",
            "histogram_quantile(0.99,"
            " sum by (job, le) (rate(meshsplit_commit_seconds_bucket[{window}])))",
            traffic=True,
        ),
        "redis_behind": Query(
            "How far are the live figures behind the ledger?",
            "s",
            "max(meshsplit_redis_behind_seconds)",
        ),
        "live_clients": Query(
            "How many browsers are watching?",
            "clients",
            "sum(meshsplit_websocket_clients)",
        ),
        "stores_up": Query(
            "Does every service reach its stores? 1 is yes.",
            "boolean",
            "min by (job, store) (meshsplit_store_up)",
        ),
        "targets_up": Query(
            "Does Prometheus reach every service? 1 is yes.",
            "boolean",
            "min by (job) (up)",
        ),
        "versions": Query(
            "Which versions run? More than one while they are being changed.",
            "services",
            "count by (version) (meshsplit_build_info)",
        ),
    }
)
