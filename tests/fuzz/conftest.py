"""Every run tells its seed, one that passed too: what it sent can be sent again."""

import pytest

from tests.fuzz.seeds import SEED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"fuzz: MESHSPLIT_FUZZ_SEED={SEED} sends the same again")
