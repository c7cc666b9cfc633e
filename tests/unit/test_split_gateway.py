"""Each proxy of a gateway is asked once, at its address and under the gateway's name."""

import asyncio
import json
import socket
from typing import Any

import httpx
import pytest

from meshsplit.split.gateway import Gateway
from meshsplit.split.weights import Arm, Split

SPLIT = Split("records", "split", (Arm("a", "one", "", 50), Arm("b", "two", "", 50)))
ADMIN = "http://gateway-pods.istio-system:15099"
CONFIGURED = {
    "configs": [
        {
            "route_config": {
                "virtual_hosts": [
                    {
                        "routes": [
                            {
                                "name": "split",
                                "metadata": {
                                    "filter_metadata": {
                                        "istio": {"config": "/virtual-service/records"}
                                    }
                                },
                                "route": {
                                    "weighted_clusters": {
                                        "clusters": [
                                            {"name": "outbound|8000||one", "weight": 50},
                                            {"name": "outbound|8000||two", "weight": 50},
                                        ]
                                    }
                                },
                            }
                        ]
                    }
                ]
            }
        }
    ]
}


class Proxies(httpx.AsyncBaseTransport):
    """Envoys by address; each says how often it decided."""

    def __init__(self, decided: dict[str, int]) -> None:
        self.decided = decided
        self.hosts: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.hosts.add(request.headers["host"])
        if request.url.host not in self.decided:
            raise httpx.ConnectError("nobody is there")
        if request.url.path == "/config_dump":
            return httpx.Response(200, text=json.dumps(CONFIGURED))
        count = self.decided[request.url.host]
        return httpx.Response(200, text=f"cluster.outbound|8000||one.upstream_rq_total: {count}\n")


def resolve(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[socket.AddressFamily, str]) -> None:
    async def found(*_: Any, **__: Any) -> list[Any]:
        if not addresses:
            raise socket.gaierror("no such name")
        return [(family, socket.SOCK_STREAM, 6, "", (at, 15099)) for family, at in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)


async def test_each_proxy_behind_the_name_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(monkeypatch, (socket.AF_INET, "10.0.0.1"), (socket.AF_INET, "10.0.0.2"))
    proxies = Proxies({"10.0.0.1": 3, "10.0.0.2": 4})
    async with httpx.AsyncClient(transport=proxies) as client:
        readings = await Gateway(client, ADMIN).read(SPLIT)
    counted = {at: said and said.counters.decisions for at, said in readings.items()}
    assert counted == {"10.0.0.1": {"a": 3, "b": 0}, "10.0.0.2": {"a": 4, "b": 0}}
    assert proxies.hosts == {"gateway-pods.istio-system:15099"}


async def test_one_that_cannot_be_asked_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(monkeypatch, (socket.AF_INET, "10.0.0.1"), (socket.AF_INET, "10.0.0.2"))
    async with httpx.AsyncClient(transport=Proxies({"10.0.0.2": 4})) as client:
        readings = await Gateway(client, ADMIN).read(SPLIT)
    assert readings["10.0.0.1"] is None
    assert readings["10.0.0.2"] is not None


async def test_a_proxy_with_two_addresses_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(monkeypatch, (socket.AF_INET6, "fd00::1"), (socket.AF_INET, "10.0.0.1"))
    async with httpx.AsyncClient(transport=Proxies({"fd00::1": 4, "10.0.0.1": 4})) as client:
        assert set(await Gateway(client, ADMIN).read(SPLIT)) == {"fd00::1"}


async def test_a_name_that_leads_nowhere_is_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(monkeypatch)
    async with httpx.AsyncClient(transport=Proxies({})) as client:
        assert await Gateway(client, ADMIN).read(SPLIT) == {}
