"""Where a run keeps its files, and as whom its stores run."""

import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LONGEST_SOCKET_PATH = 100  # sun_path holds 104 bytes on macOS and 108 on Linux
SYSTEM_DATA = Path("/var/lib/meshsplit")


@dataclass(frozen=True)
class Places:
    """The run's folders: `state` is the caller's; `data` is where the stores' users can go."""

    state: Path
    data: Path

    @property
    def logs(self) -> Path:
        """One log file a service, and the supervisor's own."""
        return self.state / "logs"

    @property
    def supervisor_config(self) -> Path:
        """The supervisor's generated configuration."""
        return self.state / "supervisord.conf"

    @property
    def supervisor_pid(self) -> Path:
        """The supervisor's process id, while it runs."""
        return self.state / "supervisord.pid"

    @property
    def socket(self) -> Path:
        """The supervisor's socket; elsewhere when the state's path is too long for one."""
        path = self.state / "supervisor.sock"
        if len(str(path).encode()) <= LONGEST_SOCKET_PATH:
            return path
        folder = Path(tempfile.gettempdir()) / f"meshsplit-{os.getuid()}"
        return folder / f"{_digest(self.state)}.sock"

    @property
    def envoy(self) -> Path:
        """What the agent writes and Envoy reads."""
        return self.state / "envoy"


def places(state: Path) -> Places:
    """Return the folders of the run whose state is here; nothing is made."""
    recorded = state / "data-folder"
    if recorded.exists():
        return Places(state, Path(recorded.read_text().strip()))
    if os.geteuid() == 0:
        name = state.parent.name if state.name.startswith(".") else state.name
        return Places(state, SYSTEM_DATA / f"{name}-{_digest(state)}")
    return Places(state, state / "data")


def make(here: Places) -> None:
    """Make the folders, and note where the data is.

    Raises OSError when a folder can't be made or belongs to somebody else.
    """
    for folder in (here.state, here.logs, here.envoy):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    if not here.socket.parent.exists():
        here.socket.parent.mkdir(mode=0o700)
    owner = here.socket.parent.stat()
    if owner.st_uid != os.getuid() or stat.S_IMODE(owner.st_mode) & 0o022:
        raise PermissionError(
            f"{here.socket.parent} belongs to somebody else, or anyone may write it"
        )
    _passable(here.data)
    (here.state / "data-folder").write_text(f"{here.data}\n")


def own_folder(here: Places, name: str, user: str | None) -> Path:
    """Make a store's folder below the data, owned by `user` (None: the caller)."""
    folder = here.data / name
    folder.mkdir(mode=0o700, exist_ok=True)
    give(folder, user)
    return folder


def give(path: Path, user: str | None) -> None:
    """Hand a file or a folder to `user`; None leaves it the caller's."""
    if user is not None:
        shutil.chown(path, user, pwd.getpwnam(user).pw_gid)


def store_user(names: Sequence[str]) -> str | None:
    """Return as whom a store runs: None, the caller, unless the caller is root."""
    if os.geteuid() != 0 or not names:
        return None
    for name in names:
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise LookupError(f"none of the users {', '.join(names)} exists on this machine")


def _passable(folder: Path) -> None:
    """Make a folder that other users may walk through but not list."""
    for part in (folder.parent, folder):
        if not part.exists():
            part.mkdir(parents=True)
            part.chmod(0o711)


def _digest(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:8]
