"""Which arm is quicker and which is cheaper, and by how much chance may have moved the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from observability.dashboards.layout import Row, board, each
from observability.dashboards.panels import Ask, band, compared, lines

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard

_TIMES = "1m"
_COSTS = "10m"
_HINT = (
    "95 % intervals of one look. Where two don't overlap, the arms differ; where they do, nothing "
    "is said. Times are of the last minute, costs of the last ten."
)


def build() -> dashboard.Dashboard:
    """Return the dashboard."""
    return board(
        "arms",
        "Arms side by side",
        "Latency and cost per record of each arm, with intervals.",
        [
            Row(
                [
                    compared(
                        "Time and processor time per record, by arm",
                        "arm",
                        Ask("request_p50", "half within", _TIMES),
                        Ask("request_p50_low", "from", _TIMES),
                        Ask("request_p50_high", "to", _TIMES),
                        Ask("request_p99", "99 % within", _TIMES),
                        Ask("request_p99_low", "from ", _TIMES),
                        Ask("request_p99_high", "to ", _TIMES),
                        Ask("record_cost", "processor time", _COSTS),
                        Ask("record_cost_low", " from", _COSTS),
                        Ask("record_cost_high", " to", _COSTS),
                        hint=_HINT,
                    )
                ],
                height=6,
            ),
            Row(
                [
                    band(
                        "$arm: time within which half of the records are answered",
                        [Ask("request_p50", "half within", _TIMES, exemplars=True, only="arm")],
                        Ask("request_p50_low", "from", _TIMES, only="arm"),
                        Ask("request_p50_high", "to", _TIMES, only="arm"),
                        hint=_HINT,
                    )
                ]
            ),
            Row(
                [
                    band(
                        "$arm: time within which 99 % of the records are answered",
                        [Ask("request_p99", "99 % within", _TIMES, exemplars=True, only="arm")],
                        Ask("request_p99_low", "from", _TIMES, only="arm"),
                        Ask("request_p99_high", "to", _TIMES, only="arm"),
                        hint=_HINT,
                    )
                ]
            ),
            Row(
                [
                    band(
                        "$arm: processor time per stored record",
                        [Ask("record_cost", "processor time", _COSTS, only="arm")],
                        Ask("record_cost_low", "from", _COSTS, only="arm"),
                        Ask("record_cost_high", "to", _COSTS, only="arm"),
                        hint=_HINT,
                    )
                ]
            ),
            Row(
                [
                    lines("Answers of 5xx, by arm", Ask("error_share", "{{arm}}", _TIMES)),
                    lines(
                        "Records slower than half a second", Ask("late_share", "{{arm}}", _TIMES)
                    ),
                    lines("Requests in the last minute", Ask("requests_seen", "{{arm}}", _TIMES)),
                ]
            ),
            Row(
                [
                    lines(
                        "Answers of 5xx, as the gateway counts",
                        Ask("gateway_error_share", "{{arm}}", _TIMES),
                    ),
                    lines(
                        "Time the gateway waits for 99 % of answers",
                        Ask("gateway_p99", "{{arm}}", _TIMES),
                    ),
                    lines("Requests from the gateway", Ask("gateway_rate", "{{arm}}", _TIMES)),
                ]
            ),
        ],
        [each("arm", "weights", repeated=True)],
    )
