"""YAML files as the API server reads them, but a key that stands twice is an error."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from meshsplit.translator.refusal import Refusal


def read_yaml(path: Path, name: str, refusals: list[Refusal]) -> list[Any]:
    """Return a file's documents; if it can't be read, that goes to ``refusals`` under ``name``."""
    try:
        loaded = parse_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        refusals.append(Refusal(name, _where(error), "", _what(error)))
        return []
    contents = [content for content in loaded if content is not None]
    if not contents:
        refusals.append(Refusal(name, "", "", "the file is empty"))
    return contents


def parse_yaml(text: str) -> list[Any]:
    """Return a text's documents.

    Raises:
        yaml.YAMLError: it isn't YAML, or a value in it isn't what its tag says.
    """
    try:
        return list(yaml.load_all(text, Loader=_Loader))
    except RecursionError:
        raise yaml.YAMLError("it is nested too deeply") from None


class _Loader(yaml.SafeLoader):
    """YAML as the API server reads it, but a key that stands twice is an error."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, LookupError) as error:  # a constructor's own, which says no place
            tag = node.tag.removeprefix("tag:yaml.org,2002:")
            raise yaml.constructor.ConstructorError(
                None, None, f"this value can't be read as {tag}", node.start_mark
            ) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable) or key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands here twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def _text(loader: _Loader, node: yaml.ScalarNode) -> Any:
    return loader.construct_scalar(node)


# JSON has no dates, so to the API server they are text.
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _text)


def _where(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""


def _what(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError):
        return f"not YAML: {error.problem or error.context}"
    return f"can't be read: {error}"
