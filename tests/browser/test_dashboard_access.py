"""The dashboard holds to WCAG AA at every size and in both themes, as far as axe can tell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    Open = Callable[..., Page]

AXE = Path(__file__).parents[2] / "services/dashboard/node_modules/axe-core/axe.min.js"

RUN_AXE = """async () => (await axe.run()).violations.map(
    each => `${each.id}: ${each.nodes.map(node => node.html).join(' ')}`)"""

SIZES = (375, 768, 1440)
THEMES = ("light", "dark")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", SIZES)
def test_axe_finds_nothing(dashboard: str, open_page: Open, width: int, theme: str) -> None:
    page = open_page(dashboard, width, theme)
    expect(page.get_by_test_id("verdict")).to_be_visible(timeout=15_000)
    expect(page.get_by_test_id("conclusion")).to_be_visible(timeout=15_000)
    expect(page.locator(".pie-legend")).to_be_visible(timeout=15_000)
    # Evaluated, not added as a script: the page's CSP would rightly refuse that.
    page.evaluate(AXE.read_text())
    assert page.evaluate(RUN_AXE) == []


@pytest.mark.parametrize("width", [320, *SIZES])
def test_nothing_sticks_out_to_the_side(dashboard: str, open_page: Open, width: int) -> None:
    page = open_page(dashboard, width)
    expect(page.locator(".ranked-bars").first).to_be_visible(timeout=15_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_nothing_moves_for_who_wants_no_motion(dashboard: str, open_page: Open) -> None:
    page = open_page(dashboard, reduced_motion="reduce")
    expect(page.get_by_test_id("verdict")).to_be_visible(timeout=15_000)
    seconds = page.locator(".share-part").first.evaluate(
        "element => getComputedStyle(element).transitionDuration"
    )
    assert float(seconds.removesuffix("s")) <= 0.001
