"""The split that a cluster's VirtualService asks for, read by a pod that may read it."""

import asyncio
import json
import logging
import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import httpx

from meshsplit.split.weights import Split, SplitError, split_of

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where Kubernetes puts a pod's credentials."""
TIMEOUT_S: Final = 2.0
WATCH_S: Final = 60
"""How long one watch lasts, and so how long a change can stay unseen at worst."""
AGAIN_S: Final = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ApiServer:
    """Where the API server is and how it is talked to."""

    url: str
    account: Path = ACCOUNT
    """Folder with ``token``, which Kubernetes renews, and ``ca.crt``."""

    @classmethod
    def of_this_cluster(cls) -> Self:
        """Return the API server of the cluster this runs in.

        Raises:
            SplitError: this runs in no cluster.
        """
        host, port = (os.environ.get(f"KUBERNETES_SERVICE_{part}") for part in ("HOST", "PORT"))
        if not host or not port:
            raise SplitError("this runs in no cluster: KUBERNETES_SERVICE_HOST is not set")
        return cls(f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}")


class KubernetesSource:
    """One VirtualService, read by name and then watched: nothing else of the cluster is read.

    The API server tells of each change as it happens. A watch ends by itself after a while, and
    the object is then read again, so that what went missing on the way is made good.
    """

    def __init__(self, api: ApiServer, namespace: str, service: str) -> None:
        self._api = api
        self._objects = f"/apis/networking.istio.io/v1/namespaces/{namespace}/virtualservices"
        self._service = service
        self._client: httpx.AsyncClient | None = None
        self._object: dict[str, Any] | None = None
        self._watching: asyncio.Task[None] | None = None
        self.name = f"virtualservice/{service} in {namespace}"

    async def asked(self) -> Split:
        """Return the split as the API server last told it; read it if it isn't being told.

        Raises:
            SplitError: it can't be read, or has no split.
            OSError: there are no credentials.
        """
        if self._object is None or self._watching is None or self._watching.done():
            self._object = await self._read()
            version = str(self._object.get("metadata", {}).get("resourceVersion", ""))
            self._watching = asyncio.create_task(self._watch(version), name="split watch")
        return split_of(self._object, self.name)

    def refused(self) -> dict[str, str] | None:
        """Return None: what istiod's webhook refuses never becomes the object."""
        return None

    async def close(self) -> None:
        """Close the connections."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching}, timeout=TIMEOUT_S)
        if self._client is not None:
            await self._client.aclose()

    async def _read(self) -> dict[str, Any]:
        url = f"{self._api.url}{self._objects}/{self._service}"
        try:
            answer = await self._open().get(url, headers=self._credentials())
            answer.raise_for_status()
            found = answer.json()
        except httpx.HTTPStatusError as error:
            code = error.response.status_code
            raise SplitError(f"{self.name}: the API server answers {code}") from error
        except (httpx.HTTPError, ValueError) as error:
            raise SplitError(f"{self.name}: {type(error).__name__}: {error}") from error
        if not isinstance(found, dict):
            raise SplitError(f"{self.name}: the API server answers with no object")
        return found

    async def _watch(self, version: str) -> None:
        """Take in each change until the watch ends, for whatever reason."""
        question: dict[str, str | int] = {
            "watch": 1,
            "fieldSelector": f"metadata.name={self._service}",
            "resourceVersion": version,
            "timeoutSeconds": WATCH_S,
        }
        try:
            async with self._open().stream(
                "GET",
                f"{self._api.url}{self._objects}",
                params=question,
                headers=self._credentials(),
                timeout=httpx.Timeout(TIMEOUT_S, read=WATCH_S + TIMEOUT_S),
            ) as answer:
                answer.raise_for_status()
                async for line in answer.aiter_lines():
                    event = json.loads(line)
                    if event["type"] not in {"ADDED", "MODIFIED"}:
                        return  # it is gone, or the version is too old: read it again
                    self._object = event["object"]
        except (httpx.HTTPError, OSError, ValueError, KeyError, TypeError) as error:
            _log.info("the watch of %s ended: %r", self.name, error)
            await asyncio.sleep(AGAIN_S)  # meanwhile what is known goes on being said

    def _credentials(self) -> dict[str, str]:
        token = (self._api.account / "token").read_text(encoding="utf-8").strip()
        return {"authorization": f"Bearer {token}"}

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            authority = self._api.account / "ca.crt"
            trust = ssl.create_default_context(cafile=authority if authority.exists() else None)
            self._client = httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False, verify=trust)
        return self._client
