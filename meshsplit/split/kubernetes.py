"""The split that a cluster's VirtualService asks for, read by a pod that may read it."""

import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx

from meshsplit.split.weights import Split, SplitError, split_of

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where Kubernetes puts a pod's credentials."""
TIMEOUT_S = 2.0


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
    """One VirtualService, asked for by name: nothing else of the cluster is read."""

    def __init__(self, api: ApiServer, namespace: str, service: str) -> None:
        self._api = api
        self._path = (
            f"/apis/networking.istio.io/v1/namespaces/{namespace}/virtualservices/{service}"
        )
        self._client: httpx.AsyncClient | None = None
        self.name = f"virtualservice/{service} in {namespace}"

    async def asked(self) -> Split:
        """Read the object.

        Raises:
            SplitError: it can't be read, or has no split.
            OSError: there are no credentials.
        """
        token = (self._api.account / "token").read_text(encoding="utf-8").strip()
        try:
            answer = await self._open().get(
                f"{self._api.url}{self._path}", headers={"authorization": f"Bearer {token}"}
            )
            answer.raise_for_status()
            return split_of(answer.json(), self.name)
        except httpx.HTTPStatusError as error:
            code = error.response.status_code
            raise SplitError(f"{self.name}: the API server answers {code}") from error
        except (httpx.HTTPError, ValueError) as error:
            raise SplitError(f"{self.name}: {type(error).__name__}: {error}") from error

    def refused(self) -> dict[str, str] | None:
        """Return None: what istiod's webhook refuses never becomes the object."""
        return None

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            authority = self._api.account / "ca.crt"
            trust = ssl.create_default_context(cafile=authority if authority.exists() else None)
            self._client = httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False, verify=trust)
        return self._client
