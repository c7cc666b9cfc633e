"""The command and the split's watcher, before a real Envoy and without one."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from audit.servers.program import free_port
from meshsplit.split.files import FileSource
from meshsplit.split.watcher import SplitWatcher
from tests.gateway import ROOT, Gateway, post, running, weigh


def environment(mesh: Path, state: Path, gateway: int, admin: int) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "MESHSPLIT_MESH_DIR": str(mesh),
        "MESHSPLIT_STATE_DIR": str(state),
        "MESHSPLIT_PORT_GATEWAY": str(gateway),
        "MESHSPLIT_PORT_ENVOY_ADMIN": str(admin),
    }


def command(where: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "meshsplit.cli", *words],
        cwd=ROOT,
        env=where,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture
def alone(tmp_path: Path) -> dict[str, str]:
    """A mesh whose gateway isn't running."""
    shutil.copytree(ROOT / "mesh", tmp_path / "mesh")
    return environment(tmp_path / "mesh", tmp_path / "state", free_port(), free_port())


def records(where: dict[str, str]) -> str:
    return (Path(where["MESHSPLIT_MESH_DIR"]) / "routes" / "records.yaml").read_text()


def test_without_a_gateway_the_split_is_shown_as_far_as_it_is_known(alone: dict[str, str]) -> None:
    shown = command(alone, "split", "show")
    assert shown.returncode == 0
    assert "fastapi    50%" in shown.stdout
    assert "is the stack running?" in shown.stdout


def test_show_waits_for_a_reporter_that_has_not_seen_the_change_yet(alone: dict[str, str]) -> None:
    before, after = ({"fastapi": 50.0, "grpc": 50.0}, {"fastapi": 90.0, "grpc": 10.0})
    seen = ((before, before), (after, before), (after, after))  # the files, and then the gateway
    answers = [
        {"asked": asked, "applied": applied, "configuration_error": None} for asked, applied in seen
    ]

    class Reporter(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(answers.pop(0)).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    assert command(alone, "split", "set", "fastapi=90", "grpc=10").returncode == 0
    with HTTPServer(("127.0.0.1", int(alone["MESHSPLIT_PORT_GATEWAY"])), Reporter) as server:
        serving = Thread(target=server.serve_forever, args=(0.05,))
        serving.start()
        try:
            shown = command(alone, "split", "show", "--json")
        finally:
            server.shutdown()
            serving.join(timeout=5)
    assert json.loads(shown.stdout)["applied"] == after
    assert not answers


def test_a_dry_run_prints_the_difference_and_writes_nothing(alone: dict[str, str]) -> None:
    before = records(alone)
    done = command(alone, "split", "set", "fastapi=90", "grpc=10", "--dry-run")
    assert "-          weight: 50" in done.stdout
    assert "+          weight: 90" in done.stdout
    assert records(alone) == before


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("fastapi=90", "grpc=20"), 1, "add up to 110"),
        (("fastapi=100",), 1, "missing: grpc"),
        (("fastapi=90", "rust=10"), 1, "no arm is called rust"),
        (("fastapi",), 2, "expected ARM=WEIGHT"),
        (("fastapi=x", "grpc=1"), 2, "expected ARM=WEIGHT"),
        (("fastapi=50", "fastapi=50"), 2, "given twice"),
    ],
)
def test_weights_that_make_no_sense_are_refused_in_one_line(
    alone: dict[str, str], words: tuple[str, ...], code: int, message: str
) -> None:
    before = records(alone)
    done = command(alone, "split", "set", *words)
    assert done.returncode == code
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert records(alone) == before


def test_a_change_without_a_gateway_is_written_and_can_be_undone(alone: dict[str, str]) -> None:
    before = records(alone)
    done = command(alone, "split", "set", "fastapi=90", "grpc=10")
    assert done.returncode == 0
    assert "the gateway isn't running" in done.stdout
    assert command(alone, "split", "undo").returncode == 0
    assert records(alone) == before
    (first, second) = command(alone, "split", "history").stdout.splitlines()
    assert first.endswith("fastapi=50 grpc=50  ->  fastapi=90 grpc=10")
    assert second.endswith("fastapi=90 grpc=10  ->  fastapi=50 grpc=50")


