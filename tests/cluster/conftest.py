"""The system as `tilt ci` leaves it in the cluster that KUBECONFIG leads to."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cluster.left_out import left_out
from tests.cluster.system import ADDRESS, Cluster, kubectl

ROOT = Path(__file__).resolve().parents[2]
_LEFT_OUT = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "part(name): needs a part that a cluster may be without")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests of a part aside where the cluster can't have the part."""

    def part_of(item: pytest.Item) -> str:
        marker = item.get_closest_marker("part")
        return str(marker.args[0]) if marker else ""

    if not any(map(part_of, items)):
        return
    try:
        without = left_out()
    except AssertionError:  # no cluster: that is for the tests to say
        return
    if without:
        aside = [item for item in items if part_of(item) in without]
        items[:] = [item for item in items if item not in aside]
        config.hook.pytest_deselected(items=aside)
        config.stash[_LEFT_OUT] = f"left out, the cluster has no image of it: {', '.join(without)}"


def pytest_report_collectionfinish(config: pytest.Config) -> str:
    """Say what is left out, and why."""
    return config.stash.get(_LEFT_OUT, "")


def clone(folder: Path) -> Path:
    """Copy what a fresh clone of this tree would have: what git knows, or would add."""
    names = subprocess.run(
        ("git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"),
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Bring the system up from a fresh clone of this tree, or what has changed of it."""
    kubectl("get", "--raw", "/readyz")  # fails readably where no cluster is reachable
    without = [word for part in left_out() for word in ("--without", part)]
    done = subprocess.run(
        ["tilt", "ci", "--timeout", "8m", "--port", "10399", "--", *without],
        cwd=clone(tmp_path_factory.mktemp("clone")),
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return Cluster()


@pytest.fixture(autouse=True)
def as_the_files_have_it(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave the split as it was, whatever a test did to it."""
    yield
    if "cluster" in request.fixturenames:
        kubectl("-n", "meshsplit", "apply", "-f", str(ROOT / "mesh" / "routes" / "records.yaml"))


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(base_url=ADDRESS, timeout=20, trust_env=False) as made:
        yield made
