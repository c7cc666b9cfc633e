"""One try at one transaction: claim the keys, insert, count, look for fences; commit."""

from collections.abc import Collection, Sequence
from uuid import UUID

import msgspec

from services.core.domain.pending import Pending
from services.core.domain.record import Record
from services.core.storage import statements
from services.core.storage.batch_rows import BatchRows
from services.core.storage.failures import StoreFailure, StoreRefused
from services.core.storage.folding import Owner, keyed
from services.core.storage.sessions import Row, Session

Claim = tuple[str, Pending]
"""A key, and the record that wants it."""
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


KEYS_DOUBTED = 100
"""After a key that was taken, so many batches ask first: what repeats one key repeats more, and a
rollback of all that a batch adds makes those who wait for its rows deadlock (InnoDB turns their
waits into locks of the gap)."""


class Expectation(msgspec.Struct):
    """What the next batch is taken to be like, because the last ones were; being wrong costs time.

    Where its keys are free and its students new, all that leads up to the COMMIT takes one trip.
    """

    students_new: bool = True
    """To their courses: nobody has two records in one."""
    doubted: int = 0
    """Batches that still ask for their keys first."""

    @property
    def keys_free(self) -> bool:
        """Whether the keys are taken to be free."""
        return self.doubted == 0

    def found(self, *, taken: bool) -> None:
        """Note what a batch's keys were."""
        self.doubted = KEYS_DOUBTED if taken else max(self.doubted - 1, 0)


class Transaction:
    """Writes records with distinct ids and keys through a session.

    Args:
        session: in no transaction.
        until: when to give up, by the loop's clock.
        arm: the arm of records that name none.
        slot: the writer's slot.
        batch_id: the outbox row's id, None to leave the outbox alone.
        expected: what to expect; brought up to date with what was found.

    """

    def __init__(
        self,
        session: Session,
        *,
        until: float,
        arm: str,
        slot: int,
        batch_id: UUID | None,
        expected: Expectation,
    ) -> None:
        self._session = session
        self._until = until
        self._arm = arm
        self._slot = slot
        self._batch_id = batch_id
        self._expected = expected

    async def write(self, pendings: Sequence[Pending]) -> Written:
        """Store those whose keys are free, all of them or none.

        Raises:
            CommitUnanswered: whether it is stored is open.
            Fenced: some must not be stored; nothing was.
            StoreAway, StoreRefused: nothing was stored; a COMMIT may be refused with 1213.

        """
        winners, owners = list(pendings), dict[UUID, Owner | None]()
        claims = keyed(pendings)
        if not await self._add_with_keys(winners, claims):
            owners = await self._claim_keys(claims)
            winners = [each for each in pendings if each.id not in owners]
            if not winners:
                await self._run(statements.ROLLBACK.fill())
                return Written(winners, owners)
            await self.add(winners, [])
        await self._commit(winners, owners)
        return Written(winners, owners)

    async def _add_with_keys(self, winners: list[Pending], claims: list[Claim]) -> bool:
        """Claim the keys and add the records at once; False: not to be tried, or some are taken."""
        if claims and not self._expected.keys_free:
            return False
        if await self.add(winners, claims):
            return True
        await self._run(statements.ROLLBACK.fill())
        return False

    async def _claim_keys(self, claims: list[Claim]) -> dict[UUID, Owner | None]:
        """Take the keys that are free, and find the records that hold the others."""
        taken = await self._run(_claim(claims)) != len(claims)
        self._expected.found(taken=taken)
        if not taken:
            return {}
        rows = await self._rows(statements.READ_KEYS.look_for(key for key, _ in claims))
        holders = {str(key): UUID(record_id) for key, record_id in rows}
        lost = {each.id: holders[key] for key, each in claims if holders[key] != each.id}
        if not lost:
            return {}
        stored = await read_owners(self._session, sorted(set(lost.values())), self._until)
        return {pending_id: stored.get(owner) for pending_id, owner in lost.items()}

    async def add(self, winners: list[Pending], claims: list[Claim]) -> bool:
        """Add records and what they count for in one round trip; False: not all claims went."""
        rows = BatchRows(winners, arm=self._arm, slot=self._slot)
        texts = [_claim(claims)] if claims else []
        texts += [statements.INSERT_RECORDS.of(rows.records), statements.ENROL.of(rows.enrolments)]
        enrolling = len(texts) - 1
        texts += [
            statements.COUNT_GRADES.of(rows.course_grades),
            statements.RANK_STUDENTS.of(rows.students),
            statements.COUNT_RECORDS.of(rows.totals),
        ]
        if self._batch_id is not None:
            texts.append(statements.ADD_TO_OUTBOX.fill(self._batch_id, "".join(rows.ids)))
        # The courses' students come last of what is counted whether they are counted now or later:
        # writers that take their locks in one order don't deadlock.
        if self._expected.students_new:
            texts.append(statements.COUNT_COURSE_STUDENTS.of(rows.course_students()))
        # After the records, so that a fence is seen or its setter waits for this transaction.
        texts.append(statements.READ_FENCES.of(f"X'{id_}'" for id_ in rows.ids))
        answers = await self._session.run(*texts, until=self._until)
        if claims and answers[0].affected != len(claims):
            self._expected.found(taken=True)
            return False
        if answers[-1].rows:
            raise Fenced(frozenset(UUID(row[0]) for row in answers[-1].rows))
        await self._count_students(rows, winners, answers[enrolling].affected)
        return True

    async def _count_students(self, rows: BatchRows, winners: list[Pending], enrolled: int) -> None:
        """Count the students new to their courses, or take back those that weren't."""
        new = enrolled == len(rows.enrolments)
        counted, self._expected.students_new = self._expected.students_new, new
        if new and counted:
            return
        theirs: Collection[bytes] = () if new else rows.enrolment_keys
        if not new and enrolled:
            found = await self._rows(
                statements.READ_ENROLMENTS.look_for(rows.enrolment_keys)
                + statements.OF_OTHERS.look_for(each.id for each in winners)
            )
            theirs = [bytes(key) for (key,) in found]
        if changes := rows.not_new(theirs) if counted else rows.course_students(theirs):
            await self._run(statements.COUNT_COURSE_STUDENTS.of(changes))

    async def _commit(self, winners: list[Pending], owners: dict[UUID, Owner | None]) -> None:
        try:
            await self._session.run(statements.COMMIT.fill(), until=self._until)
        except StoreFailure as error:
            if isinstance(error, StoreRefused) and error.code == _CERTIFICATION_FAILED:
                raise
            # Another error as the answer isn't taken as a no: a proxy may have made it.
            self._session.abort()
            raise CommitUnanswered(winners, owners, error) from error

    async def _run(self, statement: str) -> int:
        return (await self._session.run(statement, until=self._until))[0].affected

    async def _rows(self, statement: str) -> tuple[Row, ...]:
        return (await self._session.run(statement, until=self._until))[0].rows


def _claim(claims: list[Claim]) -> str:
    return statements.CLAIM_KEYS.fill([(key, each.id) for key, each in claims])


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
