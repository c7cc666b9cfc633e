"""The whole real system for tests: `make up`'s own code, on free ports, in a folder that goes away.

    def test_something(stack: LiveStack) -> None:
        plain_http.get(f"{stack.gateway}/api/v1/split")

One stack serves a session. A test that stops or kills a part puts it back before it ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from meshsplit.local.temporary import LiveStack, live_stack, remove, reopen, settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LiveStack", "live_stack", "remove", "reopen", "settings_for", "stack"]


@pytest.fixture(scope="session")
def stack() -> Iterator[LiveStack]:
    """The whole system, started once for the session."""
    with live_stack() as running:
        yield running
