"""Redis behind Sentinels, for tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.servers.program import free_port
from audit.servers.sentinel import Guarded


@pytest.fixture
def guarded(store_folder: Path) -> Iterator[Guarded]:
    """A guarded pair of one test."""
    pair = Guarded(store_folder / f"guarded-{free_port()}")
    try:
        yield pair
    finally:
        pair.kill()
