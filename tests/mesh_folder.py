"""A copy of the project's mesh for a test, with other components."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MESH = ROOT / "mesh"


def components() -> list[str]:
    """Every component there is, as kustomization.yaml names it."""
    return sorted(
        path.parent.relative_to(MESH).as_posix()
        for path in (MESH / "components").rglob("kustomization.yaml")
    )


def in_the_file_s_order() -> list[str]:
    """Every component in the order in which kustomization.yaml shows them."""
    lines = (MESH / "kustomization.yaml").read_text().splitlines()
    return [line.split()[2] for line in lines if line.strip().startswith("# - components/")]


def mesh_with(folder: Path, *names: str) -> Path:
    """Copy the mesh into ``folder``/mesh with these components."""
    mesh = Path(shutil.copytree(MESH, folder / "mesh"))
    use(mesh, *names)
    return mesh


def use(mesh: Path, *names: str) -> None:
    """Name these components in a mesh's kustomization.yaml, as a person would, and no others."""
    path = mesh / "kustomization.yaml"
    kept = path.read_text().partition("\ncomponents:")[0]
    lines = "".join(f"\n  - {name}" for name in names)
    path.write_text(f"{kept}\ncomponents:{lines or ' []'}\n")


def list_resource(mesh: Path, name: str) -> None:
    """Add a file to what kustomization.yaml lists."""
    path = mesh / "kustomization.yaml"
    path.write_text(path.read_text().replace("resources:\n", f"resources:\n  - {name}\n", 1))
