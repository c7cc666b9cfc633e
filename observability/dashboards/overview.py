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
                    figure("Answers of 5xx at the gateway", Ask("unavailable_share", "{{host}}")),
                    figure("The live view is behind by", Ask("redis_behind", "behind")),
                ],
                height=4,
            ),
            Row(
                [
                    lines("Records each arm gets", Ask("request_rate", "{{arm}}")),
                    lines(
                        "Time for the slowest hundredth of records",
                        Ask("request_p99", "{{arm}}", exemplars=True),
                        hint="A dot is one traced request.",
                    ),
                ]
            ),
            Row(
                [
                    lines("Answers of 5xx, by arm", Ask("error_share", "{{arm}}")),
                    lines("What becomes of records", Ask("record_outcomes", "{{arm}} {{outcome}}")),
                ]
            ),
            Row(
                [
                    lines(
                        "Users that locust plays",
                        Ask("load_users", "users"),
                        hint="Those of locust's page and of `make load`.",
                    ),
                    lines("Clients connected", Ask("gateway_connections", "connections")),
                    lines("Browsers watching", Ask("live_clients", "clients")),
                ]
            ),
            Row(
                [
                    lines(
                        "Answers of the gateway, by code",
                        Ask("gateway_answers", "{{code}}"),
                    ),
                    lines("Services that Prometheus reaches", Ask("targets_up", "{{job}}")),
                ]
            ),
        ],
    )
