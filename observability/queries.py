"""Every PromQL query that is worth asking, named once.

Each comes with the question it answers and its unit. ``{window}`` is how far back to look; a
window holds at least four scrapes, so that rate() has something to go by.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from observability.arm_queries import ARM_QUERIES
from observability.query import WINDOW, Query
from observability.service_queries import SERVICE_QUERIES

__all__ = ["QUERIES", "WINDOW", "Query"]

QUERIES: Final = MappingProxyType(
    {
        **ARM_QUERIES,
        **SERVICE_QUERIES,
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
        "unavailable_share": Query(
            "Which share of all answers at the gateway is a 5xx?",
            "ratio",
            'sum(rate(envoy_http_downstream_rq_xx{envoy_response_code_class="5",'
            'envoy_http_conn_manager_prefix!="admin"}[{window}]))'
            " / (sum(rate(envoy_http_downstream_rq_xx"
            '{envoy_http_conn_manager_prefix!="admin"}[{window}])) > 0)',
            traffic=True,
        ),
        "answers_seen": Query(
            "How many answers did the gateway give? Few tell little.",
            "answers",
            "sum(increase(envoy_http_downstream_rq_xx"
            '{envoy_http_conn_manager_prefix!="admin"}[{window}]))',
            traffic=True,
        ),
        "slow_share": Query(
            "Which share of each arm's requests takes longer than half a second?",
            "ratio",
            'sum by (arm) (rate(meshsplit_request_seconds_bucket{arm!="",le="+Inf"}[{window}])'
            ' - ignoring (le) rate(meshsplit_request_seconds_bucket{arm!="",le="0.5"}[{window}]))'
            ' / (sum by (arm) (rate(meshsplit_request_seconds_count{arm!=""}[{window}])) > 0)',
            traffic=True,
        ),
        "requests_seen": Query(
            "How many requests did each arm get? Few tell little.",
            "requests",
            'sum by (arm) (increase(meshsplit_requests_total{arm!="",method="POST"}[{window}]))',
            traffic=True,
        ),
        "requests_expected": Query(
            "How many requests should each arm have got, by the weights that held all the time?",
            "requests",
            "min by (arm) (min_over_time(meshsplit_split_weight_ratio"
            '{stage="applied"}[{window}]))'
            ' * scalar(sum(increase(meshsplit_requests_total{arm!="",method="POST"}[{window}])))',
            traffic=True,
        ),
        "repeated_share": Query(
            "Which share of the records had been stored before?",
            "ratio",
            'sum(rate(meshsplit_records_total{outcome="repeated"}[{window}]))'
            " / (sum(rate(meshsplit_records_total[{window}])) > 0)"
            " or 0 * sum(rate(meshsplit_records_total[{window}]))",
            traffic=True,
        ),
        "arm_counters": Query(
            "What have arms and gateway counted since they began: answers, times, records, CPU?",
            "as counted",
            # Both of Envoy's names: its own, and the one it has where Istio says how it tags.
            '{__name__=~"meshsplit_request_seconds_bucket|meshsplit_records_total'
            "|meshsplit_recorder_records_total|process_cpu_seconds_total"
            '|envoy_cluster_upstream_rq_xx|envoy_cluster_upstream_rq",method=~"POST|"}',
            traffic=True,
        ),
        "weights": Query(
            "Which share should each arm get: asked for, configured, applied?",
            "ratio",
            "max by (arm, stage) (meshsplit_split_weight_ratio)",
        ),
        "decisions": Query(
            "How many records went to each arm since the last change of weights?",
            "requests",
            "max by (arm) (meshsplit_split_decisions)",
        ),
        "split_evidence": Query(
            "How strongly do the counts speak against the weights asked for?",
            "e-value",
            "max(meshsplit_split_evidence)",
        ),
        "split_fails": Query(
            "Does the verdict say that the split isn't what was asked for? 1 is yes.",
            "boolean",
            'max(meshsplit_split_result{result="fail"})',
        ),
    }
)
