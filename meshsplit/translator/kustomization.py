"""The part of kustomize that a mesh folder uses: resources, components and JSON patches.

``kubectl`` may be missing on a machine without a cluster, and the two must agree on what the files
say. So this reads ``kustomization.yaml`` too, in the same order; what it doesn't know is refused.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from meshsplit.translator.fields import Fields, Place
from meshsplit.translator.patches import PatchError, apply_patch
from meshsplit.translator.refusal import Refusal
from meshsplit.translator.yaml_files import parse_yaml, read_yaml

NAMES = ("kustomization.yaml", "kustomization.yml")
_KINDS = ("Kustomization", "Component")


@dataclass(slots=True)
class Resource:
    """One YAML document, and the file it was read from."""

    file: str
    content: Any


def kustomization_of(folder: Path) -> Path | None:
    """Return a folder's kustomization file, or None."""
    return next((folder / name for name in NAMES if (folder / name).is_file()), None)


class Kustomization:
    """Reads the resources that a folder's kustomization asks for, patched."""

    def __init__(self, root: Path, refusals: list[Refusal]) -> None:
        """``root`` is the mesh's folder: everything must be in it, since it is what is watched."""
        self._root = root.resolve()
        self._refusals = refusals
        self._under_way: list[Path] = []
        self.files: set[Path] = set()
        """Every file that was asked for."""

    def read(self, folder: Path, before: list[Resource] | None = None) -> list[Resource]:
        """Return a folder's resources; a component's are those ``before``, changed or more."""
        folder = folder.resolve()
        path = kustomization_of(folder)
        if path is None:
            self._refuse(folder, "", "there is no kustomization.yaml in this folder")
            return before or []
        if folder in self._under_way:
            self._refuse(path, "", "it asks for itself")
            return before or []
        self.files.add(path)
        documents = read_yaml(path, self._name(path), self._refusals)
        self._under_way.append(folder)
        try:
            for content in documents:
                before = self._apply(folder, path, content, before)
        finally:
            self._under_way.pop()
        return before or []

    def _apply(
        self, folder: Path, path: Path, content: Any, before: list[Resource] | None
    ) -> list[Resource]:
        fields = Fields(content, Place(self._name(path), "", self._refusals))
        fields.text("apiVersion")
        kind = fields.one_of("kind", _KINDS) or _KINDS[0]
        if (kind == "Component") != (before is not None):
            wanted = "Component" if before is not None else "Kustomization"
            fields.refuse("kind", f"expected {wanted} where this is asked for")
        resources = [*(before or [])]
        for index, name in enumerate(fields.texts("resources")):
            target = self._inside(folder, name, fields.place.at("resources").at(index))
            if target is not None and target.is_dir():
                resources += self.read(target)
            elif target is not None:
                resources += self._documents(target)
        for index, name in enumerate(fields.texts("components")):
            target = self._inside(folder, name, fields.place.at("components").at(index))
            if target is not None:
                resources = self.read(target, resources)
        for patch in fields.children("patches"):
            self._patch(folder, patch, resources)
        fields.close()
        return resources

    def _documents(self, path: Path) -> list[Resource]:
        name = self._name(path)
        self.files.add(path)
        contents = read_yaml(path, name, self._refusals)
        return [Resource(name, content) for content in contents]

    def _patch(self, folder: Path, fields: Fields, resources: list[Resource]) -> None:
        target = fields.child("target")
        fields.required("target")
        fields.at_most_one("patch", "path")
        text, name = fields.text("patch"), fields.text("path")
        fields.close()
        if name is not None:
            path = self._inside(folder, name, fields.place.at("path"))
            if path is None:
                return
            self.files.add(path)
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                fields.refuse("path", f"can't be read: {error}")
                return
        if target is None or text is None:
            fields.place.refuse("expected target, and patch or path")
            return
        kind, wanted = target.text("kind"), target.text("name")
        target.required("kind")
        target.required("name")
        target.close()
        try:
            documents = parse_yaml(text)
        except yaml.YAMLError as error:
            fields.place.refuse(f"the patch is not YAML: {error}")
            return
        operations = documents[0] if len(documents) == 1 else None
        if not isinstance(operations, list):
            fields.place.refuse("only JSON patches (a list of op, path, value) are known here")
            return
        chosen = [resource for resource in resources if _is(resource, kind, wanted)]
        if not chosen:
            target.place.refuse(f"there is no {kind} {wanted}")
        for resource in chosen:
            try:
                resource.content = apply_patch(resource.content, operations)
            except PatchError as error:
                fields.place.refuse(str(error))

    def _inside(self, folder: Path, name: str, place: Place) -> Path | None:
        try:
            target = (folder / name).resolve()
        except (OSError, RuntimeError, ValueError) as error:  # links in a circle, a NUL
            place.refuse(f"{name} can't be read: {error}")
            return None
        if "://" in name or not target.is_relative_to(self._root):
            place.refuse(f"{name} is outside of the mesh's folder")
        elif not target.exists():
            place.refuse(f"there is no {name}")
        else:
            return target
        return None

    def _refuse(self, path: Path, where: str, message: str) -> None:
        self._refusals.append(Refusal(self._name(path), where, "", message))

    def _name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix() if path != self._root else "."


def _is(resource: Resource, kind: str | None, name: str | None) -> bool:
    content = resource.content
    if not isinstance(content, dict) or content.get("kind") != kind:
        return False
    metadata = content.get("metadata")
    return isinstance(metadata, dict) and metadata.get("name") == name
