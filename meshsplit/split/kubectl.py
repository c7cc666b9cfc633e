"""The split of a cluster, seen and changed from outside through kubectl."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import httpx

from meshsplit.split.history import Change, change_now
from meshsplit.split.weights import Split, SplitError, routes_of, split_of
from meshsplit.translator.documents import ARMS

HISTORY = "meshsplit.dev/history"
"""The annotation that keeps the last changes, as JSON, oldest first."""
KEPT = 20
TIMEOUT_S = 20.0
_REPORTER = (
    "import urllib.request as r;print(r.urlopen('http://127.0.0.1:8000/api/v1/split',timeout=5)"
    ".read().decode())"
)


@dataclass(frozen=True, slots=True)
class Kubectl:
    """A cluster by its context, and the namespace and the gateway in it."""

    context: str
    namespace: str = "meshsplit"
    gateway: tuple[str, str] = ("istio-system", "deployment/istio-ingressgateway")

    async def run(self, *words: str) -> str:
        """Run kubectl and return what it prints.

        Raises:
            SplitError: it failed, isn't there, or took too long.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *("kubectl", "--context", self.context, *words),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except FileNotFoundError as error:
            raise SplitError("kubectl is not installed") from error
        try:
            async with asyncio.timeout(TIMEOUT_S):
                out, said = await process.communicate()
        except TimeoutError as error:
            process.kill()
            await process.wait()
            raise SplitError(f"kubectl gave no answer in {TIMEOUT_S:.0f} s") from error
        if process.returncode != 0:
            lines = said.decode(errors="replace").strip().splitlines()
            raise SplitError(f"kubectl: {lines[-1] if lines else process.returncode}")
        return out.decode()

    async def virtual_service(self) -> dict[str, Any]:
        """Return the one VirtualService with arms.

        Raises:
            SplitError: there is none, or more than one, or the cluster can't be asked.
        """
        said = await self.run(
            "-n", self.namespace, "get", "virtualservices.networking.istio.io", "-o", "json"
        )
        items: list[dict[str, Any]] = json.loads(said)["items"]
        found = [item for item in items if ARMS in (item["metadata"].get("annotations") or {})]
        if len(found) != 1:
            names = ", ".join(item["metadata"]["name"] for item in found) or "none"
            raise SplitError(f"one VirtualService in {self.namespace} has {ARMS}; found: {names}")
        return found[0]

    def named(self, resource: Mapping[str, Any]) -> str:
        """Say how a person finds the object."""
        return f"virtualservice/{resource['metadata']['name']} in {self.namespace}"

    def split(self, resource: Mapping[str, Any]) -> Split:
        """Read the object's split.

        Raises:
            SplitError: it has none.
        """
        return split_of(resource, self.named(resource))

    def changes(self, resource: Mapping[str, Any]) -> list[Change]:
        """Return the changes that the object remembers, oldest first."""
        try:
            kept = json.loads(resource["metadata"]["annotations"][HISTORY])
            return [Change(**change) for change in kept]
        except (KeyError, ValueError, TypeError):
            return []

    async def write(
        self, resource: Mapping[str, Any], weights: Mapping[str, int], *, dry_run: bool = False
    ) -> dict[str, Any]:
        """Give the object these weights, unless it was changed since it was read; return it.

        Raises:
            SplitError: the weights don't fit the arms, or the cluster refuses.
        """
        split, patch = self.split(resource), []
        for place, weight, there in routes_of(resource, weights, self.named(resource)):
            patch.append({"op": "add" if not there else "replace", "path": place, "value": weight})
        made = [*self.changes(resource), change_now(split.weights, weights)][-KEPT:]
        version = resource["metadata"]["resourceVersion"]
        told = json.dumps([asdict(change) for change in made])
        patch = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": version},
            *patch,
            {
                "op": "add",
                "path": f"/metadata/annotations/{HISTORY.replace('/', '~1')}",
                "value": told,
            },
        ]
        name = str(resource["metadata"]["name"])
        said = await self.run(
            *("-n", self.namespace, "patch", "virtualservices.networking.istio.io", name),
            *("--type=json", "-p", json.dumps(patch), "-o", "json"),
            *(["--dry-run=server"] if dry_run else []),
        )
        changed: dict[str, Any] = json.loads(said)
        return changed

    async def report(self) -> dict[str, Any]:
        """Ask the reporter, from within its pod.

        Raises:
            SplitError: it can't be asked.
        """
        where = ("-n", self.namespace, "exec", "deployment/reporter", "-c", "reporter", "--")
        answer: dict[str, Any] = json.loads(await self.run(*where, "python", "-c", _REPORTER))
        return answer


class GatewayTransport(httpx.AsyncBaseTransport):
    """Carries questions to the admin interface of the gateway's Envoy, from within its pod."""

    def __init__(self, kubectl: Kubectl) -> None:
        self._kubectl = kubectl

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Ask by ``pilot-agent``, which knows where the admin interface is."""
        namespace, workload = self._kubectl.gateway
        path = request.url.raw_path.decode().removeprefix("/")
        where = ("-n", namespace, "exec", workload, "-c", "istio-proxy", "--")
        try:
            said = await self._kubectl.run(*where, "pilot-agent", "request", "GET", path)
        except SplitError as error:
            raise httpx.ConnectError(str(error)) from error
        return httpx.Response(200, text=said, request=request)
