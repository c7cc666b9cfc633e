"""Istio's CorsPolicy."""

from meshsplit.translator.envoy import Json, present, typed
from meshsplit.translator.fields import Fields
from meshsplit.translator.matches import string_match


def read_cors(fields: Fields | None) -> Json:
    """Read a CORS policy as the route's settings of Envoy's CORS filter."""
    if fields is None:
        return {}
    origins = [match for child in fields.children("allowOrigins") if (match := string_match(child))]
    policy = present(
        allow_origin_string_match=origins,
        allow_methods=",".join(fields.texts("allowMethods")),
        allow_headers=",".join(fields.texts("allowHeaders")),
        expose_headers=",".join(fields.texts("exposeHeaders")),
        max_age=(fields.duration("maxAge") or "").removesuffix("s").partition(".")[0],
        allow_credentials=fields.boolean("allowCredentials"),
    )
    unmatched = fields.one_of("unmatchedPreflights", ("UNSPECIFIED", "FORWARD", "IGNORE"))
    policy["filter_enabled"] = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    policy["forward_not_matching_preflights"] = unmatched != "IGNORE"
    fields.close()
    return {
        "envoy.filters.http.cors": typed(
            "envoy.extensions.filters.http.cors.v3.CorsPolicy", **policy
        )
    }
