"""What each arm gets and what it costs, with how far chance alone would move the figures.

The intervals are plain ones of 95 %, right for one look; the verdict (`split_*`) may be looked at
again and again.
"""

from __future__ import annotations

from math import sqrt
from types import MappingProxyType
from typing import Final

from observability.query import Query
from observability.record_queries import OF_THE_SPLIT

_ASKED: Final = 'max by (arm) (meshsplit_split_weight_ratio{stage="asked"})'
_DECISIONS: Final = "scalar(sum(max by (arm) (meshsplit_split_decisions)) > 0)"
_CHANCE: Final = f"1.96 * sqrt({_ASKED} * (1 - {_ASKED}) / {_DECISIONS})"

_GOT: Final = f'rate(meshsplit_requests_total{{arm!="",method="POST"}}[{{window}}]){OF_THE_SPLIT}'
_FEWEST: Final = (
    'scalar(min(sum by (arm) (increase(meshsplit_request_seconds_count{arm!="",method="POST"}'
    f"[{{window}}]){OF_THE_SPLIT}) > 0))"
)
"""Requests of the arm that had fewest: one interval that is wide enough for each arm."""


def _request_quantile(share: float, bound: str = "") -> str:
    """Word a quantile of each arm's time for a record, or an end of its interval.

    The interval's ends are the quantiles as far off as chance may have moved the rank. The
    comparison drops an arm without requests, whose quantile is NaN.
    """
    rank = str(share)
    if bound:
        chance = f"{round(1.96 * sqrt(share * (1 - share)), 4)} * {_FEWEST} ^ -0.5"
        rank = f"scalar(clamp(vector({share} {bound} {chance}), 0, 1))"
    return (
        f"histogram_quantile({rank}, sum by (arm, le)"
        ' (rate(meshsplit_request_seconds_bucket{arm!="",method="POST"}[{window}]))) >= 0'
    )


_PROCESSORS: Final = "sum by (job) (rate(process_cpu_seconds_total[15s]))"
_AT_THE_DOOR: Final = (
    f"sum by (arm) ({_PROCESSORS} * on (job) group_right ()"
    ' group by (arm, job) (meshsplit_requests_total{arm!=""}))'
)
_RECORDED: Final = "(rate(meshsplit_recorder_records_total[15s]))"
_BEHIND_IT: Final = (
    f"sum by (arm) (sum by (arm, job) {_RECORDED} / on (job) group_left ()"
    f" (sum by (job) {_RECORDED} > 0) * on (job) group_left () {_PROCESSORS})"
)
"""A recorder's processors, shared out among its arms by their records."""
_COST: Final = (
    f"({_AT_THE_DOOR} + on (arm) {_BEHIND_IT} or {_AT_THE_DOOR}) / on (arm)"
    ' (sum by (arm) (rate(meshsplit_records_total{outcome="stored"}[15s])) > 0)'
)
_COSTS: Final = f"(({_COST})[{{window}}:15s])"


def _cost_end(sign: str) -> str:
    """Word an end of the interval of the mean cost, from how much its parts of 15 s differ."""
    return (
        f"avg_over_time{_COSTS} {sign} 1.96 * stddev_over_time{_COSTS}"
        f" / sqrt(count_over_time{_COSTS} - 1 > 0)"
    )


ARM_QUERIES: Final = MappingProxyType(
    {
        "share_now": Query(
            "Which share of the records does each arm get at the moment?",
            "ratio",
            f"sum by (arm) ({_GOT}) / scalar(sum({_GOT}) > 0) >= 0",
            traffic=True,
        ),
        "split_shares": Query(
            "Which share did each arm get since the last change of weights, and between which"
            " bounds does the always-valid test see it?",
            "ratio",
            "max by (arm, bound) (meshsplit_split_share_ratio)",
        ),
        "share_observed": Query(
            "Which share did each arm get since the last change of weights?",
            "ratio",
            'max by (arm) (meshsplit_split_share_ratio{bound="observed"})',
        ),
        "chance_low": Query(
            "Which share would an arm at least have by chance, at the weights asked for?",
            "ratio",
            f"clamp_min({_ASKED} - {_CHANCE}, 0) >= 0",
            traffic=True,
        ),
        "chance_high": Query(
            "Which share would an arm at most have by chance, at the weights asked for?",
            "ratio",
            f"clamp_max({_ASKED} + {_CHANCE}, 1) >= 0",
            traffic=True,
        ),
        "split_result": Query(
            "What does the verdict say: pass, fail or insufficient?",
            "verdict",
            "max by (result) (meshsplit_split_result) == 1",
        ),
        "split_needed": Query(
            "About how many more requests does a verdict take?",
            "requests",
            "max(meshsplit_split_needed_requests)",
        ),
        "weight_changes": Query(
            "When did the proxy get other weights?",
            "changes",
            'max(changes(meshsplit_split_weight_ratio{stage="applied"}[{window}])) > 0',
            traffic=True,
        ),
        "request_p50": Query(
            "How long does half of each arm's records take at most?",
            "s",
            _request_quantile(0.5),
            traffic=True,
        ),
        "request_p50_low": Query(
            "From where on may the middle of each arm's times be, chance considered?",
            "s",
            _request_quantile(0.5, "-"),
            traffic=True,
        ),
        "request_p50_high": Query(
            "Up to where may the middle of each arm's times be, chance considered?",
            "s",
            _request_quantile(0.5, "+"),
            traffic=True,
        ),
        "request_p99_low": Query(
            "From where on may each arm's slowest hundredth begin, chance considered?",
            "s",
            _request_quantile(0.99, "-"),
            traffic=True,
        ),
        "request_p99_high": Query(
            "Up to where may each arm's slowest hundredth begin, chance considered?",
            "s",
            _request_quantile(0.99, "+"),
            traffic=True,
        ),
        "record_cost": Query(
            "How much processor time does a stored record take in all of an arm's processes?",
            "s",
            f"avg_over_time{_COSTS}",
            traffic=True,
        ),
        "record_cost_low": Query(
            "From where on may that cost be, by how much it varies?",
            "s",
            f"clamp_min({_cost_end('-')}, 0)",
            traffic=True,
        ),
        "record_cost_high": Query(
            "Up to where may that cost be, by how much it varies?",
            "s",
            _cost_end("+"),
            traffic=True,
        ),
    }
)
