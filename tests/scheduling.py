"""Which tests `pytest -n 2` runs at the same time.

What has real servers goes one after the other, in one process that starts them once; the unit
tests, which have none, are done beside it, file by file. (pytest-xdist's own groups by marks don't
work with pytest 9.2: they are written into a node's id, which can't be changed any more.)
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling


class UnitsBesideServers(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives out each file of unit tests, and all that isn't a unit test as one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.startswith("tests/unit/") else "servers"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> UnitsBesideServers:
    """Give the tests out so, whatever `--dist` says."""
    return UnitsBesideServers(config, log)
