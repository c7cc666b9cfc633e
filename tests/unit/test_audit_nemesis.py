"""The order in which faults come, and what is made of them."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from itertools import islice
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from audit.clients import Scene
from audit.faults.fault import Fault, Impossible, Stage, Wrong
from audit.history import Outcome
from audit.nemesis import Nemesis, Row, check_recovery, done, endless, shuffled, together
from audit.run import Plan, chosen
from audit.stack import with_more
from tests.auditing import attempt

if TYPE_CHECKING:
    from audit.stack import System


async def nothing(stage: Stage) -> str | None:
    del stage
    return None


def test_links_get_no_port_that_a_service_is_about_to_take(monkeypatch: pytest.MonkeyPatch) -> None:
    def from_the_first(names: Iterable[str]) -> dict[str, int]:
        return {name: 1000 + number for number, name in enumerate(names)}

    monkeypatch.setattr("audit.stack.free_ports", from_the_first)
    services = {"mariadb": 1000, "redis": 1002}
    assert with_more(services, ["a", "b", "c"]) == services | {"a": 1001, "b": 1003, "c": 1004}


FAULTS = [Fault(f"fault {number}", nothing) for number in range(20)]


def row(recovered_s: float = 1.0, complaint: str | None = None) -> Row:
    return Row("kill -9 nobody", 0.5, 10, 3, 2, recovered_s, 10.0, complaint)


def test_a_seed_repeats_the_schedule_and_another_has_another() -> None:
    first, same, other = (shuffled(FAULTS, random.Random(seed)) for seed in (4, 4, 5))
    assert first == same
    assert first != other
    assert {fault.name for fault in first} == {fault.name for fault in FAULTS}


def test_a_long_audit_has_every_fault_as_often_as_any_other() -> None:
    long = [fault.name for fault in islice(endless(FAULTS, random.Random(1)), 60)]
    assert {long.count(fault.name) for fault in FAULTS} == {3}
    assert long[:20] != long[20:40]


def test_a_long_audit_pairs_some_faults_with_one_of_a_connection() -> None:
    cut = Fault("cut", nothing, within_s=30, of_link=True)
    long = [*islice(endless([*FAULTS, cut], random.Random(1)), 210)]
    pairs = [fault for fault in long if fault.name.endswith(" + cut")]
    assert 40 < len(pairs) < 120
    assert {fault.within_s for fault in pairs} == {30}


def test_a_plan_has_the_faults_that_it_names_without_those_that_it_leaves_out() -> None:
    system = cast("System", SimpleNamespace(services=[], links=[]))

    def names(plan: Plan) -> set[str]:
        return {fault.name for fault in chosen(system, plan, random.Random(1))}

    every = names(Plan(1, 60))
    disks = {"MariaDB's disk full", "MariaDB's disk slow"}
    assert names(Plan(1, 60, wanted=["disk"])) == disks < every
    assert names(Plan(1, 60, unwanted=["disk"])) == every - disks
    assert names(Plan(1, 60, wanted=["disk"], unwanted=["full"])) == {"MariaDB's disk slow"}
    with pytest.raises(LookupError, match="without disk; there are"):
        names(Plan(1, 60, wanted=["disk"], unwanted=["disk"]))


async def test_a_fault_that_this_machine_does_not_allow_is_told_apart_from_one_that_failed() -> (
    None
):
    async def impossible() -> str | None:
        raise Impossible("that takes root")

    async def failing() -> str | None:
        raise OSError("broken")

    assert await done(impossible()) == (None, "that takes root")
    assert await done(failing()) == ("OSError: broken", None)


def that(said: str | Exception | None) -> Callable[[Stage], Awaitable[str | None]]:
    async def run(stage: Stage) -> str | None:
        del stage
        if isinstance(said, Exception):
            raise said
        return said

    return run


@pytest.fixture
def nemesis(monkeypatch: pytest.MonkeyPatch) -> Nemesis:
    async def at_once(*_: object) -> None:
        return None

    monkeypatch.setattr("audit.nemesis.CALM_S", (0, 0))
    monkeypatch.setattr("audit.nemesis.recovered", at_once)
    system = cast("System", SimpleNamespace())
    return Nemesis(system, Scene(random.Random(1), []), random.Random(1))


@pytest.mark.parametrize(
    ("said", "complaint", "impossible", "both"),
    [
        ([None, None], None, None, True),
        (["nobody met", None], None, None, False),
        (["nobody met", "nothing came this way"], None, None, False),
        ([Wrong("refused it"), "nothing came this way"], "refused it", None, None),
        ([Wrong("late"), OSError("broken")], "late; OSError: broken", None, None),
        ([Impossible("that takes root"), None], None, "that takes root", None),
        ([Impossible("that takes root"), Wrong("late")], "late", None, None),
    ],
)
async def test_of_two_at_once_no_effect_is_counted_and_anything_wrong_is_kept(
    nemesis: Nemesis,
    said: list[str | Exception | None],
    complaint: str | None,
    impossible: str | None,
    both: bool | None,
) -> None:
    row = await nemesis.let(together(*(Fault("a half", that(each)) for each in said)))
    assert (row.complaint, row.impossible, row.both) == (complaint, impossible, both)


async def test_of_two_at_once_neither_goes_on_into_the_recovery_when_the_other_fails(
    nemesis: Nemesis,
) -> None:
    undone = []

    async def slow(stage: Stage) -> str | None:
        del stage
        try:
            await asyncio.sleep(0.05)
        finally:
            undone.append("slow")
        return None

    row = await nemesis.let(together(Fault("one", that(OSError("broken"))), Fault("slow", slow)))
    assert (undone, row.complaint) == (["slow"], "OSError: broken")


async def test_a_request_that_fails_for_a_harmless_fault_is_a_finding(nemesis: Nemesis) -> None:
    async def refusing(stage: Stage) -> str | None:
        history = stage.scene.history
        entry = history.begin(stage.scene.records.roll(), None)
        hasty = replace(attempt(Outcome.UNKNOWN), hasty=True)
        for told in (attempt(Outcome.REFUSED), attempt(Outcome.ACKNOWLEDGED), hasty):
            history.note(entry, replace(told, during=stage.scene.during))
        return None

    assert (await nemesis.let(Fault("any", refusing))).complaint is None
    harmless = await nemesis.let(Fault("black hole", refusing, harmless=True))
    assert harmless.complaint == "requests that failed, and none may: 1"


def test_a_recovery_after_its_bound_is_a_finding() -> None:
    assert check_recovery([row(9.9)]) == []
    assert [f.kind for f in check_recovery([row(10.1)])] == ["slow to recover"]


def test_a_fault_without_effect_is_a_finding() -> None:
    assert [f.kind for f in check_recovery([row(complaint="nobody met")])] == ["fault"]


def test_an_audit_whose_every_fault_was_impossible_is_a_finding_and_one_of_some_is_not() -> None:
    impossible = replace(row(), impossible="that takes root")
    assert check_recovery([impossible, row()]) == []
    assert [f.detail for f in check_recovery([impossible, impossible])] == ["none was tried"]
