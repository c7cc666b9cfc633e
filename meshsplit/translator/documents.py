"""The files of a mesh folder, as resources."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meshsplit.translator.fields import Fields, Place
from meshsplit.translator.kustomization import NAMES, Kustomization, Resource, kustomization_of
from meshsplit.translator.refusal import Refusal, Refused
from meshsplit.translator.yaml_files import read_yaml

FOLDERS = ("gateway", "routes", "destinations", "telemetry")
"""What the local gateway is made from. In a folder without a kustomization.yaml, all of it is."""

API = "networking.istio.io/v1"
_SAME_API = (API, "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3")
_TELEMETRY_API = ("telemetry.istio.io/v1", "telemetry.istio.io/v1alpha1")
ARMS = "meshsplit.dev/arms"
"""The annotation that makes a VirtualService a split: a YAML list of name, host and color."""
SIDECARS = "mesh"
"""Istio's name for all sidecars, where a gateway's could stand."""
_GATEWAY = {"matchLabels": {"istio": "ingressgateway"}}
"""What a Telemetry selects that is the gateway's."""
KINDS = ("Gateway", "VirtualService", "DestinationRule", "Telemetry")

_NO_IDENTITY = "processes of one machine have no mesh identities and no mutual TLS"
_NO_SIDECAR = "without a cluster there are no sidecars; the gateway is the only proxy"
_NO_API_SERVER = "there is no API server to refuse an object; the translator refuses the files"
FOR_A_CLUSTER = {
    "PeerAuthentication": _NO_IDENTITY,
    "AuthorizationPolicy": _NO_IDENTITY,
    "Sidecar": _NO_SIDECAR,
    "ValidatingAdmissionPolicy": _NO_API_SERVER,
    "ValidatingAdmissionPolicyBinding": _NO_API_SERVER,
}
"""Kinds that the local gateway passes by, and why. Any other that it doesn't know is refused."""


@dataclass(frozen=True, slots=True)
class Document:
    """One resource of one file."""

    file: str
    kind: str
    name: str
    spec: Fields
    annotations: Mapping[str, str]


def files_of(mesh: Path) -> list[Path]:
    """Return the YAML files under ``mesh`` that the local gateway may be made from."""
    if kustomization_of(mesh) is not None:
        return sorted(path for path in mesh.rglob("*") if _is_yaml(path))
    return sorted(
        path
        for folder in FOLDERS
        for path in (mesh / folder).rglob("*")
        if _is_yaml(path) and path.name not in NAMES
    )


def read_resources(mesh: Path, refusals: list[Refusal]) -> list[Resource]:
    """Read what ``mesh`` says, of every kind; what can't be read goes to ``refusals``.

    With a kustomization.yaml the folder says what that asks for, its components applied; without
    one, every file in the four folders counts.
    """
    if not mesh.is_dir():
        refusals.append(Refusal(str(mesh), "", "", "no such folder"))
        return []
    if kustomization_of(mesh) is None:
        return [
            Resource(name, content)
            for path in files_of(mesh)
            for name in [path.relative_to(mesh).as_posix()]
            for content in read_yaml(path, name, refusals)
        ]
    before = len(refusals)
    kustomization = Kustomization(mesh, refusals)
    found = kustomization.read(mesh)
    if len(refusals) > before:  # what it lists is then not known
        return found
    root = mesh.resolve()
    for path in files_of(root):
        name = path.relative_to(root).as_posix()
        if name.partition("/")[0] in FOLDERS and path not in kustomization.files:
            refusals.append(
                Refusal(
                    name, "", "", "kustomization.yaml doesn't list it: a cluster has none of it"
                )
            )
    return found


def read_all(mesh: Path) -> list[Resource]:
    """Return what ``mesh`` says, of every kind.

    Raises:
        Refused: a file can't be read.
    """
    refusals: list[Refusal] = []
    found = read_resources(mesh, refusals)
    if refusals:
        raise Refused(refusals)
    return found


def read_documents(mesh: Path, refusals: list[Refusal]) -> list[Document]:
    """Read what the local gateway is made from; what can't be honoured goes to ``refusals``."""
    documents = [
        document
        for resource in read_resources(mesh, refusals)
        if not passed_by(resource)
        and (document := _document(resource.file, resource.content, refusals)) is not None
    ]
    _refuse_repeated_names(documents)
    return documents


def passed_by(resource: Resource) -> str:
    """Return why the local gateway passes a resource by; empty if it doesn't."""
    content = resource.content if isinstance(resource.content, dict) else {}
    spec = content.get("spec")
    if content.get("kind") == "VirtualService" and isinstance(spec, dict):
        return _NO_SIDECAR if spec.get("gateways") == [SIDECARS] else ""
    if content.get("kind") == "Telemetry" and isinstance(spec, dict):
        return _NO_SIDECAR if (spec.get("selector") or _GATEWAY) != _GATEWAY else ""
    return FOR_A_CLUSTER.get(str(content.get("kind")), "")


def _is_yaml(path: Path) -> bool:
    """Whether it is a YAML file, and not one that an editor keeps beside it."""
    return path.suffix in (".yaml", ".yml") and not path.name.startswith(".")


def _document(file: str, content: Any, refusals: list[Refusal]) -> Document | None:
    before = len(refusals)
    kind = content.get("kind") if isinstance(content, dict) else None
    resource = Fields(content, Place(file, "" if kind is None else str(kind), refusals))
    resource.required("apiVersion")
    resource.one_of("apiVersion", _TELEMETRY_API if kind == "Telemetry" else _SAME_API)
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
    annotations: dict[str, str] = {}
    if metadata is not None and (noted := metadata.child("annotations")) is not None:
        annotations = {key: noted.text(key) or "" for key in noted.keys()}  # noqa: SIM118 - no dict
    resource.required("spec")
    resource.child("spec")
    resource.close()
    if len(refusals) > before or name is None:
        return None
    spec = Fields(content["spec"], Place(file, f"{kind} {name}", refusals).at("spec"))
    return Document(file, str(kind), name, spec, annotations)


def _refuse_repeated_names(documents: list[Document]) -> None:
    first: dict[tuple[str, str], Document] = {}
    for document in documents:
        known = first.setdefault((document.kind, document.name), document)
        if known is not document:
            document.spec.place.refuse(f"{known.file} already has a resource of this name")
