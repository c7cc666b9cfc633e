"""TrafficPolicies of DestinationRules made up by hypothesis, within what the translator knows."""

from typing import Any

from hypothesis import strategies as st

from tests.generated_mesh import Fields, maybe

_DURATIONS = st.sampled_from(("1s", "250ms", "1m30s", "1h"))
_COUNTS = st.sampled_from((1, 5, 100, 1024))
_SHARES = st.sampled_from((0, 10, 50, 100))


def _outliers() -> st.SearchStrategy[Fields]:
    fields = {
        "consecutive5xxErrors": st.sampled_from((0, 1, 7)),
        "consecutiveGatewayErrors": st.sampled_from((0, 1, 7)),
        "interval": _DURATIONS,
        "baseEjectionTime": _DURATIONS,
        "maxEjectionPercent": _SHARES,
        "minHealthPercent": _SHARES,
    }
    local = {
        "splitExternalLocalOriginErrors": st.just(True),
        "consecutiveLocalOriginFailures": st.sampled_from((0, 1, 7)),
    }
    return st.builds(
        lambda one, two: {**one, **two},
        maybe(**fields),
        st.one_of(st.just(Fields()), st.fixed_dictionaries(local)),
    )


def _pools() -> st.SearchStrategy[Fields]:
    alive = maybe(probes=_COUNTS, time=st.just("7200s"), interval=st.just("75s"))
    tcp: dict[str, st.SearchStrategy[Any]] = {
        "connectTimeout": _DURATIONS,
        "maxConnections": _COUNTS,
        "maxConnectionDuration": _DURATIONS,
        "tcpKeepalive": alive,
    }
    http: dict[str, st.SearchStrategy[Any]] = {
        "http1MaxPendingRequests": _COUNTS,
        "http2MaxRequests": _COUNTS,
        "maxRetries": _COUNTS,
        "idleTimeout": _DURATIONS,
        "maxRequestsPerConnection": _COUNTS,
        "h2UpgradePolicy": st.sampled_from(("DEFAULT", "DO_NOT_UPGRADE", "UPGRADE")),
    }
    return maybe(tcp=maybe(**tcp), http=maybe(**http))


def policies() -> st.SearchStrategy[Fields]:
    """Istio's TrafficPolicy."""
    simple = st.sampled_from(("ROUND_ROBIN", "LEAST_REQUEST", "RANDOM", "UNSPECIFIED"))
    return maybe(
        connectionPool=_pools(),
        outlierDetection=_outliers(),
        loadBalancer=st.builds(lambda name: {"simple": name}, simple),
    )


def destination_rules() -> st.SearchStrategy[Fields]:
    """A DestinationRule of `ingest` with its subset, which may say otherwise."""
    return st.builds(
        lambda policy, own: {
            "apiVersion": "networking.istio.io/v1",
            "kind": "DestinationRule",
            "metadata": {"name": "ingest"},
            "spec": {
                "host": "ingest",
                "trafficPolicy": policy,
                "subsets": [{"name": "direct", **own}],
            },
        },
        policies(),
        maybe(trafficPolicy=policies()),
    )
