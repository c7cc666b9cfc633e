"""A Galera cluster for tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.servers.galera import Galera
from services.core.storage.migrate import upgrade


@pytest.fixture(scope="module")
def galera(store_folder: Path) -> Iterator[Galera]:
    """A cluster for a module's tests; each leaves all nodes up."""
    cluster = Galera(store_folder / "galera")
    upgrade(cluster.nodes[0].url("grades"))
    try:
        yield cluster
    finally:
        cluster.kill()