def test_nothing_to_undo_is_said_in_one_line(alone: dict[str, str]) -> None:
    done = command(alone, "split", "undo")
    assert (done.returncode, done.stderr) == (1, "meshsplit: there is no change to undo\n")


def test_render_prints_the_configuration_or_every_refusal(alone: dict[str, str]) -> None:
    mesh = Path(alone["MESHSPLIT_MESH_DIR"])
    assert set(json.loads(command(alone, "render", str(mesh)).stdout)) == {
        "cds.json",
        "rds.json",
        "lds.json",
    }
    path = mesh / "routes" / "records.yaml"
    path.write_text(path.read_text().replace("timeout: 15s", "timeout: soon"))
    done = command(alone, "render", str(mesh))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("words", [(), ("split",), ("split", "set"), ("render",), ("up",)])
def test_every_command_explains_itself(alone: dict[str, str], words: tuple[str, ...]) -> None:
    done = command(alone, *words, "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout


async def test_set_waits_until_envoy_has_it_and_says_how_long_it_took(tmp_path: Path) -> None:
    async with running(tmp_path) as gateway:
        where = environment(gateway.mesh, tmp_path, gateway.port, gateway.admin_port)
        done = await asyncio.to_thread(command, where, "split", "set", "fastapi=90", "grpc=10")
        assert done.returncode == 0, done.stderr
        assert "Envoy has it after" in done.stdout
        assert "failed meanwhile: none" in done.stdout
        shown = await asyncio.to_thread(command, where, "split", "show", "--json")
        assert json.loads(shown.stdout)["applied"] == {"fastapi": 90, "grpc": 10}

        text = gateway.records.read_text()
        gateway.records.write_text(text.replace("timeout: 15s", "timeout: soon"))
        done = await asyncio.to_thread(command, where, "split", "set", "fastapi=10", "grpc=90")
        assert done.returncode == 1
        assert "refused" in done.stderr
        assert "spec.http[1].timeout" in done.stderr


async def test_the_watcher_counts_from_the_change_on_and_judges(tmp_path: Path) -> None:
    async with running(tmp_path) as gateway, httpx.AsyncClient(trust_env=False) as client:
        status = tmp_path / "envoy" / "status.json"
        watcher = SplitWatcher(client, source=FileSource(gateway.mesh, status), admin=gateway.admin)
        answers = await post(gateway, 100)
        await settle(watcher)
        assert watcher.report()["observed"]["requests"] == 100, "it never had other weights"
        answers += await post(gateway, 300)
        await watcher.look()
        report = watcher.report()
        assert report["observed"]["counts"] == {
            "fastapi": answers["ingest"],
            "grpc": answers["bridge"],
        }
        assert report["asked"] == report["configured"] == report["applied"]

        weigh(gateway, 100, 0)
        await settle(watcher)
        assert watcher.report()["observed"]["requests"] == 0
        assert watcher.report()["applied"] == {"fastapi": 100, "grpc": 0}
        await post(gateway, 600)
        await watcher.look()
        assert watcher.report()["verdict"]["state"] == "agrees"

        await refuse(gateway, watcher)


async def settle(watcher: SplitWatcher) -> None:
    """Look until counting has begun."""
    for _ in range(8):
        await asyncio.sleep(0.5)
        await watcher.look()


async def refuse(gateway: Gateway, watcher: SplitWatcher) -> None:
    text = gateway.records.read_text()
    gateway.records.write_text(text.replace("timeout: 15s", "timeout: soon"))
    weigh(gateway, 50, 50)
    await settle(watcher)
    report = watcher.report()
    assert report["configuration_error"]["path"] == "spec.http[1].timeout"
    assert report["asked"] == {"fastapi": 50, "grpc": 50}
    assert report["configured"] == report["applied"] == {"fastapi": 100, "grpc": 0}
    assert report["verdict"]["state"] == "insufficient"
