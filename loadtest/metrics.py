"""How many users locust plays, for Prometheus: `/metrics` on locust's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from locust.env import Environment


def add_metrics(environment: Environment) -> None:
    """Give locust's page a route that Prometheus can scrape; a run without a page has none."""
    if environment.web_ui is None or environment.web_ui.app is None:
        return

    @environment.web_ui.app.get("/metrics")
    def metrics() -> tuple[str, dict[str, str]]:
        users = environment.runner.user_count if environment.runner else 0
        text = (
            f"# HELP locust_users Users at work\n# TYPE locust_users gauge\nlocust_users {users}\n"
        )
        return text, {"content-type": "text/plain; version=0.0.4; charset=utf-8"}
