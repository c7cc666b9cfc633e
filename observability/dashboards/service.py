"""One service, chosen by its name: what it is asked, how it answers, and what that takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from observability.dashboards.layout import Row, board, each
from observability.dashboards.panels import Ask, figure, lines

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard


def build() -> dashboard.Dashboard:
    """Return the dashboard."""
    return board(
        "service",
        "One service",
        "What one service is asked, how it answers, and what that takes.",
        [
            Row(
                [
                    figure("Reached by Prometheus", _of("targets_up", "{{job}}")),
                    figure("Version", _of("service_version", "{{version}}"), names=True),
                    figure("Runs for", _of("running_for", "{{job}}")),
                    figure("Reaches its stores", _of("stores_up", "{{store}}")),
                ],
                height=4,
            ),
            Row(
                [
                    lines(
                        "Requests, by answer", _of("served_rate", "{{method}} {{route}} {{code}}")
                    ),
                    lines(
                        "Time for a request",
                        _of("served_p50", "{{method}} {{route}} half", exemplars=True),
                        _of("served_p99", "{{method}} {{route}} 99 %", exemplars=True),
                        hint="A dot is one traced request.",
                    ),
                ]
            ),
            Row(
                [
                    lines("RPCs, by answer", _of("rpc_rate", "{{method}} {{code}}")),
                    lines("Time for an RPC", _of("rpc_p99", "{{method}} 99 %", exemplars=True)),
                ]
            ),
            Row(
                [
                    lines("Queue before a batch", _of("queue_fill", "{{job}}")),
                    lines("Records a batch", _of("batch_size", "{{job}}")),
                    lines(
                        "Time to commit a batch", _of("commit_p99", "{{job}} 99 %", exemplars=True)
                    ),
                ]
            ),
            Row(
                [
                    lines("Processors used", _of("processors", "{{job}}")),
                    lines("Memory held", _of("memory", "{{job}}")),
                    lines("Files and sockets open", _of("open_files", "{{job}}")),
                    lines("Event loop late by", _of("loop_lag", "{{job}}")),
                ]
            ),
            Row(
                [
                    lines("Connections in use", _of("pool_fill", "{{pool}}")),
                    lines("What becomes of its spans", _of("spans", "{{outcome}}")),
                ]
            ),
        ],
        [each("job", "targets_up", repeated=False)],
    )


def _of(name: str, legend: str, *, exemplars: bool = False) -> Ask:
    return Ask(name, legend, exemplars=exemplars, only="job")
