"""The dashboard's built page where nginx's user can read it: the checkout may be below /root."""

import filecmp
import shutil
from pathlib import Path

from meshsplit.local.places import Places, give

_FIRST_PAGE = "index.html"


def built_page(root: Path) -> Path:
    """Return where the build leaves the page."""
    return root / "services" / "dashboard" / "dist"


def served_page(here: Places) -> Path:
    """Return where nginx finds it."""
    return here.data / "nginx" / "pages"


def put_in_place(built: Path, served: Path, user: str | None) -> bool:
    """Have the page served as it is built now; return whether it was another.

    Whoever has the page open goes on: a file under assets/ has its content's hash in its name, so
    the new ones come beside the old, and the first page, which names them, comes last.
    """
    names = [path.relative_to(built) for path in sorted(built.rglob("*")) if path.is_file()]
    shown = [name for name in names if not any(part.startswith(".") for part in name.parts)]
    news = [name for name in shown if not _same(built / name, served / name)]
    for name in sorted(news, key=lambda name: name.name == _FIRST_PAGE):
        _make_folder((served / name).parent, user)
        part = (served / name).with_name(f".{name.name}.part")
        shutil.copyfile(built / name, part)
        give(part, user)
        part.replace(served / name)
    return bool(news)


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and filecmp.cmp(one, other, shallow=False)


def _make_folder(folder: Path, user: str | None) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent, user)
        folder.mkdir()
        give(folder, user)
