"""Which records of a batch are asked for once, and which ask again for one that is in it."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from services.core.domain.outcome import Conflict, NotStored, Outcome, Stored
from services.core.domain.pending import Pending
from services.core.domain.record import Record

Owner = tuple[UUID, Record, str]
"""A stored record: id, values and arm."""


class Folded:
    """A batch with its repeats put behind the record they repeat.

    A record repeats an earlier one of the batch if it has the same idempotency key, or the same
    id (which only a sender that repeats itself makes). ``firsts`` are the others, in order.
    """

    def __init__(self, batch: Sequence[Pending]) -> None:
        self._batch = batch
        self._first_of: list[int] = []
        by_key: dict[str, int] = {}
        by_id: dict[UUID, int] = {}
        self.firsts: list[Pending] = []
        for place, each in enumerate(batch):
            first = by_id.setdefault(each.id, place)
            if each.key is not None and first == place:
                first = by_key.setdefault(each.key, place)
            self._first_of.append(first)
            if first == place:
                self.firsts.append(each)

    def answer(
        self, outcomes: Mapping[UUID, Outcome], owners: Mapping[UUID, Owner]
    ) -> list[Outcome]:
        """Give each record of the batch its outcome, in order.

        Args:
            outcomes: what became of each of the ``firsts``, by id.
            owners: for those whose key another record had: that record.

        """
        return [
            outcomes[each.id]
            if first == place
            else _of_a_repeat(each, self._batch[first], outcomes, owners)
            for place, (each, first) in enumerate(zip(self._batch, self._first_of, strict=True))
        ]


def compare(pending: Pending, owner: Owner | None) -> Outcome:
    """Say what becomes of a record whose key or id a stored one has; None: that one is gone."""
    if owner is None:
        return NotStored("its idempotency key belongs to a record that was removed")
    owner_id, record, arm = owner
    return Stored(owner_id, arm, repeated=True) if pending.record == record else Conflict()


def keyed(pendings: Iterable[Pending]) -> list[tuple[str, Pending]]:
    """Give the records that have a key, with it, in the keys' order."""
    return sorted(
        ((each.key, each) for each in pendings if each.key is not None), key=lambda pair: pair[0]
    )


def _of_a_repeat(
    repeat: Pending,
    first: Pending,
    outcomes: Mapping[UUID, Outcome],
    owners: Mapping[UUID, Owner],
) -> Outcome:
    if first.id in owners:
        return compare(repeat, owners[first.id])
    outcome = outcomes[first.id]
    if isinstance(outcome, Stored):
        return compare(repeat, (outcome.id, first.record, outcome.arm))
    return outcome
