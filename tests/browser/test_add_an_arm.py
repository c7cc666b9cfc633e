"""A third arm by files alone, as docs/operations.md says it word for word, on a running system."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from playwright.sync_api import expect

from meshsplit.local.ports import answers, free_ports
from meshsplit.local.run import open_run
from meshsplit.local.settings import STACK_FILE, checkout, load
from tests import plain_http
from tests.stack import remove, reopen, settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    Open = Callable[..., Page]

LIMIT_S = 240
SOON_S = 30
RECORD = {"carne": "1", "nombre": "Ana", "curso": "S30", "nota": 70, "semestre": "p", "year": 2030}
SECTION = re.search(
    r"^## Add an arm\n(.*?)^## ",
    (checkout() / "docs/operations.md").read_text(),
    re.MULTILINE | re.DOTALL,
)
assert SECTION is not None
BLOCKS = re.findall(r"^```\w+\n(.*?)^```$", SECTION[1], re.MULTILINE | re.DOTALL)
PORT, HOST, SERVICE, COPY, LISTED, ARM, DESTINATION, SHARE, NO_SHARE = BLOCKS


class Checkout:
    """The files that a person edits, in a folder of their own, and the commands under them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stack = folder / "meshsplit/local/stack.toml"
        self.records = folder / "mesh/routes/records.yaml"
        self.rule = folder / "mesh/destinations/canary.yaml"
        self.kustomization = folder / "mesh/kustomization.yaml"
        shutil.copytree(checkout() / "mesh", folder / "mesh")
        self.stack.parent.mkdir(parents=True)
        shutil.copy(STACK_FILE, self.stack)
        self.state = folder / "state"
        self.canary = free_ports(["canary"])["canary"]
        self.settings = settings_for(
            self.state,
            folder / "mesh",
            MESHSPLIT_STACK_FILE=str(self.stack),
            MESHSPLIT_PORT_CANARY=str(self.canary),
        )
        self.gateway = f"http://127.0.0.1:{self.settings['MESHSPLIT_PORT_GATEWAY']}"

    def meshsplit(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "meshsplit.cli", *words],
            cwd=checkout(),
            env={**os.environ, **self.settings},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def add(self, path: Path, block: str, after: str) -> None:
        text = path.read_text()
        assert text.count(after) == 1
        path.write_text(text.replace(after, after + block))

    def pids(self) -> dict[str, int]:
        known = open_run(load(self.settings)).supervisor.processes()
        return {name: process.pid for name, process in known.items()}

    def get(self, path: str) -> Any:
        return plain_http.get(f"{self.gateway}/api/v1/{path}", timeout=10).raise_for_status().json()

    def split_when(self, true: Callable[[Any], bool]) -> Any:
        deadline = time.monotonic() + SOON_S
        while not true(split := self.get("split")):
            assert time.monotonic() < deadline, split
            time.sleep(0.2)
        return split


class Traffic:
    """Records, one after the other, until told to stop; keeps every answer."""

    def __init__(self, url: str) -> None:
        self.answers: list[tuple[int, str]] = []
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send)

    def _send(self) -> None:
        with httpx.Client(timeout=10) as client:
            while not self._stop.is_set():
                answer = client.post(self._url, json=RECORD)
                body = answer.json() if answer.status_code == 201 else {"arm": answer.text}
                self.answers.append((answer.status_code, body["arm"]))
                time.sleep(0.005)

    @contextmanager
    def flowing(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join(30)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Checkout]:
    here = Checkout(tmp_path)
    try:
        yield here
    finally:
        remove(reopen(here.state))


def add_the_files(here: Checkout) -> None:
    here.add(here.stack, PORT, after="locust = 8089\n")
    here.add(here.stack, HOST, after='"dashboard:8000" = "dashboard"\n')
    here.stack.write_text(here.stack.read_text() + "\n" + SERVICE)
    subprocess.run(COPY, shell=True, cwd=here.folder, check=True)  # noqa: S602 - the document's own
    here.add(here.kustomization, LISTED, after="resources:\n")
    here.add(here.records, ARM, after='      - {name: grpc, host: bridge, color: "#b45309"}\n')
    last = "            host: bridge\n            port: {number: 8000}\n          weight: 50\n"
    here.add(here.records, DESTINATION, after=last)


