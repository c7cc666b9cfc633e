"""What each arm does with the records it gets: how many, how well, how fast."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from observability.query import Query

OF_THE_SPLIT: Final = (
    ' and on (arm) last_over_time(meshsplit_split_weight_ratio{stage="applied"}[1h])'
)
"""Behind what has arms: only those of the split. A shadow counts its copies under a name too."""
_POSTS: Final = 'rate(meshsplit_requests_total{arm!="",method="POST"}[{window}])'
_LE: Final = 'meshsplit_request_seconds_bucket{{arm!="",method="POST",le="{le}"}}[{{window}}]'


def _late(function: str) -> str:
    """Word how many of each arm's records took more than half a second."""
    every, soon = (f"{function}({_LE.format(le=le)})" for le in ("+Inf", "0.5"))
    return f"sum by (arm) ({every} - ignoring (le) {soon})"


def _request_quantile(share: float) -> str:
    # The comparison drops an arm without requests, whose quantile is NaN.
    return (
        f"histogram_quantile({share}, sum by (arm, le)"
        ' (rate(meshsplit_request_seconds_bucket{arm!="",method="POST"}[{window}]))) >= 0'
    )


RECORD_QUERIES: Final = MappingProxyType(
    {
        "request_rate": Query(
            "How many records a second does each arm get, as the arm itself counts?",
            "requests/s",
            f"sum by (arm) ({_POSTS})",
            traffic=True,
        ),
        "error_share": Query(
            "Which share of each arm's answers is a 5xx?",
            "ratio",
            'sum by (arm) (rate(meshsplit_requests_total{arm!="",method="POST",code=~"5.."}'
            "[{window}]))"
            f" / (sum by (arm) ({_POSTS}) > 0) or 0 * sum by (arm) ({_POSTS})",
            traffic=True,
        ),
        "request_p90": Query(
            "How long does the slowest tenth of each arm's records take?",
            "s",
            _request_quantile(0.9),
            traffic=True,
        ),
        "request_p99": Query(
            "How long does the slowest hundredth of each arm's records take?",
            "s",
            _request_quantile(0.99),
            traffic=True,
        ),
        "late_share": Query(
            "Which share of each arm's records takes longer than half a second?",
            "ratio",
            f"{_late('rate')}"
            ' / (sum by (arm) (rate(meshsplit_request_seconds_count{arm!="",method="POST"}'
            f"[{{window}}])) > 0){OF_THE_SPLIT}",
            traffic=True,
        ),
        "late_seen": Query(
            "How many of each arm's records took longer than that? Few tell little.",
            "requests",
            f"{_late('increase')}{OF_THE_SPLIT}",
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
            ' * scalar(sum(increase(meshsplit_requests_total{arm!="",method="POST"}[{window}])'
            f"{OF_THE_SPLIT}))",
            traffic=True,
        ),
        "record_outcomes": Query(
            "What becomes of records: stored, refused, unknown?",
            "records/s",
            "sum by (arm, outcome) (rate(meshsplit_records_total[{window}]))",
            traffic=True,
        ),
        "records_seen": Query(
            "How many records came? Few tell little.",
            "records",
            "sum(increase(meshsplit_records_total[{window}]))",
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
        "problems": Query(
            "Why are records refused?",
            "answers/s",
            "sum by (arm, problem, reason) (rate(meshsplit_problems_total[{window}]))",
            traffic=True,
        ),
        "arm_counters": Query(
            "What have arms and gateway counted since they began: answers, times, records, CPU?",
            "as counted",
            '{__name__=~"meshsplit_request_seconds_bucket|meshsplit_records_total'
            "|meshsplit_recorder_records_total|meshsplit_batch_records_bucket"
            '|process_cpu_seconds_total|gateway:requests:total",method=~"POST|"}',
            traffic=True,
        ),
    }
)
