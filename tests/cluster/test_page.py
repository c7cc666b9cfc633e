"""The dashboard in a real browser, through the cluster's gateway."""

from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.cluster.system import ADDRESS, Load

BROWSERS = [Path("/usr/bin/chromium"), Path("/usr/bin/chromium-browser")]


@pytest.mark.usefixtures("cluster")
def test_the_page_shows_the_split_and_grows_live() -> None:
    browser_path = next((path for path in BROWSERS if path.exists()), None)
    if browser_path is None:
        pytest.fail("there is no chromium: make install-tests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(browser_path), args=["--no-sandbox"]
        )
        page = browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{ADDRESS}/dashboard/")
        expect(page.get_by_text("fastapi").first).to_be_visible(timeout=15_000)
        expect(page.get_by_text("grpc").first).to_be_visible()
        total = page.get_by_test_id("live-total")
        before = total.inner_text()
        with Load(users=2) as load:
            page.wait_for_timeout(3_000)
        expect(total).not_to_have_text(before)
        expect(page.get_by_text("disconnected")).to_have_count(0)
        browser.close()
    assert errors == []
    assert load.failed == []
