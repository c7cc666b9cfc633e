"""How services refuse to start, and what they wait for."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from audit.servers.mariadb import MariaDB
from audit.servers.program import free_port
from tests import plain_http
from tests.arms import ROOT, ServiceProcess

URLS = {"MESHSPLIT_MYSQL_URL": "mysql://a:b@127.0.0.1:1/x", "MESHSPLIT_REDIS_URL": "redis://x"}


def start(name: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MESHSPLIT_")}
    return subprocess.run(
        [sys.executable, "-m", f"services.{name}"],
        cwd=ROOT,
        env=environment | settings,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_all_wrong_settings_are_named_at_once_with_what_was_expected() -> None:
    done = start(
        "ingest",
        MESHSPLIT_PORT="99999",
        MESHSPLIT_HOST="nowhere",
        MESHSPLIT_MYSQL_URL="postgres://x",
        MESHSPLIT_QUEUE_LIMIT="many",
    )
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    for name in ("HOST", "MYSQL_URL", "PORT", "QUEUE_LIMIT", "REDIS_URL"):
        (line,) = [line for line in lines if line.strip().startswith(f"MESHSPLIT_{name}:")]
        assert "expected" in line
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "url", ["mysql://me:secret@db:x/grades", "mysql:/me:secret@db/grades", "me:secret@db/grades"]
)
@pytest.mark.parametrize("name", ["ingest", "recorder", "reporter"])
def test_a_wrong_address_of_the_ledger_is_refused_without_showing_its_password(
    name: str, url: str
) -> None:
    done = start(name, **URLS | {"MESHSPLIT_PORT": "1", "MESHSPLIT_MYSQL_URL": url})
    assert done.returncode == 2
    assert "MESHSPLIT_MYSQL_URL: expected a" in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    "url", ["redis:///0", "redis://h:x/0", "redis://h/first", "redis://h/-1", "mysql://h/0"]
)
def test_a_wrong_address_of_redis_is_refused(url: str) -> None:
    done = start("ingest", **URLS | {"MESHSPLIT_PORT": "1", "MESHSPLIT_REDIS_URL": url})
    assert done.returncode == 2
    assert "MESHSPLIT_REDIS_URL: expected a URL such as redis://" in done.stderr


@pytest.mark.parametrize(
    ("name", "setting"), [("ingest", "PORT"), ("bridge", "PORT"), ("recorder", "GRPC_PORT")]
)
def test_a_taken_port_is_named_with_its_setting(name: str, setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ports = {"MESHSPLIT_PORT": str(free_port()), f"MESHSPLIT_{setting}": port}
        done = start(name, **URLS | ports)
    assert done.returncode == 1
    assert port in done.stderr
    assert f"MESHSPLIT_{setting}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_without_a_schema_is_waited_for_and_said(
    tmp_path: Path, mariadb: MariaDB, redis_url: str
) -> None:
    mariadb.query("CREATE DATABASE IF NOT EXISTS unmigrated")
    settings = {"MESHSPLIT_MYSQL_URL": mariadb.url("unmigrated"), "MESHSPLIT_REDIS_URL": redis_url}
    service = ServiceProcess("ingest", tmp_path, settings)
    try:
        with pytest.raises(AssertionError, match="never was 200"):
            service.start(limit_s=3)
        answer = plain_http.get(service.url + "/readyz")
        assert answer.status_code == 503
        assert "make migrate" in " ".join(answer.json()["reasons"])
        assert plain_http.get(service.url + "/livez").status_code == 200
    finally:
        assert service.stop() == 0
