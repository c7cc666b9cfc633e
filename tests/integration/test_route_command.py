"""``meshsplit route`` says where requests go; a real Envoy is asked whether they do."""

import asyncio
import http.client
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from meshsplit.routing.choice import choose
from meshsplit.routing.request import Request
from tests.gateway import ROOT, Gateway, running, wait_for
from tests.generated_mesh import requests, services, virtual_service, with_matches
from tests.mesh_folder import components, mesh_with

Asked = tuple[str, str, list[tuple[str, str]]]
MARK = "mark.internal"
pytestmark = pytest.mark.asyncio(loop_scope="module")
_marks = count()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    async with running(tmp_path_factory.mktemp("route")) as started:
        (started.mesh / "kustomization.yaml").unlink()  # then every file counts
        for name in ("records", "reporter", "dashboard"):
            (started.mesh / "routes" / f"{name}.yaml").unlink()
        yield started


def ask(connection: http.client.HTTPConnection, asked: Asked) -> tuple[int, str]:
    """Send a request just as it stands; returns status and body."""
    method, target, headers = asked
    connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
    for name, value in headers:
        connection.putheader(name, value)
    if method != "GET":
        connection.putheader("content-length", "0")
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def publish(gateway: Gateway, made: list[dict[str, Any]]) -> None:
    """Have Envoy take these VirtualServices."""
    mark = str(next(_marks))
    answer = {"status": 200, "body": {"string": mark}}
    marked = virtual_service("mark", [MARK], [{"name": "mark", "directResponse": answer}])
    (gateway.mesh / "routes" / "made.yaml").write_text(yaml.safe_dump_all([*made, marked]))

    def there() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=5)
        try:
            return ask(connection, ("GET", "/", [("host", MARK)])) == (200, mark)
        finally:
            connection.close()

    wait_for(there)


def routes_of(gateway: Gateway) -> dict[str, Any]:
    resources = json.loads((gateway.folder / "envoy" / "xds" / "rds.json").read_text())
    configuration: dict[str, Any] = resources["resources"][0]
    return configuration


def with_bodies(made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Have each rule answer with its own name."""
    for service in made:
        for rule in service["spec"]["http"]:
            rule["directResponse"] = {"status": 200, "body": {"string": rule["name"]}}
    return made


@settings(
    max_examples=20,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),  # to shrink a failure takes minutes, and says no more
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    made=services(with_matches(st.just({}))).map(with_bodies),
    sent=st.lists(requests(), min_size=60, max_size=120),
)
async def test_generated_requests_go_where_route_says(
    gateway: Gateway, made: list[dict[str, Any]], sent: list[Asked]
) -> None:
    await asyncio.to_thread(publish, gateway, made)
    configuration = routes_of(gateway)
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    for asked in sent:
        winner = choose(configuration, Request.of(*asked))
        expected = (404, "") if winner is None else (200, winner["name"].partition(".")[0])
        answered = await asyncio.to_thread(ask, connection, asked)
        assert answered == expected, (asked, winner, yaml.safe_dump(made))
    connection.close()


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "meshsplit.cli", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


async def test_route_tells_the_rule_the_weights_and_the_time(tmp_path: Path) -> None:
    mesh = str(mesh_with(tmp_path, "components/splits/90-10", "components/mirror"))
    told = json.loads(command("route", "POST", "/", "--mesh", mesh, "--json").stdout)
    assert (told["rule"], told["virtual_service"]) == ("split", "records")
    assert [(item["host"], item["percent"]) for item in told["destinations"]] == [
        ("ingest", 90),
        ("bridge", 10),
    ]
    assert [(item["host"], item["percent"]) for item in told["mirrors"]] == [("shadow", 100)]
    assert (told["timeout"], told["retries"]) == ("15s", 0)


async def test_route_takes_headers_as_curl_does(tmp_path: Path) -> None:
    mesh = str(mesh_with(tmp_path, "components/sticky", "components/pinning"))
    pinned = command("route", "POST", "/", "-H", "X-Arm: grpc", "--mesh", mesh)
    assert pinned.stdout.splitlines()[0] == "rule x-arm of records"
    assert "bridge:8000, subset direct" in pinned.stdout
    cookie = "cookie: a=b; meshsplit-arm=fastapi"
    stays = command("route", "POST", "/", "-H", cookie, "--mesh", mesh)
    assert stays.stdout.splitlines()[0] == "rule stays-with-fastapi of records"


async def test_route_without_a_rule_says_so_and_fails() -> None:
    done = command("route", "GET", "/nothing")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Envoy answers 404" in done.stderr


async def test_render_says_what_it_passes_by_and_route_takes_anyone_s_hosts(tmp_path: Path) -> None:
    mesh = mesh_with(tmp_path)
    done = command("render", str(mesh))
    assert json.loads(done.stdout).keys() == {"cds.json", "rds.json", "lds.json"}
    assert "passed by: policies/deny.yaml: AuthorizationPolicy" in done.stderr
    (mesh / "kustomization.yaml").unlink()
    cart = {"host": "cart.shop", "port": {"number": 80}}
    rule = {"name": "cart", "route": [{"destination": cart}]}
    theirs = virtual_service("theirs", ["shop.test"], [rule])
    (mesh / "routes" / "theirs.yaml").write_text(yaml.safe_dump(theirs))
    assert "unknown host 'cart.shop'" in command("render", str(mesh)).stderr
    rendered = json.loads(command("render", str(mesh), "--any-host").stdout)
    (found,) = [c for c in rendered["cds.json"]["resources"] if c["name"].endswith("cart.shop")]
    assert found["type"] == "STRICT_DNS"
    told = command("route", "GET", "/", "-H", "host: shop.test", "--mesh", str(mesh)).stdout
    assert "cart.shop:80" in told


@pytest.mark.parametrize("name", components())
async def test_every_component_can_be_rendered(tmp_path: Path, name: str) -> None:
    done = await asyncio.to_thread(command, "render", str(mesh_with(tmp_path, name)))
    assert done.returncode == 0, done.stderr
