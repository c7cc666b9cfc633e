"""Istio's HTTPFaultInjection: delays and aborts on purpose."""

from meshsplit.translator.envoy import Json, typed
from meshsplit.translator.fields import Fields


def percentage(fields: Fields, key: str, default: float | None = 100) -> Json | None:
    """Read Istio's Percent as Envoy's FractionalPercent."""
    child = fields.child(key)
    value: float | None = default
    if child is not None:
        value = child.number("value", 0, 100)
        child.close()
        value = 0 if value is None else value
    if value is None:
        return None
    return {"numerator": round(value * 10_000), "denominator": "MILLION"}


def read_fault(fields: Fields | None) -> Json:
    """Read faults as the route's settings of Envoy's fault filter."""
    if fields is None:
        return {}
    fault: Json = {}
    if (delay := fields.child("delay")) is not None:
        delay.required("fixedDelay")
        fault["delay"] = {
            "fixed_delay": delay.duration("fixedDelay"),
            "percentage": percentage(delay, "percentage"),
        }
        delay.close()
    if (abort := fields.child("abort")) is not None:
        abort.required("httpStatus")
        fault["abort"] = {
            "http_status": abort.integer("httpStatus", 200, 599),
            "percentage": percentage(abort, "percentage"),
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
