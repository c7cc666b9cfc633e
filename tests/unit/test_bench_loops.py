"""How the benchmark sends: what is due is due, however slow the answers are."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from bench.connections import Connection
from bench.histogram import Histogram
from bench.loops import ClosedLoop, OpenLoop
from bench.tally import Tally

MS = 1_000_000


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000 * MS

    def __call__(self) -> int:
        return self.now


class Wire(asyncio.Transport):
    """What a connection writes to."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent.append(bytes(data))

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        pass


class Client:
    """A loop with connections whose answers a test gives."""

    def __init__(
        self, connections: int, *, rate: float | None = None, patient: bool = False
    ) -> None:
        self.clock = Clock()
        self.tally = Tally(self.clock)
        self.tally.begin()
        numbers = count()

        def make() -> bytes:
            return b"%d" % next(numbers)

        self.loop: ClosedLoop | OpenLoop = (
            ClosedLoop(make, self.tally, patient=patient)
            if rate is None
            else OpenLoop(make, self.tally, rate)
        )
        self.wires = []
        for _ in range(connections):
            wire, connection = Wire(), Connection(self.loop)
            connection.connection_made(wire)
            self.wires.append(wire)
            self.loop.connections.append(connection)
        self.loop.start()

    def tick(self) -> None:
        assert isinstance(self.loop, OpenLoop)
        self.loop.send_due()

    def answer(self, place: int = 0, answer: bytes = b"") -> None:
        body = b'{"id":"1","arm":"an-arm"}'
        default = b"HTTP/1.1 201 Created\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        self.loop.connections[place].data_received(answer or default)

    @property
    def sent(self) -> list[bytes]:
        return sorted(request for wire in self.wires for request in wire.sent)

    def latency(self, share: float) -> float:
        return Histogram(self.tally.report(0, 1).latency).quantile(share) / MS


def test_an_open_loop_sends_at_its_rate() -> None:
    client = Client(10, rate=1_000)
    for _ in range(5):
        client.tick()
        client.clock.now += MS
    assert client.sent == [b"0", b"1", b"2", b"3", b"4"]


def test_a_system_that_stands_still_is_charged_with_every_request_due_meanwhile() -> None:
    client = Client(1, rate=1_000)
    client.tick()
    client.clock.now += 100 * MS  # the first request takes 100 ms, and 100 more fall due
    client.tick()
    client.answer()
    for _ in range(100):
        client.answer()  # the rest at once
    report = client.tally.report(0, 1)
    assert report.answers == {"201 an-arm": 101}
    assert client.latency(0.5) == pytest.approx(50, rel=0.02)
    assert client.latency(1.0) == pytest.approx(100, rel=0.02)


def test_a_closed_loop_would_have_left_them_out() -> None:
    client = Client(1)
    client.clock.now += 100 * MS
    client.answer()
    for _ in range(100):
        client.answer()
    assert client.latency(0.5) == 0


def test_the_generators_own_lateness_is_told_apart() -> None:
    client = Client(10, rate=1_000)
    client.clock.now += 3 * MS  # it wakes late: requests were due 3, 2, 1 and 0 ms ago
    client.tick()
    lag = Histogram(client.tally.report(0, 1).lag)
    assert lag.total == 4
    assert lag.quantile(1.0) == pytest.approx(3 * MS, rel=0.01)


def test_what_was_due_before_the_end_is_still_sent() -> None:
    client = Client(1, rate=1_000)
    client.clock.now += 1 * MS
    client.tick()
    client.loop.stop()
    client.clock.now += 10 * MS
    client.tick()
    client.answer()
    assert client.sent == [b"0", b"1"]


def test_a_closed_loop_sends_the_next_request_when_one_is_answered() -> None:
    client = Client(2)
    assert client.sent == [b"0", b"1"]
    client.answer(1)
    assert client.wires[1].sent == [b"1", b"2"]
    client.loop.stop()
    client.answer(0)
    assert client.wires[0].sent == [b"0"]


async def test_a_patient_client_waits_as_long_as_it_is_told() -> None:
    refusal = b"HTTP/1.1 503 No\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n"
    patient, hasty = Client(1, patient=True), Client(1)
    for client in (patient, hasty):
        client.answer(0, refusal)
        assert client.tally.report(0, 1).answers == {"503 later": 1}
        assert client.tally.report(0, 1).latency == {}
    assert (len(patient.sent), len(hasty.sent)) == (1, 2)
    await asyncio.sleep(1.1)
    assert len(patient.sent) == 2


def test_a_connection_that_ends_with_a_request_under_way_is_a_loss() -> None:
    client = Client(2)
    client.loop.connections[0].connection_lost(ConnectionResetError("gone"))
    report = client.tally.report(0, 1)
    assert report.unanswered == 1
    assert "gone" in report.wrong[0]
    assert len(client.loop.connections) == 1


@pytest.mark.parametrize("answer", [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_what_is_no_answer_is_a_loss(answer: bytes) -> None:
    client = Client(1)
    client.answer(0, answer)
    assert client.tally.report(0, 1).unanswered == 1


def test_more_than_one_answer_to_a_request_is_a_loss() -> None:
    client = Client(1)
    client.answer(0, 2 * b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    assert client.tally.report(0, 1).unanswered == 1


def test_an_answer_in_pieces_is_one_answer() -> None:
    client = Client(1)
    whole = b'HTTP/1.1 201 Created\r\ncontent-length: 16\r\n\r\n{"arm":"an-arm"}'
    for byte in whole:
        client.answer(0, bytes([byte]))
    assert client.tally.report(0, 1).answers == {"201 an-arm": 1}


def test_what_comes_outside_the_time_that_counts_is_an_answer_all_the_same() -> None:
    client = Client(1)
    client.tally.end()
    client.answer()
    report = client.tally.report(0, 1)
    assert (report.answers, report.measured, report.latency) == ({"201 an-arm": 1}, {}, {})


def test_what_was_due_in_that_time_and_is_answered_after_it_is_as_late_as_it_was() -> None:
    client = Client(1, rate=1_000)
    client.tick()
    client.clock.now += 10 * MS
    client.tally.end()
    client.loop.stop()
    client.clock.now += 90 * MS
    client.answer()
    report = client.tally.report(0, 1)
    assert (report.measured, report.in_time, report.scheduled) == ({}, 0, 1)
    assert client.latency(1.0) == pytest.approx(100, rel=0.02)
