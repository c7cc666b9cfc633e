"""Two versions at once: what an update passes through, held under load."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster.conftest import ROOT
from tests.cluster.system import Cluster, Load

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


@contextmanager
def of_the_version_before(cluster: Cluster, *services: str) -> Iterator[None]:
    """Have services run the code of the version before, with settings that it knows."""
    archive = code_before()
    try:
        for service in services:
            cluster.run("set", "env", f"deployment/{service}", "MESHSPLIT_SLOT=0")
            cluster.wait_for(f"deployment/{service}")
            (pod,) = cluster.settled_pods(service)
            old = cluster.processes(pod, service)
            where = ("kubectl", "-n", "meshsplit", "exec", "-i", pod, "-c", service, "--")
            subprocess.run((*where, "python", "-c", _UNPACK), input=archive, check=True, timeout=60)
            until = time.monotonic() + 40
            while not cluster.processes(pod, service) - old and time.monotonic() < until:
                time.sleep(0.5)
            assert cluster.processes(pod, service).isdisjoint(old)
            code = ("cat", "/live/services/core/settings.py")
            assert "Slot = " not in cluster.run("exec", pod, "-c", service, "--", *code)
            cluster.run("wait", "--for=condition=Ready", pod, "--timeout=60s")
        until_all_are_stored(60)
        yield
    finally:
        for service in services:
            cluster.run("set", "env", f"deployment/{service}", "MESHSPLIT_SLOT-")
            cluster.wait_for(f"deployment/{service}")


@pytest.mark.parametrize(
    "services",
    [("bridge",), ("recorder",), ("ingest", "bridge", "recorder")],
    ids=["an old bridge and a new recorder", "a new bridge and an old recorder", "all old"],
)
def test_the_version_before_stores_beside_this_one_and_on_its_schema(
    cluster: Cluster, services: tuple[str, ...]
) -> None:
    with of_the_version_before(cluster, *services), Load() as load:
        time.sleep(6)
    assert load.failed == []
    assert set(load.arms) == {"fastapi", "grpc"}
    assert cluster.stored(load.course) == load.arms


def test_this_version_goes_on_while_the_schema_becomes_the_next_ones(cluster: Cluster) -> None:
    version = cluster.sql("SELECT version_num FROM alembic_version").strip()
    with Load() as load:
        time.sleep(1)
        cluster.sql("ALTER TABLE records ADD COLUMN remark VARCHAR(20) NULL")
        cluster.sql("UPDATE alembic_version SET version_num = '9999'")
        try:
            time.sleep(1)
            for service in ("ingest", "bridge", "recorder", "reporter"):
                cluster.roll(service)  # each starts on the schema that it doesn't know
        finally:
            cluster.sql(f"UPDATE alembic_version SET version_num = '{version}'")  # noqa: S608 - was read from there
            cluster.sql("ALTER TABLE records DROP COLUMN remark")
        time.sleep(1)
    assert load.failed == []
    assert cluster.stored(load.course) == load.arms
