"""Copies of records: checked by the shadow, refused by whoever stores, and never counted."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests import plain_http
from tests.arms import GOOD
from tests.gateway import wait_for
from tests.mesh_folder import use
from tests.stack import LiveStack

SENT = 60


@pytest.fixture
def mesh(stack: LiveStack) -> Iterator[Path]:
    """The running stack's mesh, put back at the end."""
    kustomization = stack.mesh / "kustomization.yaml"
    before = kustomization.read_text()
    yield stack.mesh
    kustomization.write_text(before)
    wait_for(lambda: not mirrors(stack))


def mirrors(stack: LiveStack) -> list[str]:
    """The clusters that Envoy sends copies to."""
    url = f"{stack.url('envoy_admin')}/config_dump?resource=dynamic_route_configs"
    text = plain_http.get(url, trust_env=False).text
    return [
        policy["cluster"]
        for entry in json.loads(text)["configs"]
        for host in entry["route_config"]["virtual_hosts"]
        for route in host.get("routes", [])
        for policy in route.get("route", {}).get("request_mirror_policies", [])
    ]


def post_some(stack: LiveStack) -> None:
    with httpx.Client(base_url=stack.gateway, trust_env=False) as client:
        for _ in range(SENT):
            assert client.post("/", json=GOOD).status_code == 201


def stored(stack: LiveStack) -> int:
    answer = plain_http.get(f"{stack.gateway}/api/v1/records/count", trust_env=False)
    total: int = answer.json()["total"]
    return total


def counted(stack: LiveStack, service: str) -> Callable[[str], int]:
    """How many POSTs a service has answered with a status."""

    def of(code: str) -> int:
        text = plain_http.get(f"{stack.url(service)}/metrics", trust_env=False).text
        lines = [line for line in text.splitlines() if line.startswith("meshsplit_requests_total{")]
        posts = [line for line in lines if 'method="POST"' in line and 'route="/"' in line]
        return sum(int(float(line.split()[-1])) for line in posts if f'code="{code}"' in line)

    return of


def test_a_mirror_s_copies_reach_the_shadow_and_the_count_does_not_move_for_them(
    stack: LiveStack, mesh: Path
) -> None:
    seen = counted(stack, "shadow")
    use(mesh, "components/mirror")
    wait_for(lambda: mirrors(stack) == ["outbound|8000||shadow"])
    before, copies = stored(stack), seen("200")
    post_some(stack)
    wait_for(lambda: seen("200") == copies + SENT)
    assert stored(stack) == before + SENT


def test_a_mirror_to_an_arm_is_refused_and_the_old_configuration_goes_on(
    stack: LiveStack, mesh: Path
) -> None:
    component = mesh / "components" / "mirror" / "kustomization.yaml"
    text = component.read_text()
    status = stack.state / "envoy" / "status.json"
    try:
        component.write_text(text.replace("host: shadow", "host: bridge"))
        use(mesh, "components/mirror")
        wait_for(lambda: not json.loads(status.read_text())["ok"])
        assert "bridge stores what it gets" in json.loads(status.read_text())["error"]["message"]
        before = stored(stack)
        post_some(stack)
        assert stored(stack) == before + SENT
    finally:
        component.write_text(text)


@pytest.mark.parametrize(
    ("sent", "status"), [(GOOD, 200), ({**GOOD, "nota": 101}, 422), ({"carne": "1"}, 422)]
)
def test_the_shadow_checks_a_record_as_an_arm_does_and_says_that_it_stores_none(
    stack: LiveStack, sent: dict[str, object], status: int
) -> None:
    copy = {"host": "test-shadow"}
    answer = plain_http.post(stack.url("shadow") + "/", json=sent, headers=copy, trust_env=False)
    assert answer.status_code == status
    arm = plain_http.post(stack.url("bridge") + "/", json=sent, headers=copy, trust_env=False)
    assert arm.status_code == 421
    if status == 200:
        assert answer.json() == {"stored": False}
