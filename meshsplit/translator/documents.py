"""The files of a mesh folder, as resources."""

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from meshsplit.translator.fields import Fields, Place
from meshsplit.translator.refusal import Refusal

FOLDERS = ("gateway", "routes", "destinations")
"""What the local gateway is made from. Other folders (patches, security) are for a cluster."""

API = "networking.istio.io/v1"
_SAME_API = (API, "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3")
KINDS = ("Gateway", "VirtualService", "DestinationRule")


@dataclass(frozen=True, slots=True)
class Document:
    """One resource of one file."""

    file: str
    kind: str
    name: str
    spec: Fields


def files_of(mesh: Path) -> list[Path]:
    """Return the YAML files that the local gateway is made from, in a fixed order."""
    found = []
    for folder in FOLDERS:
        root = mesh / folder
        found += [
            path
            for path in root.rglob("*")
            if path.suffix in (".yaml", ".yml")
            and path.name not in ("kustomization.yaml", "kustomization.yml")
            and not path.name.startswith(".")  # editors keep their swap files so
        ]
    return sorted(found)


def read_documents(mesh: Path, refusals: list[Refusal]) -> list[Document]:
    """Read every resource under ``mesh``; what can't be read goes to ``refusals``."""
    documents: list[Document] = []
    if not mesh.is_dir():
        refusals.append(Refusal(str(mesh), "", "", "no such folder"))
        return documents
    for path in files_of(mesh):
        file = path.relative_to(mesh).as_posix()
        try:
            loaded = list(yaml.load_all(path.read_text(encoding="utf-8"), Loader=_Loader))
        except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
            refusals.append(Refusal(file, _where(error), "", _what(error)))
            continue
        contents = [content for content in loaded if content is not None]
        if not contents:
            refusals.append(Refusal(file, "", "", "the file is empty"))
        for content in contents:
            document = _document(file, content, refusals)
            if document is not None:
                documents.append(document)
    _refuse_repeated_names(documents)
    return documents


def _document(file: str, content: Any, refusals: list[Refusal]) -> Document | None:
    before = len(refusals)
    kind = content.get("kind") if isinstance(content, dict) else None
    resource = Fields(content, Place(file, "" if kind is None else str(kind), refusals))
    resource.required("apiVersion")
    resource.one_of("apiVersion", _SAME_API)
    resource.required("kind")
    resource.one_of("kind", KINDS)
    resource.required("metadata")
    metadata = resource.child("metadata")
    name = None
    if metadata is not None:
        metadata.required("name")
        name = metadata.text("name")
        for key in ("namespace", "labels", "annotations"):  # Kubernetes' own; nothing here
            metadata.child(key) if key != "namespace" else metadata.text(key)
        metadata.close()
    resource.required("spec")
    resource.child("spec")
    resource.close()
    if len(refusals) > before or name is None:
        return None
    spec = Fields(content["spec"], Place(file, f"{kind} {name}", refusals).at("spec"))
    return Document(file, str(kind), name, spec)


def _refuse_repeated_names(documents: list[Document]) -> None:
    first: dict[tuple[str, str], Document] = {}
    for document in documents:
        known = first.setdefault((document.kind, document.name), document)
        if known is not document:
            document.spec.place.refuse(f"{known.file} already has a resource of this name")


class _Loader(yaml.SafeLoader):
    """YAML as the API server reads it, but a key that stands twice is an error."""

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


def _where(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""


def _what(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError):
        return f"not YAML: {error.problem or error.context}"
    return f"can't be read: {error}"
