"""Three MariaDB nodes that are one ledger: a Galera cluster on loopback, a process a node."""

import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Final

import pymysql

from audit.servers.mariadb import MariaDB
from audit.servers.program import free_port

NODES: Final = 3
PROVIDER: Final = Path("/usr/lib/galera/libgalera_smm.so")
_LIMIT_S: Final = 60.0
_POSITION: Final = re.compile(r"Recovered position:\s*([0-9a-f-]{36}:-?\d+)")
# A node that is silent is given up after two seconds instead of five: nobody here has time.
_TIMES: Final = (
    "evs.keepalive_period=PT0.5S;evs.inactive_check_period=PT0.25S;evs.suspect_timeout=PT2S;"
    "evs.inactive_timeout=PT6S;evs.install_timeout=PT4S"
)


class Node(MariaDB):
    """One node, that may be killed, cut off from the others, and bring back."""

    def __init__(self, folder: Path, number: int, meeting_ports: list[int]) -> None:
        place = f"127.0.0.1:{meeting_ports[number]}"
        others = ",".join(f"127.0.0.1:{port}" for port in meeting_ports)
        provider = (
            f"gmcast.listen_addr=tcp://{place};ist.recv_addr=127.0.0.1:{free_port()};"
            f"gcache.size=64M;{_TIMES}"
        )
        super().__init__(
            folder,
            "--binlog-format=ROW",
            "--innodb-autoinc-lock-mode=2",
            "--wsrep-on=ON",
            "--wsrep-sync-wait=1",  # what another node has acknowledged is read here too
            f"--wsrep-provider={PROVIDER}",
            "--wsrep-cluster-name=meshsplit",
            f"--wsrep-node-address={place}",
            f"--wsrep-node-name=node{number}",
            "--wsrep-sst-method=rsync",
            f"--wsrep-sst-receive-address=127.0.0.1:{free_port()}",  # else 4444, for every cluster
            f"--wsrep-provider-options={provider}",
        )
        self._folder = folder
        self._command = self.program.command
        self._others = f"--wsrep-cluster-address=gcomm://{others}"
        self.program.command = [*self._command, self._others]

    def found(self) -> None:
        """Start as the first node of a new cluster."""
        self.program.command = [
            *self._command,
            "--wsrep-cluster-address=gcomm://",
            "--wsrep-new-cluster",
        ]
        self.program.start()
        self.program.command = [*self._command, self._others]

    def join(self) -> None:
        """Start and catch up with the others, from where this node was killed or stopped."""
        position = f"--wsrep-start-position={self._recovered()}"
        self.program.command = [*self._command, self._others, position]
        self.program.start()
        self.wait_until_synced(NODES)

    def cut_off(self) -> None:
        """Let it hear nobody, and nobody hear it."""
        self._tell("gmcast.isolate=1")

    def let_in(self) -> None:
        """Let it hear and be heard again."""
        self._tell("gmcast.isolate=0")

    def wait_until_synced(self, size: int) -> None:
        """Wait until this node is one of so many that agree."""
        until = time.monotonic() + _LIMIT_S
        while self.state() != ("Synced", str(size)):
            if time.monotonic() > until:
                raise TimeoutError((self._folder / "log").read_text()[-2000:])
            time.sleep(0.1)

    def _tell(self, option: str) -> None:
        self.query(f"SET GLOBAL wsrep_provider_options = '{option}'")

    def state(self) -> tuple[str, str]:
        """Say how it is with the others, and of how many it knows; nothing when it is away."""
        try:
            rows = dict(self.query("SHOW STATUS LIKE 'wsrep%'"))
        except pymysql.err.MySQLError:
            return "", ""
        return rows["wsrep_local_state_comment"], rows["wsrep_cluster_size"]

    def _recovered(self) -> str:
        """Ask the files themselves how far they are: a killed node didn't note it."""
        asked = subprocess.run(
            [*self._command, self._others, "--wsrep-recover"],
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
        found = _POSITION.search(asked.stdout + asked.stderr)
        if found is None:
            raise LookupError(asked.stderr[-2000:])
        return found[1]


class Galera:
    """The nodes, and the one URL that names them in the order in which they are to be used."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o755)
        ports = [free_port() for _ in range(NODES)]
        first = Node(folder / "node0", 0, ports)
        first.found()
        first.query("CREATE DATABASE grades")
        first.program.stop()
        for number in range(1, NODES):
            shutil.copytree(folder / "node0", folder / f"node{number}")
        self.nodes = [first, *(Node(folder / f"node{n}", n, ports) for n in range(1, NODES))]
        try:
            first.found()
            for node in self.nodes[1:]:
                node.program.start()
            for node in self.nodes:
                node.wait_until_synced(NODES)
        except BaseException:
            self.kill()  # whoever asked for them all has none to end
            raise

    @property
    def url(self) -> str:
        """Where the ledger is."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"mysql://root:@{hosts}/grades"

    def kill(self) -> None:
        """End all nodes at once."""
        for node in self.nodes:
            node.program.kill()
