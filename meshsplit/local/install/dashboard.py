"""The dashboard's build, stamped by the hash of its sources."""

from pathlib import Path

from meshsplit.local.install import node

BUILT_NOT = frozenset({"node_modules", "dist", "test-results", "coverage"})


def install(root: Path, state: Path) -> None:
    """Install the page's packages and build it, where its sources changed.

    Raises InstallError.
    """
    page = root / "services" / "dashboard"
    node.packages(page, root, state, "the dashboard")
    stamp = page / "dist" / ".built"
    wanted = node.hash_of(_sources(page))
    if node.is_stamped(stamp, wanted):
        return
    node.npm(["run", "build"], page, root, state, "building the dashboard")
    stamp.write_text(wanted)


def _sources(page: Path) -> list[Path]:
    return sorted(
        path
        for path in page.rglob("*")
        if BUILT_NOT.isdisjoint(path.relative_to(page).parts) and path.is_file()
    )
