"""The dashboard when there is nothing to show, or nobody to ask."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests import plain_http

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.stack import LiveStack

    Open = Callable[..., Page]

LONG_MS = 40_000


def test_a_reporter_that_goes_away_is_said_and_its_return_too(
    stack: LiveStack, dashboard: str, open_page: Open
) -> None:
    page = open_page(dashboard)
    connection = page.get_by_test_id("connection")
    expect(connection).to_have_text("Connected", timeout=LONG_MS)
    with stack.without("reporter"):
        expect(connection).to_have_text("Disconnected, still trying", timeout=LONG_MS)
        for panel in ("Traffic split", "Arms compared", "Live", "Best averages"):
            notice = page.get_by_role("region", name=panel).get_by_text("Stale.")
            expect(notice).to_be_visible(timeout=LONG_MS)
        newcomer = open_page(dashboard)
        for panel in ("Traffic split", "Arms compared", "Best averages"):
            notice = newcomer.get_by_role("region", name=panel).get_by_text("Not available.")
            expect(notice).to_be_visible(timeout=LONG_MS)
    for each in (page, newcomer):
        expect(each.get_by_test_id("connection")).to_have_text("Connected", timeout=LONG_MS)
        expect(each.get_by_text("Not available.")).to_have_count(0, timeout=LONG_MS)
    expect(page.get_by_text("Stale.")).to_have_count(0, timeout=LONG_MS)


def test_a_redis_that_is_behind_is_said_and_that_it_caught_up_too(
    stack: LiveStack, dashboard: str, open_page: Open
) -> None:
    page = open_page(dashboard)
    expect(page.get_by_test_id("live-total")).to_have_text(re.compile(r"\d"), timeout=LONG_MS)
    with stack.without("redis"):
        expect(page.get_by_test_id("behind")).to_contain_text("Catching up.", timeout=LONG_MS)
    expect(page.get_by_test_id("behind")).to_have_count(0, timeout=LONG_MS)


def test_a_refused_change_is_shown_with_its_place_while_the_old_weights_go_on(
    stack: LiveStack, dashboard: str, open_page: Open
) -> None:
    page = open_page(dashboard)
    panel = page.get_by_role("region", name="Traffic split")
    records = stack.mesh / "routes" / "records.yaml"
    text = records.read_text()
    try:
        records.write_text(text.replace("timeout: 15s", "timeout: soon"))
        refused = panel.get_by_text("The last change was refused")
        expect(refused).to_be_visible(timeout=LONG_MS)
        expect(panel).to_contain_text("spec.http[1].timeout")
        expect(panel).to_contain_text("routes/records.yaml")
        record = {"carne": "9", "nombre": "Ana", "curso": "S31", "nota": 50}
        body = record | {"semestre": "primero", "year": 2001}
        assert plain_http.post(f"{stack.gateway}/", json=body).status_code == 201
    finally:
        records.write_text(text)
    expect(refused).to_have_count(0, timeout=LONG_MS)


def test_a_first_answer_that_fails_is_an_error_and_never_a_blank(
    dashboard: str, open_page: Open
) -> None:
    page = open_page("about:blank")
    page.route("**/api/v1/**", lambda route: route.fulfill(status=503, body="no"))
    page.goto(dashboard)
    for panel in ("Traffic split", "Arms compared", "Best averages"):
        notice = page.get_by_role("region", name=panel).get_by_text("Not available.")
        expect(notice).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("The choices may be out of date.")).to_be_visible()


def test_a_course_nobody_took_is_called_empty(dashboard: str, open_page: Open) -> None:
    page = open_page(dashboard.replace("course=S30", "course=Nobody%20took%20this%2F"))
    results = page.get_by_role("region", name="Passed and failed")
    expect(results.get_by_text("No records of this course")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_test_id("live-students")).to_have_text("0", timeout=LONG_MS)


def test_an_answer_of_another_shape_is_refused_in_words(dashboard: str, open_page: Open) -> None:
    page = open_page("about:blank")
    page.route("**/api/v1/split", lambda route: route.fulfill(json={"arms": "many"}))
    page.goto(dashboard)
    panel = page.get_by_role("region", name="Traffic split")
    expect(panel.get_by_text("not in the agreed form")).to_be_visible(timeout=LONG_MS)


def test_a_prometheus_that_is_away_is_said_beside_what_is_known(
    stack: LiveStack, dashboard: str, open_page: Open
) -> None:
    page = open_page(dashboard)
    panel = page.get_by_role("region", name="Arms compared")
    expect(panel.get_by_test_id("conclusion")).to_be_visible(timeout=LONG_MS)
    with stack.without("prometheus"):
        notice = panel.get_by_text("can't be asked")
        expect(notice).to_be_visible(timeout=LONG_MS)
        expect(panel.get_by_test_id("conclusion")).to_be_visible()
    expect(notice).to_have_count(0, timeout=LONG_MS)
