"""JSON patches (RFC 6902), as far as kustomize's ``patches`` need them."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any


class PatchError(Exception):
    """An operation doesn't fit what it is applied to; in one line."""


def apply_patch(content: Any, operations: list[Any]) -> Any:
    """Return the content after all operations; the argument stays as it is.

    Known are ``test``, ``add``, ``replace`` and ``remove``.

    Raises:
        PatchError: with the number of the operation that could not be done.
    """
    changed = deepcopy(content)
    for number, operation in enumerate(operations):
        try:
            changed = _apply(changed, operation)
        except PatchError as error:
            raise PatchError(f"operation {number}: {error}") from None
    return changed


def _apply(content: Any, operation: Any) -> Any:
    if not isinstance(operation, dict):
        raise PatchError("expected fields: op, path, value")
    op, path = operation.get("op"), operation.get("path")
    unknown = operation.keys() - {"op", "path", "value"}
    if op not in _OPERATIONS or not isinstance(path, str) or unknown:
        known = ", ".join(_OPERATIONS)
        raise PatchError(f"expected op ({known}), path and value; found {operation!r}")
    if op != "remove" and "value" not in operation:
        raise PatchError(f"{op} needs a value")
    if not path.startswith("/"):
        raise PatchError(f"expected a path such as /spec/http/0, found {path!r}")
    *steps, last = (part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/"))
    holder = content
    for step in steps:
        holder = holder[_present(holder, step, path)]
    _OPERATIONS[op](holder, last, path, deepcopy(operation.get("value")))
    return content


def _present(holder: Any, step: str, path: str) -> Any:
    """Return the key or index of what is there."""
    if isinstance(holder, dict) and step in holder:
        return step
    if isinstance(holder, list) and step.isdecimal() and int(step) < len(holder):
        return int(step)
    raise PatchError(f"there is no {path}")


def _test(holder: Any, last: str, path: str, value: Any) -> None:
    found = holder[_present(holder, last, path)]
    if found != value:
        raise PatchError(
            f"{path} is {found!r}, not {value!r}; components that put a rule first come last"
        )


def _add(holder: Any, last: str, path: str, value: Any) -> None:
    if isinstance(holder, dict):
        holder[last] = value
    elif isinstance(holder, list) and last == "-":
        holder.append(value)
    elif isinstance(holder, list) and last.isdecimal() and int(last) <= len(holder):
        holder.insert(int(last), value)
    else:
        raise PatchError(f"nothing can be added at {path}")


def _replace(holder: Any, last: str, path: str, value: Any) -> None:
    holder[_present(holder, last, path)] = value


def _remove(holder: Any, last: str, path: str, _value: Any) -> None:
    del holder[_present(holder, last, path)]


_OPERATIONS: dict[str, Callable[[Any, str, str, Any], None]] = {
    "test": _test,
    "add": _add,
    "replace": _replace,
    "remove": _remove,
}
