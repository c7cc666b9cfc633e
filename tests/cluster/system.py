"""What the cluster's tests do to the system, and the load that they hold it to."""

import json
import re
import subprocess
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

from tests import plain_http

ADDRESS = "http://127.0.0.1:8080"
NAMESPACE = "meshsplit"
GATEWAY = ("-n", "istio-system")


def kubectl(*words: str, text: str | None = None, timeout: float = 120) -> str:
    """Run kubectl to its end; a failure carries what it said."""
    done = subprocess.run(
        ("kubectl", *words),
        input=text,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"kubectl {' '.join(words)}\n{done.stderr}"
    return done.stdout


_FIND = (
    "import pathlib\n"
    "for each in pathlib.Path('/proc').glob('[0-9]*'):\n"
    "    words = (each / 'cmdline').read_bytes().split(b'\\0')\n"
    "    if words[1:3] == [b'-m', b'services.%s']: print(each.name)\n"
)


def deployments(services: Iterable[str]) -> list[str]:
    """Name services as kubectl does."""
    return [f"deployment/{service}" for service in services]


@contextmanager
def forwarded(deployment: str, port: int, namespace: str = GATEWAY[1]) -> Iterator[int]:
    """Lead a port of this machine to one of a pod."""
    where = ("-n", namespace, "port-forward", f"deployment/{deployment}", f":{port}")
    words = ("kubectl", *where)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as forward:
        assert forward.stdout is not None
        said = re.search(r"127\.0\.0\.1:(\d+) ->", forward.stdout.readline())
        try:
            assert said is not None, "kubectl forwards nothing"
            yield int(said[1])
        finally:
            forward.terminate()


class Cluster:
    """The namespace of the system."""

    def run(self, *words: str, text: str | None = None, timeout: float = 120) -> str:
        """Run kubectl in it."""
        return kubectl("-n", NAMESPACE, *words, text=text, timeout=timeout)

    def roll(self, *services: str) -> None:
        """Replace services' pods by new ones at once, as a release does; wait till the old left."""
        self.run("rollout", "restart", *deployments(services))
        self.settle(*services)

    def scale(self, replicas: int, *services: str) -> None:
        """Have so many pods of each service, all of them ready, and no other."""
        self.run("scale", *deployments(services), f"--replicas={replicas}")
        self.settle(*services, replicas=replicas)

    def settle(self, *services: str, replicas: int = 1) -> None:
        """Wait until services have so many pods each, all of them ready, and no other."""
        for deployment in deployments(services):
            self.wait_for(deployment)
        for service in services:
            self.settled_pods(service, replicas)

    def pods(self, service: str) -> list[str]:
        """Name a service's pods."""
        chosen = f"app.kubernetes.io/name={service}"
        return self.run("get", "pods", "-l", chosen, "-o", "name").split()

    def settled_pods(self, service: str, replicas: int = 1, limit_s: float = 60) -> list[str]:
        """Wait until those that end have ended, and name the ones that stay."""
        until = time.monotonic() + limit_s
        while len(found := self.pods(service)) != replicas:
            assert time.monotonic() < until, f"{service} has {found}"
            time.sleep(0.5)
        return found

    def kill(self, service: str) -> None:
        """Kill a service's pods at once, as a failing node does."""
        for pod in self.pods(service):
            self.run("delete", pod, "--grace-period=0", "--force", "--wait=false")

    def processes(self, pod: str, service: str) -> set[str]:
        """Return the numbers of a service's own processes in a pod (its parent only starts it)."""
        return set(
            self.run("exec", pod, "-c", service, "--", "python", "-c", _FIND % service).split()
        )

    def crash(self, pod: str, service: str) -> None:
        """Kill a pod's service in the middle of what it does; nothing drains."""
        numbers = self.processes(pod, service)
        assert numbers, f"{pod} runs no {service}"
        kill = "import os, sys; [os.kill(int(each), 9) for each in sys.argv[1:]]"
        self.run("exec", pod, "-c", service, "--", "python", "-c", kill, *numbers)

    def wait_for(self, kind_and_name: str) -> None:
        """Wait until a workload is all there again."""
        self.run("rollout", "status", kind_and_name, "--timeout=90s")

    def sql(self, statement: str) -> str:
        """Run a statement in the ledger as its administrator; columns come apart by tabs."""
        return self.run(
            *("exec", "mysql-0", "-c", "mysql", "--", "sh", "-c"),
            f'MYSQL_PWD="$MARIADB_ROOT_PASSWORD" mariadb --user=root -N grades -e "{statement}"',
        )

    def stored(self, course: str) -> Counter[str]:
        """Count the ledger's records of a course by arm."""
        said = self.sql(f"SELECT arm, COUNT(*) FROM records WHERE course = '{course}' GROUP BY arm")  # noqa: S608 - made here
        rows = [line.split("\t") for line in said.splitlines()]
        return Counter({arm: int(count) for arm, count in rows})

    def weigh(self, **weights: int) -> None:
        """Give the arms weights, in the order in which they stand in the rule `split`."""
        patch = [
            {"op": "test", "path": "/spec/http/1/name", "value": "split"},
            *(
                {"op": "replace", "path": f"/spec/http/1/route/{n}/weight", "value": weight}
                for n, weight in enumerate(weights.values())
            ),
        ]
        name = "virtualservice.networking.istio.io/records"
        self.run("patch", name, "--type=json", "-p", json.dumps(patch))


@dataclass
class Load:
    """Clients that post records of one course, one after the other, until the block ends."""

    users: int = 8
    pause_s: float = 0.02
    address: str = ADDRESS
    headers: dict[str, str] = field(default_factory=dict)
    course: str = field(default_factory=lambda: f"C-{uuid.uuid4().hex[:12]}")
    statuses: Counter[int] = field(default_factory=Counter)
    arms: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    failed_at: list[float] = field(default_factory=list)
    """When (monotonic) each of the failed requests was sent."""
    retry_after: int = 0
    """How many of the 503s said when to come back."""

    def __enter__(self) -> Self:
        self._end = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._post, args=(n,)) for n in range(self.users)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(30)

    @property
    def acknowledged(self) -> int:
        """How many records were stored, by the answers."""
        return self.statuses[201] + self.statuses[200]

    def _post(self, user: int) -> None:
        number = 0
        with httpx.Client(
            base_url=self.address, timeout=20, trust_env=False, verify=plain_http.NO_TLS
        ) as client:
            while not self._end.is_set():
                number += 1
                record: dict[str, Any] = {
                    "carne": f"{user}-{number}",
                    "nombre": "Nannie",
                    "curso": self.course,
                    "nota": number % 101,
                    "semestre": "1",
                    "year": 2002,
                }
                sent = time.monotonic()
                try:
                    answer = client.post("/", json=record, headers=self.headers)
                except httpx.HTTPError as error:
                    with self._lock:
                        self.failed.append(repr(error))
                        self.failed_at.append(sent)
                    continue
                with self._lock:
                    self.statuses[answer.status_code] += 1
                    if answer.is_success:
                        self.arms[answer.json()["arm"]] += 1
                    elif answer.status_code == 503 and "retry-after" in answer.headers:
                        self.retry_after += 1
                    if not answer.is_success:
                        self.failed.append(f"{answer.status_code}: {answer.text[:300]}")
                        self.failed_at.append(sent)
                self._end.wait(self.pause_s)
