"""How many users locust plays, for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gevent.pywsgi import WSGIServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from locust.env import Environment

_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def add_metrics(environment: Environment, port: int) -> None:
    """Serve ``/metrics`` on locust's page; without a page, on a loopback port unless that is 0.

    Raises:
        OSError: the port can't be had.

    """

    def told() -> str:
        users = environment.runner.user_count if environment.runner else 0
        return (
            f"# HELP locust_users Users at work\n# TYPE locust_users gauge\nlocust_users {users}\n"
        )

    def answer(_: Any, begin: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
        begin("200 OK", [("content-type", _TYPE)])
        return [told().encode()]

    if environment.web_ui is not None and environment.web_ui.app is not None:
        environment.web_ui.app.get("/metrics")(lambda: (told(), {"content-type": _TYPE}))
    elif port:
        WSGIServer(("127.0.0.1", port), answer, log=None).start()
