"""Two versions at once: what an update passes through, held under load."""

import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.cluster.conftest import ROOT
from tests.cluster.system import NAMESPACE, Cluster, Load, deployments

BEFORE = "926f9d99678f369703543929df927af3c0bc671b"
"""The version before: a release moves this to the one it replaces."""
_UNPACK = (
    "import os, pathlib, shutil, signal, sys, tarfile\n"
    "shutil.rmtree('/live/services')\n"
    "tarfile.open(fileobj=sys.stdin.buffer, mode='r|').extractall('/live')\n"
    "os.kill(1, signal.SIGHUP)\n"
)


def code_before() -> bytes:
    """Return the services of the version before, as an archive.

    A shallow clone can't have them, and the network isn't a test's to ask: it is skipped there.
    """
    words = ("git", "-C", str(ROOT), "archive", BEFORE, "services")
    done = subprocess.run(words, capture_output=True, check=False, timeout=30)
    if done.returncode != 0:
        pytest.skip(f"this clone has no {BEFORE}: `git fetch --unshallow` brings it")
    return done.stdout


def until_all_are_stored(limit_s: float) -> None:
    """Wait until every proxy has found the processes that have just been replaced."""
    until = time.monotonic() + limit_s
    failed = True
    while failed and time.monotonic() < until:
        with Load() as load:
            time.sleep(2)
        failed = bool(load.failed)


def test_this_version_goes_on_while_the_schema_becomes_the_next_ones(cluster: Cluster) -> None:
    version = cluster.sql("SELECT version_num FROM alembic_version").strip()
    with Load() as load:
        time.sleep(1)
        cluster.sql("ALTER TABLE records ADD COLUMN remark VARCHAR(20) NULL")
        cluster.sql("UPDATE alembic_version SET version_num = '9999'")
        try:
            time.sleep(1)
            # Each starts on the schema that it doesn't know.
            cluster.roll("ingest", "bridge", "recorder", "reporter")
        finally:
            cluster.sql(f"UPDATE alembic_version SET version_num = '{version}'")  # noqa: S608 - was read from there
            cluster.sql("ALTER TABLE records DROP COLUMN remark")
        time.sleep(1)
    assert load.failed == []
    assert cluster.stored(load.course) == load.arms


class Versions:
    """Which services run the code of the version before, with settings that it knows."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._old: frozenset[str] = frozenset()
        self._archive = code_before()

    def have_old(self, *services: str) -> None:
        """Change, all at once, only those that aren't as they should be."""
        old = frozenset(services)
        older, newer = sorted(old - self._old), sorted(self._old - old)
        self._old |= old  # what fails half-way is put back as well
        if newer:
            self._cluster.run("set", "env", *deployments(newer), "MESHSPLIT_SLOT-")
        if older:
            self._cluster.run("set", "env", *deployments(older), "MESHSPLIT_SLOT=0")
        self._cluster.settle(*older, *newer)
        pods = {service: self._cluster.pods(service)[0] for service in older}
        before = {service: self._unpack(pod, service) for service, pod in pods.items()}
        for service, pod in pods.items():
            self._started(pod, service, before[service])
        self._old = old

    def _unpack(self, pod: str, service: str) -> set[str]:
        """Have a pod start the code anew; return the processes that end with it."""
        ending = self._cluster.processes(pod, service)
        where = ("kubectl", "-n", NAMESPACE, "exec", "-i", pod, "-c", service, "--")
        words = (*where, "python", "-c", _UNPACK)
        subprocess.run(words, input=self._archive, check=True, timeout=60)
        return ending

    def _started(self, pod: str, service: str, ending: set[str]) -> None:
        until = time.monotonic() + 40
        while not self._cluster.processes(pod, service) - ending and time.monotonic() < until:
            time.sleep(0.5)
        assert self._cluster.processes(pod, service).isdisjoint(ending)
        code = ("cat", "/live/services/core/settings.py")
        assert "Slot = " not in self._cluster.run("exec", pod, "-c", service, "--", *code)
        self._cluster.run("wait", "--for=condition=Ready", pod, "--timeout=60s")


@pytest.fixture(scope="module")
def versions(cluster: Cluster) -> Iterator[Versions]:
    """Change the services' versions; afterwards they run this one again."""
    made = Versions(cluster)
    try:
        yield made
    finally:
        made.have_old()


@pytest.mark.parametrize(
    "services",
    [("ingest", "bridge", "recorder"), ("bridge",), ("recorder",)],
    ids=["all old", "an old bridge and a new recorder", "a new bridge and an old recorder"],
)
def test_the_version_before_stores_beside_this_one_and_on_its_schema(
    cluster: Cluster, versions: Versions, services: tuple[str, ...]
) -> None:
    versions.have_old(*services)
    until_all_are_stored(60)
    with Load() as load:
        time.sleep(6)
    assert load.failed == []
    assert set(load.arms) == {"fastapi", "grpc"}
    assert cluster.stored(load.course) == load.arms
