"""The few words of Envoy's configuration that every part of the translation says."""

from typing import Any

Json = dict[str, Any]
"""A piece of Envoy configuration, as its JSON form."""


def typed(kind: str, **fields: Any) -> Json:
    """Return a message of ``kind`` (its full name) with its type in it."""
    return {"@type": f"type.googleapis.com/{kind}", **fields}


def extension(name: str, kind: str, **fields: Any) -> Json:
    """Return a named extension with its typed configuration."""
    return {"name": name, "typed_config": typed(kind, **fields)}


def socket_address(ip: str, port: int) -> Json:
    """Return a TCP address."""
    return {"socket_address": {"address": ip, "port_value": port}}


def present(**fields: Any) -> Json:
    """Return those fields that are there: neither None nor empty."""
    return {key: value for key, value in fields.items() if value not in (None, [], {}, "")}
