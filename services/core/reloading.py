"""Run a service from a copy of its code, and anew on SIGHUP: for development in a cluster.

``python -m services.core.reloading FOLDER MODULE`` copies the code beside it to the folder (where
Tilt puts changed files; the image's own file system is read-only), and starts the module there.
"""

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Final

_APP: Final = Path(__file__).resolve().parents[2]
_ENDS: Final = (signal.SIGTERM, signal.SIGINT)


def copy_code(folder: Path, code: Path = _APP) -> None:
    """Copy the code to the folder, but once: a restart keeps what Tilt put there."""
    done = folder / ".copied"
    if done.exists():
        return
    for part in sorted(path for path in code.iterdir() if path.is_dir()):
        shutil.copytree(part, folder / part.name, dirs_exist_ok=True)
    done.touch()


class Reloader:
    """One child at a time; SIGHUP drains it and starts the next, SIGTERM drains it and ends."""

    def __init__(self, folder: Path, module: str) -> None:
        self._folder = folder
        self._module = module
        self._child: subprocess.Popen[bytes] | None = None
        self._again = False

    def run(self) -> int:
        """Run until the child ends without being told to start anew; give its status."""
        for number in (signal.SIGHUP, *_ENDS):
            signal.signal(number, self._told)
        while True:
            self._again = False
            self._child = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", self._module], cwd=self._folder
            )
            status = self._child.wait()
            if not self._again:
                return status if status >= 0 else 128 - status

    def _told(self, number: int, _frame: FrameType | None) -> None:
        self._again = number == signal.SIGHUP
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)


def main() -> int:
    """Run the command."""
    folder, module = Path(sys.argv[1]), sys.argv[2]
    copy_code(folder)
    return Reloader(folder, module).run()


if __name__ == "__main__":
    sys.exit(main())
