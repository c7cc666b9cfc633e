"""Istio's HTTPFaultInjection: delays and aborts on purpose."""

from meshsplit.translator.envoy import Json, typed
from meshsplit.translator.fields import Fields

_NEVER: Json = {"numerator": 0, "denominator": "HUNDRED"}
"""Istio: a fault without a percentage hits nobody."""


def percentage(fields: Fields, key: str) -> Json | None:
    """Read Istio's Percent as Envoy's FractionalPercent; None if it isn't there."""
    child = fields.child(key)
    if child is None:
        return None
    value = child.number("value", 0, 100) or 0
    child.close()
    # Istio cuts off what is smaller than a millionth, and so what a float falls short of one.
    return {"numerator": int(value * 10_000), "denominator": "MILLION"}


def read_fault(fields: Fields | None) -> Json:
    """Read faults as the route's settings of Envoy's fault filter."""
    if fields is None:
        return {}
    fault: Json = {}
    if (delay := fields.child("delay")) is not None:
        delay.required("fixedDelay")
        fault["delay"] = {
            "fixed_delay": delay.duration("fixedDelay"),
            "percentage": percentage(delay, "percentage") or _NEVER,
        }
        delay.close()
    if (abort := fields.child("abort")) is not None:
        abort.required("httpStatus")
        fault["abort"] = {
            "http_status": abort.integer("httpStatus", 200, 599),
            "percentage": percentage(abort, "percentage") or _NEVER,
        }
        abort.close()
    if not fault:
        fields.place.refuse("expected delay or abort")
    fields.close()
    return {
        "envoy.filters.http.fault": typed(
            "envoy.extensions.filters.http.fault.v3.HTTPFault", **fault
        )
    }
