"""Every PromQL query that is worth asking, named once.

Each comes with the question it answers and its unit. ``{window}`` is how far back to look; a
window holds at least four scrapes, so that rate() has something to go by.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from observability.arm_queries import ARM_QUERIES
from observability.gateway_queries import GATEWAY_QUERIES
from observability.query import WINDOW, Query
from observability.record_queries import RECORD_QUERIES
from observability.service_queries import SERVICE_QUERIES
from observability.store_queries import STORE_QUERIES

__all__ = ["QUERIES", "WINDOW", "Query"]

QUERIES: Final = MappingProxyType(
    {
        **RECORD_QUERIES,
        **ARM_QUERIES,
        **SERVICE_QUERIES,
        **STORE_QUERIES,
        **GATEWAY_QUERIES,
        "live_clients": Query(
            "How many browsers are watching?",
            "clients",
            "sum(meshsplit_websocket_clients)",
        ),
        "targets_up": Query(
            "Does Prometheus reach every service? 1 is yes.",
            "boolean",
            # Load is made for a while only, by `make load` or on locust's page.
            'min by (job) (up{job!~"load|locust"})',
        ),
        "versions": Query(
            "Which versions run? More than one while they are being changed.",
            "services",
            "count by (version) (meshsplit_build_info)",
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
