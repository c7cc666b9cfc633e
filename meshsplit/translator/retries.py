"""Istio's HTTPRetry."""

from http import HTTPStatus

from meshsplit.translator.envoy import Json
from meshsplit.translator.fields import Fields

_CONDITIONS = frozenset(
    [
        "5xx",
        "gateway-error",
        "reset",
        "reset-before-request",
        "connect-failure",
        "envoy-ratelimited",
        "retriable-4xx",
        "refused-stream",
        "retriable-status-codes",
        "retriable-headers",
        "http3-post-connect-failure",
        "cancelled",
        "deadline-exceeded",
        "internal",
        "resource-exhausted",
        "unavailable",
    ]
)

_PREVIOUS_HOSTS: Json = {
    "name": "envoy.retry_host_predicates.previous_hosts",
    "typed_config": {
        "@type": "type.googleapis.com/"
        "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
    },
}


def default_policy() -> Json:
    """Return the retries of a route that says nothing about them, as Istio has them.

    Source: istio/istio 1.31, pilot/pkg/networking/core/route/retry/retry.go.
    """
    return {
        "retry_on": "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
        "num_retries": 2,
        "retry_host_predicate": [_PREVIOUS_HOSTS],
        "host_selection_retry_max_attempts": "5",
    }


def read_retries(fields: Fields | None) -> Json | None:
    """Read a retry policy; None if there are to be no retries."""
    policy = default_policy()
    if fields is None:
        return policy
    attempts = fields.integer("attempts", 0, 100)
    if (condition := fields.text("retryOn")) is not None:
        policy |= _conditions(fields, condition)
    if (timeout := fields.duration("perTryTimeout")) is not None:
        policy["per_try_timeout"] = timeout
    if (backoff := fields.duration("backoff")) is not None:
        policy["retry_back_off"] = {"base_interval": backoff}
    if fields.boolean("retryIgnorePreviousHosts") is False:
        del policy["retry_host_predicate"]
    fields.close()
    if not attempts:  # Istio: attempts that are absent or 0 switch retries off
        return None
    return {**policy, "num_retries": attempts}


def _conditions(fields: Fields, text: str) -> Json:
    parts = [part for part in text.split(",") if part]
    codes = [int(part) for part in parts if part.isdigit()]
    names = [part for part in parts if not part.isdigit()]
    for name in names:
        if name not in _CONDITIONS:
            fields.refuse("retryOn", f"{name!r} is no condition that Envoy knows")
    for code in codes:
        if code not in {status.value for status in HTTPStatus}:
            fields.refuse("retryOn", f"{code} is no HTTP status")
    if codes and "retriable-status-codes" not in ",".join(names):
        names.append("retriable-status-codes")
    return {"retry_on": ",".join(names), **({"retriable_status_codes": codes} if codes else {})}
