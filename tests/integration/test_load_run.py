"""The load test itself, as a process, against a server that misbehaves on demand."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import httpx
import pytest

from tests import plain_http
from tests.arms import GOOD
from tests.load_run import ROOT, Handler, Server, locust

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    thread = threading.Thread(target=made.http.serve_forever, daemon=True)
    thread.start()
    yield made
    made.http.shutdown()
    made.http.server_close()
    thread.join(timeout=10)


def test_once_sends_each_record_exactly_once_and_stops(server: Server) -> None:
    code, told, said = server.run(60, "--mode", "once")
    assert code == 0, said
    sent = Counter(json.loads(body)["carne"] for body in server.handler.bodies)
    assert sent == Counter(str(number) for number in range(60))
    assert told["acknowledged"] == {"fastapi": 30, "grpc": 30}
    ids = {json.loads(answer)["id"] for answer in server.handler.stored.values()}
    assert {record["id"] for record in told["records"]} == ids
    assert "attempted     60 records in 60 requests" in said


def test_users_that_are_behind_their_pace_when_a_run_ends_leave_no_record_in_doubt(
    server: Server,
) -> None:
    pace = ("--rate", "1000", "-u", "40", "-r", "40")
    code, told, said = server.run(100, "--mode", "steady", "--run-time", "2s", *pace)
    assert code == 0, said
    assert sum(told["acknowledged"].values()) == told["attempted"] > 100


def test_a_refused_record_is_sent_again_with_its_key(server: Server) -> None:
    refused: set[str] = set()

    def refuse_first(handler: Handler, number: int) -> bool:
        if number >= 5 or handler.key in refused:
            return False
        refused.add(handler.key)
        problem = {"content_type": "application/problem+json", "retry_after": "1"}
        handler.answer(503, b"{}", **problem)
        return True

    server.handler.misbehave = staticmethod(refuse_first)
    code, told, said = server.run(10, "--mode", "once")
    assert code == 0, said
    assert (told["attempted"], told["requests"]) == (10, 10 + len(refused))
    assert refused <= server.handler.stored.keys()


def test_a_lost_answer_is_found_again_by_its_key(server: Server) -> None:
    def lose_the_answer(handler: Handler, number: int) -> bool:
        if number % 4:
            return False
        handler.store()
        handler.cut()
        return True

    server.handler.misbehave = staticmethod(lose_the_answer)
    code, told, said = server.run(20, "--mode", "once")
    assert code == 0, said
    assert len(server.handler.stored) == 20
    assert sum(told["acknowledged"].values()) == 20
    assert told["repeated"] > 0


def test_without_keys_a_lost_answer_is_not_risked_twice(server: Server) -> None:
    def lose_the_first(handler: Handler, number: int) -> bool:
        if number:
            return False
        handler.store()
        handler.cut()
        return True

    server.handler.misbehave = staticmethod(lose_the_first)
    code, told, said = server.run(10, "--mode", "once", "--no-keys")
    assert code == 1, said
    assert len(server.handler.stored) == 10
    assert told["unknown"] == 1
    assert sum(told["acknowledged"].values()) == 9


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (201, b'{"id":"5","arm":"grpc"}', {}),
        (201, b'{"id":"01890a5d-ac96-774b-bcce-b302099a8057","arm":"nobody"}', {}),
        (201, b'{"id":"01890a5d-ac96-774b-bcce-b302099a8057","arm":"grpc"}', {"x_request_id": ""}),
        (500, b"oops", {}),
        (422, b"\xff", {}),
    ],
)
def test_a_wrong_answer_fails_the_run(
    server: Server, status: int, body: bytes, headers: dict[str, str]
) -> None:
    def err_once(handler: Handler, number: int) -> bool:
        if number == 3:
            handler.answer(status, body, **headers)
        return number == 3

    server.handler.misbehave = staticmethod(err_once)
    code, told, said = server.run(10, "--mode", "once")
    assert code == 1, said
    assert told["wrong"] == 1
    assert "FAILED" in said


def test_an_id_given_to_two_records_fails_the_run(server: Server) -> None:
    def same_id(handler: Handler, _number: int) -> bool:
        handler.answer(201, b'{"id":"01890a5d-ac96-774b-bcce-b302099a8057","arm":"grpc"}')
        return True

    server.handler.misbehave = staticmethod(same_id)
    code, told, _ = server.run(5, "--mode", "once")
    assert code == 1
    assert told["wrong"] == 4


def test_steady_goes_over_the_file_again_up_to_its_count(server: Server) -> None:
    code, told, said = server.run(7, "--mode", "steady", "--count", "50")
    assert code == 0, said
    assert told["attempted"] == 50
    assert len(server.handler.stored) == 50


def test_records_never_sent_fail_a_run_that_was_to_send_each(server: Server) -> None:
    code, told, said = server.run(1000, "--mode", "once", "--rate", "1", "--run-time", "3s")
    assert code == 1, said
    assert told["unsent"] > 900
    assert sum(told["acknowledged"].values()) == told["attempted"]


def test_a_bad_data_file_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    data = tmp_path / "bad.json"
    data.write_text(json.dumps([GOOD, GOOD | {"nota": "13"}]))
    done = locust("--data", str(data), "--mode", "once")
    assert done.returncode == 2
    assert "row 2: nota: expected an integer" in done.stderr


def test_nobody_there_is_a_failed_run_that_ends(tmp_path: Path) -> None:
    data = tmp_path / "data.json"
    data.write_text(json.dumps([GOOD]))
    host = ("--host", "http://127.0.0.1:1", "--mode", "once", "--attempts", "2")
    done = locust("--data", str(data), *host)
    assert done.returncode == 1
    assert "refused       1" in done.stdout


@pytest.mark.parametrize("asked", ["--processes=2", "--master", "--worker"])
def test_several_processes_are_refused_with_another_way_named(asked: str) -> None:
    done = locust(asked)
    assert done.returncode == 2
    assert "--part" in done.stdout + done.stderr


def test_a_run_that_is_stopped_still_brings_its_records_to_an_end(server: Server) -> None:
    problem = {"content_type": "application/problem+json", "retry_after": "1"}

    def refuse_for_a_while(handler: Handler, number: int) -> bool:
        if number < 15:
            handler.answer(503, b"{}", **problem)
        return number < 15

    server.handler.misbehave = staticmethod(refuse_for_a_while)
    code, told, said = server.run(10, "--mode", "steady", "--rate", "1", "--run-time", "2s")
    assert code == 0, said
    assert told["refused"] == 0


def test_locusts_page_shows_the_options_but_names_no_file(server: Server) -> None:
    port = unused_port()
    command = [sys.executable, "-m", "locust", "-f", "loadtest/locustfile.py"]
    command += ["--web-host", "127.0.0.1", "--web-port", str(port)]
    command += ["--host", f"http://127.0.0.1:{server.http.server_port}"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            page = wait_for_page(f"http://127.0.0.1:{port}/")
            report = server.folder / "not-this"
            form = {"user_count": 2, "spawn_rate": 2, "mode": "once", "report": str(report)}
            form["data"] = "/etc/hostname"
            plain_http.post(
                f"http://127.0.0.1:{port}/swarm", data=form, timeout=10
            ).raise_for_status()
            deadline = time.monotonic() + 30
            while len(server.handler.stored) < 1000 and time.monotonic() < deadline:
                time.sleep(0.1)
        finally:
            process.terminate()
            process.wait(timeout=60)
    for option in ("mode", "keys", "rate", "count"):
        assert f'"{option}":' in page
    assert '"report":' not in page
    assert '"data":' not in page
    assert len(server.handler.stored) == 1000
    assert not report.exists()
    assert process.returncode == 0


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def wait_for_page(url: str) -> str:
    deadline = time.monotonic() + 60
    while True:
        try:
            return plain_http.get(url, timeout=10).raise_for_status().text
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
