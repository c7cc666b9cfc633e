"""What the gateway's proxy saw, in one set of names whatever it is that counts.

Where Istio's own filter is there, the gateway gives istio_requests_total. Where it isn't, there are
Envoy's counters only: here with Envoy's labels, in a cluster of stock proxies with those that Istio
tells Envoy to use. Recording rules bring all of them to `gateway:requests:total` by host and code,
and `gateway:request_milliseconds:bucket` by host. They record counters, added up only within a
process, so that rate() and its like see each restart.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from observability.query import Query

_ISTIO: Final = '{job="gateway",reporter="source"}'
_COUNTED_BY_ISTIO: Final = f"unless on (job, instance) istio_requests_total{_ISTIO}"
"""A gateway that has both is taken at Istio's word alone."""
_CLUSTER: Final = r"outbound\\|[0-9]+\\|[^|]*\\|([^.]+).*"
"""How Istio and the translator name Envoy's clusters; the host is its first label."""
_DOORS: Final = '{job="gateway",envoy_http_conn_manager_prefix!="admin"}'
_ARM: Final = (
    " * on (host) group_left (arm)"
    " max by (host, arm) (last_over_time(meshsplit_split_arm_info[1h]))"
)
"""An arm's name goes by its host, as the reporter last said: it may be away itself."""


def _renamed(series: str, label: str, source: str, pattern: str = "(.+)") -> str:
    return f'label_replace({series}, "{label}", "$1", "{source}", "{pattern}")'


def _by_host(series: str, cluster: str) -> str:
    return _renamed(series, "host", cluster, _CLUSTER)


def _from_envoy(prefix: str) -> str:
    """Word Envoy's answers by host and code, under labels with a prefix or without."""
    cluster, code = f"{prefix}cluster_name", f"{prefix}response_code"
    chosen = f'envoy_cluster_upstream_rq{{job="gateway",{cluster}=~"outbound.*",{code}=~".+"}}'
    return _renamed(_by_host(chosen, cluster), "code", code)


def _quantile(share: float) -> str:
    # The comparison drops an arm without requests, whose quantile is NaN.
    return (
        f"histogram_quantile({share}, sum by (arm, le)"
        f" (rate(gateway:request_milliseconds:bucket[{{window}}]){_ARM})) / 1000 >= 0"
    )


RECORDED: Final = MappingProxyType(
    {
        "gateway:requests:total": "gateway_requests",
        "gateway:request_milliseconds:bucket": "gateway_milliseconds",
    }
)
"""What recording rules write, and the query that each writes."""

GATEWAY_QUERIES: Final = MappingProxyType(
    {
        "gateway_requests": Query(
            "How many requests has the gateway answered, by the host they were for and the code?",
            "requests",
            "sum by (job, instance, host, code) ("
            + _renamed(
                _renamed(f"istio_requests_total{_ISTIO}", "host", "destination_service_name"),
                "code",
                "response_code",
            )
            + f") or sum by (job, instance, host, code) ({_from_envoy('envoy_')}"
            f" or {_from_envoy('')}"
            # What an overloaded proxy refuses is for no host.
            f' or label_replace(envoy_http_downstream_rq_overload_close{_DOORS}, "code", "503", "",'
            f' "")) {_COUNTED_BY_ISTIO}',
            traffic=True,
        ),
        "gateway_milliseconds": Query(
            "How many of the gateway's requests took at most so many milliseconds?",
            "requests",
            "sum by (job, instance, host, le) ("
            + _renamed(
                f"istio_request_duration_milliseconds_bucket{_ISTIO}",
                "host",
                "destination_service_name",
            )
            + ") or sum by (job, instance, host, le) ("
            + " or ".join(
                _by_host(
                    f'envoy_cluster_upstream_rq_time_bucket{{job="gateway",{name}=~"outbound.*"}}',
                    name,
                )
                for name in ("envoy_cluster_name", "cluster_name")
            )
            + f") {_COUNTED_BY_ISTIO}",
            traffic=True,
        ),
        "gateway_rate": Query(
            "How many requests a second does the gateway send to each arm?",
            "requests/s",
            f"sum by (arm) (rate(gateway:requests:total[{{window}}]){_ARM})",
            traffic=True,
        ),
        "gateway_share": Query(
            "Which share of the arms' requests does the gateway send to each?",
            "ratio",
            f"sum by (arm) (rate(gateway:requests:total[{{window}}]){_ARM})"
            f" / scalar(sum(rate(gateway:requests:total[{{window}}]){_ARM}) > 0) >= 0",
            traffic=True,
        ),
        "gateway_answers": Query(
            "How many answers of each code does the gateway give?",
            "answers/s",
            "sum by (code) (rate(gateway:requests:total[{window}]))",
            traffic=True,
        ),
        "gateway_error_share": Query(
            "Which share of each arm's answers is a 5xx, those that Envoy gives for it included?",
            "ratio",
            f'sum by (arm) (rate(gateway:requests:total{{code=~"5.."}}[{{window}}]){_ARM})'
            f" / (sum by (arm) (rate(gateway:requests:total[{{window}}]){_ARM}) > 0)"
            f" or 0 * sum by (arm) (rate(gateway:requests:total[{{window}}]){_ARM})",
            traffic=True,
        ),
        "gateway_p50": Query(
            "How long does the gateway wait at most for half of each arm's answers?",
            "s",
            _quantile(0.5),
            traffic=True,
        ),
        "gateway_p90": Query(
            "How long does the gateway wait for the slowest tenth of each arm's answers?",
            "s",
            _quantile(0.9),
            traffic=True,
        ),
        "gateway_p99": Query(
            "How long does the gateway wait for the slowest hundredth of each arm's answers?",
            "s",
            _quantile(0.99),
            traffic=True,
        ),
        "unavailable_share": Query(
            "Which share of the gateway's answers for each host is a 5xx?",
            "ratio",
            'sum by (host) (rate(gateway:requests:total{code=~"5.."}[{window}]))'
            " / (sum by (host) (rate(gateway:requests:total[{window}])) > 0)"
            " or 0 * sum by (host) (rate(gateway:requests:total[{window}]))",
            traffic=True,
        ),
        "unavailable_seen": Query(
            "How many 5xx did the gateway give for each host? Few tell little.",
            "answers",
            'sum by (host) (increase(gateway:requests:total{code=~"5.."}[{window}]))'
            " or 0 * sum by (host) (rate(gateway:requests:total[{window}]))",
            traffic=True,
        ),
    }
)
