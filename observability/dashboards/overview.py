"""Is it well: what comes in, how it is answered, how long it takes, and for how many users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from observability.dashboards.layout import Row, board
from observability.dashboards.panels import Ask, figure, lines

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard


def build() -> dashboard.Dashboard:
    """Return the dashboard that Grafana opens with."""
    return board(
        "overview",
        "Overview",
        "What comes in, how it is answered, how long it takes, and for how many users.",
        [
            Row(
                [
                    figure("Verdict on the split", Ask("split_result", "{{result}}"), names=True),
                    figure("Alerts that fire", Ask("alerts_firing", "{{alertname}}")),
                    figure("5xx at the gateway, by host", Ask("unavailable_share", "{{host}}")),
                    figure("The live view is behind by", Ask("redis_behind", "behind")),
                ],
                height=4,
            ),
            Row(
                [
                    lines("Requests the gateway sends to each arm", Ask("gateway_rate", "{{arm}}")),
                    lines(
                        "Users that locust plays",
                        Ask("load_users", "users"),
                        hint="Those of locust's page and of `make load`.",
                    ),
                    lines("Clients connected", Ask("gateway_connections", "connections")),
                ]
            ),
            Row(
                [
                    lines(
                        "Time for an answer, as the gateway sees it",
                        Ask("gateway_p50", "{{arm}} half"),
                        Ask("gateway_p99", "{{arm}} 99 %"),
                    ),
                    lines(
                        "Time for a record, as the arms see it",
                        Ask("request_p50", "{{arm}} half", exemplars=True),
                        Ask("request_p99", "{{arm}} 99 %", exemplars=True),
                        hint="A dot is one traced request.",
                    ),
                ]
            ),
            Row(
                [
                    lines("Answers of 5xx, by arm", Ask("gateway_error_share", "{{arm}}")),
                    lines(
                        "Why records are refused", Ask("problems", "{{arm}} {{problem}} {{reason}}")
                    ),
                    lines("What becomes of records", Ask("record_outcomes", "{{arm}} {{outcome}}")),
                ]
            ),
            Row(
                [
                    lines("Answers of the gateway, by code", Ask("gateway_answers", "{{code}}")),
                    lines("Services that Prometheus reaches", Ask("targets_up", "{{job}}")),
                    lines("Browsers watching", Ask("live_clients", "clients")),
                ]
            ),
        ],
    )
