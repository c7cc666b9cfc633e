"""Istio's Headers: what is set, added and removed on the way."""

from meshsplit.translator.envoy import Json, present
from meshsplit.translator.fields import Fields

_HOST = ("host", ":authority")


def read_headers(fields: Fields | None) -> tuple[Json, str | None]:
    """Read header operations: the fields of an Envoy route or weighted cluster, and a new Host.

    As in Istio, setting ``Host`` on a request is a rewrite of its authority.
    """
    if fields is None:
        return {}, None
    host: str | None = None
    found: Json = {}
    for direction in ("request", "response"):
        operations = fields.child(direction)
        if operations is None:
            continue
        to_set, to_add = operations.text_map("set"), operations.text_map("add")
        to_remove = operations.texts("remove")
        operations.close()
        for name in list(to_set):
            if direction == "request" and name.lower() in _HOST:
                host = to_set.pop(name)
        _refuse_pseudo(operations, to_set, to_add, to_remove)
        found |= present(
            **{
                f"{direction}_headers_to_add": [
                    *_values(to_set, "OVERWRITE_IF_EXISTS_OR_ADD"),
                    *_values(to_add, "APPEND_IF_EXISTS_OR_ADD"),
                ],
                f"{direction}_headers_to_remove": to_remove,
            }
        )
    fields.close()
    return found, host


def _values(headers: dict[str, str], action: str) -> list[Json]:
    return [
        {"header": {"key": name, "value": value}, "append_action": action}
        for name, value in sorted(headers.items())
    ]


def _refuse_pseudo(
    operations: Fields, to_set: dict[str, str], to_add: dict[str, str], to_remove: list[str]
) -> None:
    """Refuse what Envoy refuses: it keeps ``Host`` and names that begin with a colon."""
    for key, names in (("set", to_set), ("add", to_add), ("remove", to_remove)):
        for name in names:
            if name.startswith(":") or name.lower() == "host" or not name:
                operations.refuse(key, f"the header {name!r} can't be changed so")
