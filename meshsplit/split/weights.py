"""The weights in the VirtualService's file: the one place where they stand."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from meshsplit.translator.documents import ARMS, read_all
from meshsplit.translator.refusal import Refused

COUNTS = "meshsplit.dev/counts"
"""The annotation that says what a decision of the weights is one of; without it: requests."""


class SplitError(Exception):
    """The file has no split that can be read, or can't be given these weights; in one line."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One of the implementations that requests are split between."""

    name: str
    host: str
    color: str
    weight: int


@dataclass(frozen=True, slots=True)
class Split:
    """A VirtualService's split."""

    service: str
    """The VirtualService's name."""
    rule: str
    """The name of the rule in it whose weights these are."""
    arms: tuple[Arm, ...]
    counts: str = "requests"
    """What the weights decide for: each request, or (with the sticky component) each user once."""

    @property
    def weights(self) -> dict[str, int]:
        """The weights as they stand in the file, by arm."""
        return {arm.name: arm.weight for arm in self.arms}

    @property
    def percent(self) -> dict[str, float]:
        """The share of each arm in percent."""
        total = sum(arm.weight for arm in self.arms)
        return {arm.name: 100 * arm.weight / total for arm in self.arms}


def find_split(mesh: Path) -> Path:
    """Return the file under ``mesh``/routes whose VirtualService has arms.

    Raises:
        SplitError: there is none, or more than one.
    """
    found = [
        path for path in sorted((mesh / "routes").rglob("*.yaml")) if f"{ARMS}:" in _read(path)
    ]
    if len(found) != 1:
        names = ", ".join(str(path) for path in found) or "none"
        raise SplitError(f"one VirtualService in {mesh / 'routes'} has {ARMS}; found: {names}")
    return found[0]


def asked_split(mesh: Path) -> Split:
    """Return the split that a mesh folder asks for, its components applied.

    Raises:
        SplitError: the folder can't be read, or has no split, or more than one.
    """
    try:
        resources = read_all(mesh)
    except Refused as refused:
        raise SplitError(str(refused.refusals[0])) from refused
    found = [resource for resource in resources if _has_arms(resource.content)]
    if len(found) != 1:
        names = ", ".join(resource.file for resource in found) or "none"
        raise SplitError(f"one VirtualService in {mesh} has {ARMS}; found: {names}")
    return split_of(found[0].content, found[0].file)


def split_of(resource: Mapping[str, Any], source: str) -> Split:
    """Read the split from a VirtualService; ``source`` is how errors name it.

    Raises:
        SplitError: it has no split that can be read.
    """
    return _split_and_entries(resource, source)[0]


def read_split(path: Path) -> Split:
    """Read the split from a VirtualService's file.

    Raises:
        SplitError: it can't be read, or has no split.
    """
    return parse_split(_read(path), str(path))


def parse_split(text: str, source: str) -> Split:
    """Read the split from a VirtualService's text; ``source`` is how errors name it.

    Raises:
        SplitError: it can't be read, or has no split.
    """
    return _locate(text, source)[0]


def with_weights(text: str, weights: Mapping[str, int], source: str) -> str:
    """Return the text with other weights, and every other character as it was.

    Raises:
        SplitError: an arm is unknown or missing, or the weights don't add up to 100.
    """
    split, places = _locate(text, source)
    _check(split, weights)
    lines = text.splitlines(keepends=True)
    for arm in split.arms:
        if arm.name not in places:
            if weights[arm.name]:
                raise SplitError(f"{source}: rule {split.rule} has no destination {arm.host}")
            continue
        line, column = places[arm.name]
        old = str(arm.weight)
        if not lines[line][column:].startswith(old):
            raise SplitError(f"{source}:{line + 1}: write the weight as a plain number")
        lines[line] = (
            lines[line][:column] + str(weights[arm.name]) + lines[line][column + len(old) :]
        )
    changed = "".join(lines)
    if parse_split(changed, source).weights != dict(weights):
        raise SplitError(f"{source}: the weights can't be changed in place; edit the file")
    return changed


def routes_of(
    resource: Mapping[str, Any], weights: Mapping[str, int], source: str
) -> list[tuple[str, int, bool]]:
    """Return each weight's JSON pointer in a VirtualService, its new value, and if it is there.

    Raises:
        SplitError: it has no split, or can't be given these weights.
    """
    split, entries = _split_and_entries(resource, source)
    _check(split, weights)
    if sorted(name for name, _ in entries) != sorted(weights):
        raise SplitError(f"{source}: rule {split.rule} must name each arm once")
    rules = resource["spec"]["http"]
    number = next(
        n
        for n, rule in enumerate(rules)
        if any(entry is entries[0][1] for entry in rule.get("route", []))
    )
    return [
        (f"/spec/http/{number}/route/{n}/weight", weights[name], "weight" in entry)
        for n, (name, entry) in enumerate(entries)
    ]


