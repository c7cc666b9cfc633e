"""Is the traffic split as asked: asked, configured, applied by the proxy, observed, and chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from observability.dashboards.layout import Row, board, each
from observability.dashboards.panels import Ask, band, figure, lines

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard

_ONE_LOOK = "Chance's 95 % are those of one look; the verdict may be looked at again and again."


def build() -> dashboard.Dashboard:
    """Return the dashboard."""
    return board(
        "split",
        "Split",
        "Asked for, configured, applied by the proxy, and observed; and whether they agree.",
        [
            Row(
                [
                    figure("Verdict", Ask("split_result", "{{result}}"), names=True),
                    figure("Decisions since the last change", Ask("decisions", "{{arm}}")),
                    figure("Evidence against the weights", Ask("split_evidence", "evidence")),
                    figure("Requests until a verdict", Ask("split_needed", "more")),
                ],
                height=4,
            ),
            Row(
                [
                    band(
                        "$arm: asked, configured, applied, observed; and chance's interval",
                        [
                            Ask("weights", "{{stage}}", only="arm"),
                            Ask("share_observed", "observed", only="arm"),
                        ],
                        Ask("chance_low", "chance, from", only="arm"),
                        Ask("chance_high", "chance, to", only="arm"),
                        hint=_ONE_LOOK,
                    )
                ],
                height=9,
            ),
            Row(
                [
                    lines(
                        "Weights asked for, configured and applied",
                        Ask("weights", "{{arm}} {{stage}}"),
                    ),
                    lines(
                        "Share at the moment, as the gateway and the arms count",
                        Ask("gateway_share", "{{arm}}, by the gateway"),
                        Ask("share_now", "{{arm}}, by the arms"),
                    ),
                ]
            ),
            Row(
                [
                    lines(
                        "Share observed, between the bounds of the always-valid test",
                        Ask("split_shares", "{{arm}} {{bound}}"),
                    ),
                    lines(
                        "Evidence against the weights asked for, over time",
                        Ask("split_evidence", "evidence"),
                        hint="At 20 and more the verdict is that they disagree.",
                    ),
                ]
            ),
        ],
        [each("arm", "weights", repeated=True)],
    )
