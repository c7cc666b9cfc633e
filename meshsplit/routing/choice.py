"""Envoy's choice of a route, made on the configuration that the translator makes.

Source: Envoy's documentation of RouteConfiguration, VirtualHost, RouteMatch, HeaderMatcher and
QueryParameterMatcher; a test sends requests through a real Envoy to hold this to it.
"""

import re
from typing import Any

from meshsplit.routing.request import Request
from meshsplit.translator.envoy import Json


def choose(configuration: Json, request: Request) -> Json | None:
    """Return the route that wins the request, or None (Envoy then answers 404)."""
    host = choose_host(configuration, request.authority)
    if host is None:
        return None
    return next((route for route in host["routes"] if matches(route["match"], request)), None)


def choose_host(configuration: Json, authority: str) -> Json | None:
    """Return the virtual host of an authority: its exact name, the longest wildcard, or ``*``."""
    name = authority.lower()
    if configuration.get("ignore_port_in_host_matching"):
        name = re.sub(r":\d+$", "", name)
    best: tuple[tuple[int, int], Json] | None = None
    for host in configuration["virtual_hosts"]:
        for domain in host["domains"]:
            rank = _rank(domain.lower(), name)
            if rank is not None and (best is None or rank > best[0]):
                best = (rank, host)
    return None if best is None else best[1]


def _rank(domain: str, name: str) -> tuple[int, int] | None:
    """Return how well a domain fits a name, the higher the better; None if it doesn't."""
    if domain == name:
        return (3, 0)
    if domain == "*":
        return (0, 0)
    if len(name) < len(domain):  # a star stands for one character at least
        return None
    if domain.startswith("*") and name.endswith(domain[1:]):
        return (2, len(domain))
    if domain.endswith("*") and name.startswith(domain[:-1]):
        return (1, len(domain))
    return None


def matches(match: Json, request: Request) -> bool:
    """Whether a RouteMatch takes the request."""
    return (
        _path_matches(match, request.path)
        and all(_header_matches(matcher, request) for matcher in match.get("headers", []))
        and all(_parameter_matches(m, request) for m in match.get("query_parameters", []))
    )


def _path_matches(match: Json, path: str) -> bool:
    if "safe_regex" in match:
        return _regex_matches(match["safe_regex"]["regex"], path)
    if not match.get("case_sensitive", True):
        path = path.lower()
        match = {key: match[key].lower() for key in ("path", "prefix") if key in match}
    if "path" in match:
        return bool(path == match["path"])
    return path.startswith(match["prefix"])


def _header_matches(matcher: Json, request: Request) -> bool:
    """Match any of a header's values (Envoy looks at them one by one); inverted: none of them."""
    values = request.values(matcher["name"])
    invert = bool(matcher.get("invert_match"))
    if matcher.get("present_match"):
        return bool(values) != invert
    if not values:
        if not matcher.get("treat_missing_header_as_empty"):
            return False
        values = [""]
    return any(_string_matches(matcher["string_match"], value) for value in values) != invert


def _parameter_matches(matcher: Json, request: Request) -> bool:
    value = request.parameter(matcher["name"])
    if value is None or matcher.get("present_match"):
        return value is not None
    return _string_matches(matcher["string_match"], value)


def _string_matches(matcher: Json, value: str) -> bool:
    if "safe_regex" in matcher:
        return _regex_matches(matcher["safe_regex"]["regex"], value)
    exact: Any = matcher.get("exact")
    return value == exact if exact is not None else value.startswith(matcher["prefix"])


def _regex_matches(regex: str, value: str) -> bool:
    """Match the whole value; what RE2 has and Python's re has not, the translator refuses."""
    return re.fullmatch(regex, value) is not None