def write_split(path: Path, text: str) -> None:
    """Replace the file by a rename, so that no one ever reads half of it; the mode is kept."""
    path = path.resolve()
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(path.stat().st_mode & 0o777)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _check(split: Split, weights: Mapping[str, int]) -> None:
    names = [arm.name for arm in split.arms]
    unknown = [name for name in weights if name not in names]
    missing = [name for name in names if name not in weights]
    if unknown:
        raise SplitError(f"no arm is called {', '.join(unknown)}; there are {', '.join(names)}")
    if missing:
        raise SplitError(f"say a weight for every arm; missing: {', '.join(missing)}")
    if any(weight < 0 for weight in weights.values()):
        raise SplitError("a weight is 0 or more")
    if (total := sum(weights.values())) != 100:  # noqa: PLR2004 - percent
        raise SplitError(f"the weights add up to {total}, not to 100")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SplitError(f"{path} can't be read: {error}") from error


def _locate(text: str, source: str) -> tuple[Split, dict[str, tuple[int, int]]]:
    """Return the split, and the line and column of each arm's weight."""
    try:
        resource = _load(text, source)
    except RecursionError:
        raise SplitError(f"{source}: not YAML: it is nested too deeply") from None
    except (YAMLError, ValueError, LookupError) as error:  # the latter: a value against its tag
        what = (str(error) or type(error).__name__).splitlines()[0]
        raise SplitError(f"{source}: not YAML: {what}") from error
    split, entries = _split_and_entries(resource, source)
    return split, {name: entry.lc.value("weight") for name, entry in entries if "weight" in entry}


def _split_and_entries(resource: Any, source: str) -> tuple[Split, list[tuple[str, Any]]]:
    """Return the split, and each destination of its rule with the name of the arm it is."""
    try:
        service = str(resource["metadata"]["name"])
        annotations = resource["metadata"]["annotations"]
        declared = YAML(typ="safe").load(_text_of(annotations[ARMS]))
        arms = [(str(a["name"]), str(a["host"]), str(a.get("color", ""))) for a in declared]
        rules = list(_candidates(resource["spec"]["http"], {host for _, host, _ in arms}))
    except (YAMLError, LookupError, TypeError, ValueError, AttributeError) as error:
        what = (str(error) or "nothing").splitlines()[0]
        raise SplitError(
            f"{source}: no split can be read: {type(error).__name__} {what}"
        ) from error
    if len({name for name, _, _ in arms}) != len(arms) or not arms:
        raise SplitError(f"{source}: {ARMS} must name arms, each once")
    if not rules:
        raise SplitError(f"{source}: no rule sends to the arms alone, without a subset")
    rule = max(rules, key=lambda candidate: len(candidate["route"]))
    weights: dict[str, int] = {}
    entries: list[tuple[str, Any]] = []
    for entry in rule["route"]:
        name = next(n for n, host, _ in arms if host == entry["destination"]["host"])
        alone = len(rule["route"]) == 1 and "weight" not in entry
        weight = 100 if alone else entry.get("weight", 0)
        if not isinstance(weight, int) or weight < 0:
            raise SplitError(f"{source}: the weight of {name} must be a whole number, 0 or more")
        weights[name] = weights.get(name, 0) + weight
        entries.append((name, entry))
    if not sum(weights.values()):
        raise SplitError(f"{source}: the weights add up to 0")
    found = tuple(Arm(name, host, color, weights.get(name, 0)) for name, host, color in arms)
    counts = str(annotations.get(COUNTS, "requests"))
    return Split(service, str(rule.get("name", "")), found, counts), entries


def _text_of(annotation: Any) -> str:
    if not isinstance(annotation, str):
        raise TypeError(f"{ARMS} must be text")
    return annotation


def _has_arms(content: Any) -> bool:
    metadata = content.get("metadata") if isinstance(content, dict) else None
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return isinstance(annotations, dict) and ARMS in annotations


def _load(text: str, source: str) -> Any:
    for document in YAML().load_all(StringIO(text)):
        if _has_arms(document):
            return document
    raise SplitError(f"{source}: no VirtualService has {ARMS}")


def _candidates(rules: Any, hosts: set[str]) -> Iterator[Any]:
    for rule in rules:
        destinations = [entry["destination"] for entry in rule.get("route", [])]
        if destinations and all(d["host"] in hosts and "subset" not in d for d in destinations):
            yield rule
