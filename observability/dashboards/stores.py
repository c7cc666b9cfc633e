"""How MySQL and Redis do, as the services that write to them see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from observability.dashboards.layout import Row, board
from observability.dashboards.panels import Ask, lines

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard


def build() -> dashboard.Dashboard:
    """Return the dashboard."""
    return board(
        "stores",
        "Stores",
        "MySQL and Redis, as the services that write to them see it.",
        [
            Row(
                [
                    lines("Stores that services reach", Ask("stores_up", "{{job}} {{store}}")),
                    lines("Connections in use", Ask("pool_fill", "{{job}} {{pool}}")),
                ]
            ),
            Row(
                [
                    lines(
                        "Time to commit a batch",
                        Ask("commit_p50", "{{job}} half", exemplars=True),
                        Ask("commit_p99", "{{job}} 99 %", exemplars=True),
                        hint="A dot is one traced batch.",
                    ),
                    lines("Records a batch", Ask("batch_size", "{{job}}")),
                    lines("Writers at work", Ask("writer_busy", "{{job}}")),
                ]
            ),
            Row(
                [
                    lines("Queue before a batch", Ask("queue_fill", "{{job}}")),
                    lines(
                        "Wait for a batch",
                        Ask("queue_wait_p99", "{{job}}", exemplars=True),
                    ),
                ]
            ),
            Row(
                [
                    lines(
                        "Time to write a batch to Redis",
                        Ask("redis_apply_p99", "{{job}}", exemplars=True),
                    ),
                    lines("Queue to Redis", Ask("redis_queue_fill", "{{job}}")),
                    lines("The live view behind the ledger", Ask("redis_behind", "behind")),
                ]
            ),
            Row(
                [
                    lines("What becomes of records", Ask("record_outcomes", "{{arm}} {{outcome}}")),
                    lines("Records that had been stored before", Ask("repeated_share", "repeated")),
                ]
            ),
        ],
    )
