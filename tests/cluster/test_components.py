"""The components of mesh/ and k8s/ on the real mesh, each put on by k8s/try-component."""

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.cluster.system import ADDRESS, Cluster, Load, kubectl

ROOT = Path(__file__).resolve().parents[2]
RECORD = {"carne": "1", "nombre": "N", "curso": "S30", "nota": 61, "semestre": "1", "year": 2002}
FOLLOWED_S = 3.0
METRICS = (
    "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8000/metrics').read().decode())"
)


@pytest.fixture
def put_on(cluster: Cluster) -> Iterator[Callable[[str], None]]:  # noqa: ARG001 - must be up
    """Put a component on; it is taken off after the test."""

    def apply(*component: str) -> None:
        subprocess.run([ROOT / "k8s/try-component", *component], check=True, timeout=90)
        time.sleep(FOLLOWED_S)

    yield apply
    apply()


def copies(cluster: Cluster) -> float:
    said = cluster.run("exec", "deployment/shadow", "-c", "shadow", "--", "python", "-c", METRICS)
    counts = re.findall(r"^meshsplit_requests_total{.*route=\"/\".*} (\S+)$", said, re.MULTILINE)
    return sum(map(float, counts))


def test_copies_reach_the_shadow_and_no_count_moves_for_them(
    cluster: Cluster, put_on: Callable[[str], None]
) -> None:
    put_on("mirror")
    before = copies(cluster)
    with Load() as load:
        time.sleep(4)
    time.sleep(2)
    assert load.failed == []
    assert cluster.stored(load.course) == load.arms
    assert 0.9 * load.acknowledged <= copies(cluster) - before <= load.acknowledged


def test_a_header_pins_a_record_to_an_arm(put_on: Callable[[str], None]) -> None:
    put_on("pinning")
    with httpx.Client(base_url=ADDRESS, timeout=20, trust_env=False) as client:
        answers = [client.post("/", json=RECORD, headers={"x-arm": "grpc"}) for _ in range(20)]
    assert [answer.json()["arm"] for answer in answers] == ["grpc"] * 20


def test_a_user_with_the_cookie_stays_with_an_arm(put_on: Callable[[str], None]) -> None:
    put_on("sticky")
    arms: list[str] = []
    for _ in range(12):
        with httpx.Client(base_url=ADDRESS, timeout=20, trust_env=False) as user:
            seen = {user.post("/", json=RECORD).json()["arm"] for _ in range(5)}
        assert len(seen) == 1
        arms += seen
    assert set(arms) == {"fastapi", "grpc"}  # by chance one alone: once in 2,000 runs


@pytest.mark.parametrize("name", ["jwt", "mysql-operator"])
def test_a_component_of_production_builds_to_objects_with_names(name: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix=".try-", dir=ROOT / "k8s"))
    try:
        (folder / "kustomization.yaml").write_text(
            f"resources: [../overlays/production]\ncomponents: [../components/{name}]\n"
        )
        made = kubectl("kustomize", str(folder))
    finally:
        shutil.rmtree(folder)
    plain = kubectl("kustomize", str(ROOT / "k8s/overlays/production"))
    assert made.count("\nkind: ") > plain.count("\nkind: ")
