"""A real Chromium on the real system's dashboard."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests import plain_http

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.stack import LiveStack

SEMESTER = ("segundo", 2031)
LONG_COURSE = "Introducción " + "a la programación distribuida " * 8


@pytest.fixture(scope="module")  # playwright's event loop must end before other tests want theirs
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    chromium = chromium or shutil.which("google-chrome")
    assert chromium, "the browser tests need the system's Chromium"
    # Chromium's sandbox refuses to work for root, who is the user in most containers.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=sandbox)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def dashboard(stack: LiveStack) -> str:
    """The page's address, on a system in which there is something to see."""
    semester, year = SEMESTER
    records = [
        ("1-1", "Nannie", "S30", 100),
        ("1-2", "محمد عبد الرحمن", "S30", 61),
        ("1-3", "José", "S30", 60),
        ("1-1", "Nannie", "سلسلة طويلة", 90),
        ("1-2", "محمد عبد الرحمن", "سلسلة طويلة", 20),
        ("1-3", "N" * 255, LONG_COURSE[:255].strip(), 75),
    ]
    for carne, nombre, curso, nota in records:
        body = {"carne": carne, "nombre": nombre, "curso": curso, "nota": nota}
        body |= {"semestre": semester, "year": year}
        plain_http.post(f"{stack.gateway}/", json=body).raise_for_status()
    return f"{stack.gateway}/dashboard/?year={year}&semester={semester}&course=S30"


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages that fail the test when their console complains of a script or the CSP."""
    pages: list[Page] = []
    complaints: list[str] = []

    def opened(url: str, width: int = 1440, theme: str = "light", **options: str) -> Page:
        page = browser.new_page(
            viewport={"width": width, "height": 900},
            color_scheme=theme,  # type: ignore[arg-type]  # a str where playwright wants a Literal
            **options,  # type: ignore[arg-type]  # likewise
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if "Security Policy" in said.text else None,
        )
        pages.append(page)
        page.goto(url)
        return page

    yield opened
    for page in pages:
        page.close()
    assert complaints == []
