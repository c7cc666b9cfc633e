"""A gateway's admin interface for tests of those who ask it."""

import json
import random
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class Admin(ThreadingHTTPServer):
    """A gateway's admin interface that has the weights and the counters a test gives it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.weights = {"ingest": 50, "bridge": 50}
        self.counters = {"ingest": 1000, "bridge": 1000}
        self.reloads = 2
        self._started = time.monotonic() - random.uniform(60, 1e6)  # one of its own, for Redis

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def routes(self) -> dict[str, Any]:
        clusters = [
            {"name": f"outbound|8000||{host}", "weight": weight}
            for host, weight in self.weights.items()
        ]
        origin = "/apis/networking.istio.io/v1/namespaces/default/virtual-service/records"
        route = {
            "name": "split",
            "metadata": {"filter_metadata": {"istio": {"config": origin}}},
            "route": {"weighted_clusters": {"clusters": clusters}},
        }
        return {"configs": [{"route_config": {"virtual_hosts": [{"routes": [route]}]}}]}

    def stats(self) -> str:
        return "".join(
            f"cluster.outbound|8000||{host}.upstream_rq_total: {count}\n"
            for host, count in self.counters.items()
        ) + (
            f"http.gateway.rds.http.80.config_reload: {self.reloads}\n"
            f"server.uptime: {int(time.monotonic() - self._started)}\n"
        )


class _Answers(BaseHTTPRequestHandler):
    server: Admin

    def do_GET(self) -> None:
        config = self.path.startswith("/config_dump")
        body = (json.dumps(self.server.routes()) if config else self.server.stats()).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@pytest.fixture
def admin() -> Iterator[Admin]:
    with Admin() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
