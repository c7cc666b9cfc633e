"""The dashboard's page is served as it is built now, and whoever has it open goes on."""

from pathlib import Path

from meshsplit.local.pages import put_in_place


def build(folder: Path, script: str) -> Path:
    """A page of one script, as the build leaves it."""
    (folder / "assets").mkdir(parents=True, exist_ok=True)
    for old in (folder / "assets").iterdir():
        old.unlink()
    (folder / "assets" / f"{script}.js").write_text(script)
    (folder / "index.html").write_text(f"loads {script}")
    (folder / ".stamp").write_text("of the build's own")
    return folder


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_page_is_put_in_place_once(tmp_path: Path) -> None:
    built, served = build(tmp_path / "dist", "one"), tmp_path / "served" / "pages"
    assert put_in_place(built, served, None)
    assert names(served) == {"index.html", "assets/one.js"}
    assert not put_in_place(built, served, None)


def test_a_changed_page_leaves_what_an_open_one_may_still_ask_for(tmp_path: Path) -> None:
    served = tmp_path / "pages"
    put_in_place(build(tmp_path / "dist", "one"), served, None)
    assert put_in_place(build(tmp_path / "dist", "two"), served, None)
    assert (served / "index.html").read_text() == "loads two"
    assert names(served) == {"index.html", "assets/one.js", "assets/two.js"}
