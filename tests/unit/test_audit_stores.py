"""What MariaDB's log has to say before its disk counts as full."""

import pytest

from audit.faults.stores import says_full

BEFORE = "[ERROR] mariadbd: The table 'students' is full\n"


@pytest.mark.parametrize(
    "line",
    [
        "[ERROR] mariadbd: The table 'students' is full",
        "[ERROR] InnoDB: preallocating 573440 bytes for file ./grades/k.ibd failed with error 28",
        "[ERROR] mariadbd: Disk full (/tmp/#sql); waiting for someone to free some space...",
        'Error writing file (errno: 28 "No space left on device")',
    ],
)
def test_a_full_disk_is_known_by_what_the_log_says_since_it_was_filled(line: str) -> None:
    assert says_full(f"{BEFORE}{line}\n", len(BEFORE))
    assert says_full(f"{line}\n", 10_000), "a log that was begun anew"
    assert not says_full(BEFORE, len(BEFORE))


def test_a_refusal_of_another_kind_is_no_full_disk() -> None:
    said = "[Warning] Aborted connection 28 to db: 'grades' (Got timeout reading packets)"
    assert not says_full(f"{BEFORE}{said}\n", len(BEFORE))
