"""The dashboard as a person meets it: what it shows, and how it is used."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests import plain_http

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.stack import LiveStack

    Open = Callable[..., Page]

SOON_MS = 15_000


def test_the_charts_show_what_was_sent(dashboard: str, open_page: Open) -> None:
    page = open_page(dashboard)
    results = page.get_by_role("region", name="Passed and failed")
    expect(results.get_by_text(re.compile(r"^Passed 2$"))).to_be_visible(timeout=SOON_MS)
    expect(results.get_by_text(re.compile(r"^Failed 1$"))).to_be_visible()
    courses = page.get_by_role("region", name="Courses with most students")
    courses.get_by_text("Show as a table").click()
    expect(courses.get_by_role("row")).to_have_text(
        ["CourseStudents", "S303", "سلسلة طويلة2", re.compile("Introducción.*1")]
    )
    students = page.get_by_role("region", name="Best averages")
    students.get_by_role("radio", name="This semester").check()
    students.get_by_text("Show as a table").click()
    expect(students.get_by_role("row").nth(1)).to_have_text(re.compile(r"^Nannie1-195\.002$"))


def test_the_live_total_moves_by_itself(stack: LiveStack, dashboard: str, open_page: Open) -> None:
    page = open_page(dashboard)
    total = page.get_by_test_id("live-total")
    expect(page.get_by_test_id("connection")).to_have_text("Connected", timeout=SOON_MS)
    expect(page.get_by_test_id("live-students")).to_have_text(re.compile(r"\d"), timeout=SOON_MS)
    before = int(total.inner_text().replace(",", ""))
    record = {"carne": "9-9", "nombre": "Ana", "curso": "S31", "nota": 50}
    for _ in range(60):  # at 50/50, the chance that Redis' arm gets none is 1 in 10^18
        body = record | {"semestre": "primero", "year": 2001}
        plain_http.post(f"{stack.gateway}/", json=body).raise_for_status()
    expect(total).not_to_have_text(f"{before:,}", timeout=SOON_MS)
    expect(page.locator("[data-lit]").first).to_be_attached(timeout=SOON_MS)


def test_a_course_is_chosen_by_keyboard_alone(dashboard: str, open_page: Open) -> None:
    page = open_page(dashboard)
    course = page.get_by_role("combobox", name="Course")
    expect(course).to_have_value("S30")
    for _ in range(30):
        if course.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(course).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.type("introduccion", delay=10)
    expect(page.get_by_role("option")).to_have_count(1, timeout=SOON_MS)
    page.keyboard.press("Enter")
    expect(course).to_have_value(re.compile("^Introducción"))
    assert "course=Introducci" in page.url
    page.reload()
    expect(course).to_have_value(re.compile("^Introducción"))


def test_focus_is_always_visible(dashboard: str, open_page: Open) -> None:
    page = open_page(dashboard)
    expect(page.get_by_role("combobox", name="Course")).to_have_value("S30")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_the_theme_stays_chosen(dashboard: str, open_page: Open) -> None:
    page = open_page(dashboard)
    root = page.locator("html")
    expect(root).to_have_attribute("data-theme", "light")
    page.get_by_role("radio", name="Dark").check()
    expect(root).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(root).to_have_attribute("data-theme", "dark")


def test_the_arms_stand_side_by_side_in_everything_they_are_compared_by(
    stack: LiveStack, dashboard: str, open_page: Open
) -> None:
    page = open_page(dashboard)
    panel = page.get_by_role("region", name="Arms compared")
    expect(panel.get_by_test_id("conclusion")).to_contain_text(".", timeout=SOON_MS)
    for title in ("Errors", "p50", "p99", "CPU per record"):
        rows = panel.get_by_role("table", name=title).get_by_role("row")
        expect(rows).to_have_text(
            [re.compile("^ArmEstimate95 % interval$"), re.compile("^fastapi"), re.compile("^grpc")]
        )
    record = {"carne": "9-8", "nombre": "Ana", "curso": "S31", "nota": 50}
    until = (
        time.monotonic() + 75
    )  # a window closes after 10 s with 50 records an arm, or after 60 s
    errors = panel.get_by_role("table", name="Errors")
    while errors.get_by_text(re.compile(r"^\d+\.\d\d %$")).count() < 2:
        assert time.monotonic() < until, panel.inner_text()
        body = record | {"semestre": "primero", "year": 2001}
        plain_http.post(f"{stack.gateway}/", json=body).raise_for_status()
        page.wait_for_timeout(100)
