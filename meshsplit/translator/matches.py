"""Istio's HTTPMatchRequest: which requests a rule is for."""

import re

from meshsplit.translator.envoy import Json, present
from meshsplit.translator.fields import Fields

_KINDS = ("exact", "prefix", "regex")


def string_match(fields: Fields) -> Json | None:
    """Read Istio's StringMatch as Envoy's StringMatcher; None if it is empty or refused."""
    fields.at_most_one(*_KINDS)
    values = {kind: fields.text(kind) for kind in _KINDS}
    fields.close()
    if (regex := values["regex"]) is not None:
        try:
            re.compile(regex)  # RE2 takes less still; Envoy then says so, and the agent with it
        except re.error as error:
            fields.refuse("regex", f"not a regular expression: {error}")
            return None
        return {"safe_regex": {"regex": regex}}
    for kind in ("exact", "prefix"):
        if (value := values[kind]) is not None:
            return {kind: value}
    return None


def is_catch_all(match: Json) -> bool:
    """Whether an Envoy match takes every request (Istio tries such rules last)."""
    every_path = match.get("prefix") == "/" or match.get("safe_regex") == {"regex": ".*"}
    return every_path and not match.get("headers") and not match.get("query_parameters")


def read_match(fields: Fields, gateway: str) -> tuple[str, Json]:
    """Read one match; returns its name and Envoy's RouteMatch."""
    name = fields.text("name") or ""
    case_sensitive = not (fields.boolean("ignoreUriCase") or False)
    match = {**_path(fields.child("uri")), "case_sensitive": case_sensitive}
    headers: list[Json] = []
    for header, wanted in fields.named("headers").items():
        headers.append(_present_or_matching(header.lower(), wanted))
    for header, unwanted in fields.named("withoutHeaders").items():
        matcher = _present_or_matching(header.lower(), unwanted)
        if "string_match" in matcher:
            matcher["treat_missing_header_as_empty"] = True
        headers.append({**matcher, "invert_match": True})
    headers.sort(key=lambda matcher: str(matcher["name"]))
    for key in ("method", "authority", "scheme"):
        if (child := fields.child(key)) is not None:
            _refuse_if_empty(child)
            if (value := string_match(child)) is not None:
                headers.append({"name": f":{key}", "string_match": value})
    parameters = [
        _present_or_matching(parameter, child)
        for parameter, child in sorted(fields.named("queryParams").items())
    ]
    gateways = fields.texts("gateways")
    if gateways and gateway not in gateways:
        fields.refuse("gateways", f"there is only the gateway {gateway!r} here")
    if fields.integer("port", 1, 65535) is not None:
        fields.refuse("port", "the local gateway has one port, and no rule can ask for another")
    fields.close()
    return name, {**match, **present(headers=headers, query_parameters=parameters)}


def _path(fields: Fields | None) -> Json:
    if fields is None:
        return {"prefix": "/"}
    _refuse_if_empty(fields)
    value = string_match(fields) or {"prefix": "/"}
    if "exact" in value:
        return {"path": value["exact"]}
    return value


def _refuse_if_empty(fields: Fields) -> None:
    if not fields:
        fields.place.refuse("expected one of exact, prefix, regex")


def _present_or_matching(name: str, fields: Fields) -> Json:
    """Match a header or query parameter; ``{}`` means that it is there, whatever it says.

    So does the regex ``*``, which is none: Istio takes it for what people mean by it.
    """
    if fields.text("regex") == "*" and not {"exact", "prefix"} & fields.keys():
        fields.close()
        return {"name": name, "present_match": True}
    value = string_match(fields)
    if value is None:
        return {"name": name, "present_match": True}
    return {"name": name, "string_match": value}