def take_the_files_away(here: Checkout) -> None:
    here.records.write_text(here.records.read_text().replace(ARM, "").replace(DESTINATION, ""))
    # `split set` has left the weight of the document's block as it was there
    assert "canary" not in here.records.read_text()
    here.rule.unlink()
    here.kustomization.write_text(here.kustomization.read_text().replace(LISTED, ""))
    text = here.stack.read_text()
    for block in (PORT, HOST, SERVICE):
        text = text.replace(block, "")
    here.stack.write_text(text)


def test_a_third_arm_comes_and_goes_by_files_alone(here: Checkout, open_page: Open) -> None:
    here.meshsplit("up")
    first = here.split_when(lambda it: it["observed"]["requests"] >= 1000)["observed"]
    assert first["requests"] == 1000, "the sample, all of it and once"
    here.meshsplit("restart", "reporter")
    again = here.split_when(lambda it: it["observed"]["requests"] > 0)["observed"]
    assert again == first, "it outlives a restart of the reporter"
    shown = json.loads(here.meshsplit("split", "show", "--json"))
    assert shown["observed"] == first, "the command says what the panel says"
    before = here.pids()
    traffic = Traffic(f"{here.gateway}/")
    with traffic.flowing():
        add_the_files(here)
        said = here.meshsplit("up")
        assert "canary" in said
        assert {name: here.pids()[name] for name in before} == before, "what ran is left alone"
        assert here.pids().keys() - before.keys() == {"canary"}
        here.meshsplit(*SHARE.split()[1:])
        here.split_when(lambda it: it["observed"]["counts"]["canary"] >= 50)
        see_it_on_the_page(here, open_page)
    see_it_in_the_reporter(here, traffic)

    leaving = Traffic(f"{here.gateway}/")
    with leaving.flowing():
        here.meshsplit(*NO_SHARE.split()[1:])
        take_the_files_away(here)
        assert "canary: stopped" in here.meshsplit("up")
        here.split_when(lambda it: it["applied"] == {"fastapi": 50, "grpc": 50})
    assert {status for status, _ in leaving.answers} == {201}
    assert here.pids() == before
    assert not answers("127.0.0.1", here.canary)
    assert "nothing was changed" in here.meshsplit("up")


def see_it_in_the_reporter(here: Checkout, traffic: Traffic) -> None:
    assert {status for status, _ in traffic.answers} == {201}, "no request failed"
    acknowledged = [arm for _, arm in traffic.answers].count("canary")
    split = here.get("split")
    assert split["arms"][2] == {"name": "canary", "host": "canary", "color": "#7c3aed"}
    asked = {"fastapi": 40, "grpc": 40, "canary": 20}
    assert split["asked"] == split["configured"] == split["applied"] == asked
    assert 50 <= split["observed"]["counts"]["canary"] <= acknowledged
    assert split["verdict"]["state"] != "disagrees", split["verdict"]["text"]
    assert 0.1 < split["observed"]["shares"]["canary"] < 0.3
    assert here.get("records/count")["arms"]["canary"] == acknowledged


def see_it_on_the_page(here: Checkout, open_page: Open) -> None:
    page = open_page(f"{here.gateway}/dashboard/")
    weights = page.get_by_role("region", name="Weights by arm")
    row = weights.get_by_role("row").filter(has_text="canary")
    expect(row.get_by_role("cell").first).to_have_text("20 %", timeout=SOON_S * 1000)
    legend = page.locator(".grid-legend").get_by_role("listitem").filter(has_text="canary")
    expect(legend).to_have_text(re.compile(r"\d"), timeout=SOON_S * 1000)
    violet = page.locator('[data-testid=request-grid] [style*="#7c3aed"]').first
    expect(violet).to_be_attached(timeout=SOON_S * 1000)
