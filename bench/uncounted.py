"""A service without its metrics, to know what they cost: ``python -m bench.uncounted MODULE``.

There is no such setting, and none is wanted: whoever runs the system wants to see it. So the
counting itself is replaced by nothing here, before the service starts, and only here.
"""

import runpy
import sys
from typing import Any, Final

from prometheus_client import Counter, Gauge, Histogram

from services.core.telemetry.calls import Calls, LabelledCount

COUNTING: Final[dict[type[Any], tuple[str, ...]]] = {
    Calls: ("count",),
    LabelledCount: ("count",),
    Counter: ("inc",),
    Gauge: ("set", "inc", "dec"),
    Histogram: ("observe",),
}
"""All by which a service counts, as classes and the names of their methods."""


def nothing(*_arguments: object, **_options: object) -> None:
    """Count nothing."""


def uncount() -> None:
    """Let nothing be counted in this process any more."""
    for kind, names in COUNTING.items():
        for name in names:
            setattr(kind, name, nothing)


if __name__ == "__main__":
    uncount()
    module = sys.argv.pop(1)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
