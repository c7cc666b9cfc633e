"""One try at one transaction: claim the keys, insert, count, look for fences, commit."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from services.core.domain.pending import Pending
from services.core.domain.record import Record
from services.core.storage import statements
from services.core.storage.failures import StoreFailure, StoreRefused
from services.core.storage.folding import Owner, keyed
from services.core.storage.rollups import Rollups
from services.core.storage.sessions import Row, Session

_HEX_OF_ID = 32
_CERTIFICATION_FAILED = 1213
"""As the answer to COMMIT: Galera rolled it back, another node's transaction came first."""


class Fenced(StoreFailure):
    """Somebody asked for some of these records, was told they are not stored, and must be right."""

    def __init__(self, ids: frozenset[UUID]) -> None:
        super().__init__(f"{len(ids)} records were given up by their sender")
        self.ids = ids


class CommitUnanswered(StoreFailure):
    """COMMIT was sent, and no clear answer came."""

    def __init__(
        self,
        winners: list[Pending],
        owners: dict[UUID, Owner | None],
        cause: StoreFailure,
    ) -> None:
        super().__init__(str(cause))
        self.winners = winners
        self.owners = owners


class Written(msgspec.Struct, frozen=True):
    """A committed transaction: what it stored, and who held the keys of the others."""

    winners: list[Pending]
    owners: dict[UUID, Owner | None]


class Transaction:
    """Writes records with distinct ids and keys through a session.

    Args:
        session: in no transaction.
        until: when to give up, by the loop's clock.
        arm: the arm of records that name none.
        slot: the writer's slot.
        batch_id: the outbox row's id, None to leave the outbox alone.

    """

    def __init__(
        self, session: Session, *, until: float, arm: str, slot: int, batch_id: UUID | None
    ) -> None:
        self._session = session
        self._until = until
        self._arm = arm
        self._slot = slot
        self._batch_id = batch_id

    async def write(self, pendings: Sequence[Pending]) -> Written:
        """Store those whose keys are free, all of them or none.

        Raises:
            CommitUnanswered: whether it is stored is open.
            Fenced: some must not be stored; nothing was.
            StoreAway, StoreRefused: nothing was stored; a COMMIT may be refused with 1213.

        """
        owners = await self._claim_keys(pendings)
        winners = [each for each in pendings if each.id not in owners]
        if winners:
            await self._insert(winners)
            await self._commit(winners, owners)
        else:
            await self._run(statements.ROLLBACK.fill())
        return Written(winners, owners)

    async def _claim_keys(self, pendings: Sequence[Pending]) -> dict[UUID, Owner | None]:
        """Take the keys that are free, and find the records that hold the others."""
        claims = keyed(pendings)
        if not claims:
            return {}
        claim = statements.CLAIM_KEYS.fill([(key, each.id) for key, each in claims])
        if await self._run(claim) == len(claims):
            return {}
        rows = await self._rows(statements.READ_KEYS.look_for(key for key, _ in claims))
        holders = {str(key): UUID(record_id) for key, record_id in rows}
        lost = {each.id: holders[key] for key, each in claims if holders[key] != each.id}
        if not lost:
            return {}
        stored = await read_owners(self._session, sorted(set(lost.values())), self._until)
        return {pending_id: stored.get(owner) for pending_id, owner in lost.items()}

    async def _insert(self, winners: Sequence[Pending]) -> None:
        rollups = Rollups(winners, arm=self._arm, slot=self._slot)
        _, enrolled = await self._session.run(
            statements.INSERT_RECORDS.fill([self._row(each) for each in winners]),
            statements.ENROL.fill(rollups.enrolments),
            until=self._until,
        )
        theirs: set[bytes] = set()
        if enrolled.affected == 0:
            theirs.update(rollups.enrolment_keys)
        elif enrolled.affected != len(rollups.enrolments):
            rows = await self._rows(
                statements.READ_ENROLMENTS.look_for(rollups.enrolment_keys)
                + statements.OF_OTHERS.look_for(each.id for each in winners)
            )
            theirs = {bytes(key) for (key,) in rows}
        await self._count(rollups, theirs, winners)

    async def _count(
        self, rollups: Rollups, theirs: set[bytes], winners: Sequence[Pending]
    ) -> None:
        texts = [statements.COUNT_GRADES.fill(rollups.course_grades)]
        if course_students := rollups.course_students(theirs):
            texts.append(statements.COUNT_COURSE_STUDENTS.fill(course_students))
        texts.append(statements.RANK_STUDENTS.fill(rollups.students))
        texts.append(statements.COUNT_RECORDS.fill(rollups.totals))
        if self._batch_id is not None:
            ids = "".join(each.id.hex for each in winners)
            texts.append(statements.ADD_TO_OUTBOX.fill(self._batch_id, ids))
        # Last before COMMIT, so that a fence is seen or its setter waits for this transaction.
        texts.append(statements.READ_FENCES.look_for(each.id for each in winners))
        answers = await self._session.run(*texts, until=self._until)
        if answers[-1].rows:
            raise Fenced(frozenset(UUID(row[0]) for row in answers[-1].rows))

    async def _commit(self, winners: list[Pending], owners: dict[UUID, Owner | None]) -> None:
        try:
            await self._session.run(statements.COMMIT.fill(), until=self._until)
        except StoreFailure as error:
            if isinstance(error, StoreRefused) and error.code == _CERTIFICATION_FAILED:
                raise
            # Another error as the answer isn't taken as a no: a proxy may have made it.
            self._session.abort()
            raise CommitUnanswered(winners, owners, error) from error

    def _row(self, pending: Pending) -> tuple[UUID | str | int, ...]:
        record = pending.record
        return (
            pending.id,
            record.student_id,
            record.student_name,
            record.course,
            record.grade,
            record.semester,
            record.year,
            pending.arm or self._arm,
        )

    async def _run(self, statement: str) -> int:
        return (await self._session.run(statement, until=self._until))[0].affected

    async def _rows(self, statement: str) -> tuple[Row, ...]:
        return (await self._session.run(statement, until=self._until))[0].rows


async def read_owners(session: Session, ids: Sequence[UUID], until: float) -> dict[UUID, Owner]:
    """Read stored records by id.

    Raises:
        StoreAway, StoreRefused: they could not be read.

    """
    answer = (await session.run(statements.READ_RECORDS.look_for(ids), until=until))[0]
    return {UUID(row[0]): (UUID(row[0]), to_record(row[1:7]), str(row[7])) for row in answer.rows}


def to_record(values: Row) -> Record:
    """Make a record of a row's values, in the columns' order."""
    student_id, student_name, course, grade, semester, year = values
    return Record(
        student_id=student_id,
        student_name=student_name,
        course=course,
        grade=int(grade),
        semester=semester,
        year=int(year),
    )


def split_ids(record_ids: str) -> list[UUID]:
    """Read the ids of an outbox row."""
    return [
        UUID(record_ids[start : start + _HEX_OF_ID])
        for start in range(0, len(record_ids), _HEX_OF_ID)
    ]
