"""What every test may ask for."""

import signal
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent
pytest_plugins = [
    "tests.fuzz.seeds",
    "tests.stack",
    "tests.stores",
    "tests.galera",
    "tests.sentinel",
    "tests.arms",
    "tests.live_system",
    "tests.collector",
    "tests.admin_interface",
]


def pytest_configure() -> None:
    # Let ^C reach what the tests start: a shell that runs them with `&` has it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # How long an example takes says how busy the machine is.
    settings.register_profile("any machine", deadline=None)
    settings.load_profile("any machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say what `pytest -n 2 --dist loadgroup` may run at the same time.

    What has real servers goes one after the other, in one process that starts them once; the unit
    tests, which have none, are done beside it, file by file.
    """
    for item in items:
        has_servers = not item.path.is_relative_to(ROOT / "unit")
        item.add_marker(pytest.mark.xdist_group("servers" if has_servers else item.path.name))
