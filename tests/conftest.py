"""What every test may ask for."""

import signal

from hypothesis import settings

pytest_plugins = [
    "tests.scheduling",
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
