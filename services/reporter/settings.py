"""What the reporter can be told from its environment."""

from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo
from pydantic_settings import NoDecode

from services.core.settings import BaseServiceSettings, MySQLURL, RedisURL

_OBJECT: Final = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?/[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"


def _listed(value: object) -> object:
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(",") if item.strip())
    return value


def _origin(value: str) -> str:
    parts = urlsplit(value)
    bare = parts.path == parts.query == parts.fragment == ""
    if parts.scheme not in {"http", "https"} or not parts.netloc or not bare:
        raise ValueError("expected origins such as http://127.0.0.1:8080, separated by commas")
    return value


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError("expected a URL such as http://127.0.0.1:9901")
    return value.rstrip("/")


def _folder(value: Path, info: ValidationInfo) -> Path:
    if info.data.get("virtual_service") is None and not value.is_dir():
        raise ValueError("expected a folder that exists")
    return value


class ReporterSettings(BaseServiceSettings):
    """What the reporter has besides what every service has."""

    mysql_url: MySQLURL
    """The ledger."""
    redis_url: RedisURL
    """The live figures."""
    store_timeout_s: float = Field(default=5.0, gt=0, le=60)
    """Longest time one answer of a store may take."""
    pass_mark: int = Field(default=61, ge=0, le=100)
    """Least grade that passes; applied on reading, so that changing it falsifies nothing."""
    allowed_origins: Annotated[
        tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_listed)
    ] = ("http://127.0.0.1:8080", "http://localhost:8080")
    """Origins of the web pages that may open the live WebSocket, separated by commas."""
    live_clients_limit: int = Field(default=5000, ge=1, le=100_000)
    """Most live clients at once; one more is refused with 503."""
    live_heartbeat_s: float = Field(default=5.0, gt=0, le=60)
    """Longest silence on the live WebSocket: the figures are then sent though nothing changed."""
    virtual_service: Annotated[str, Field(pattern=_OBJECT)] | None = None
    """In a cluster: namespace/name of the VirtualService to read instead of the mesh's files."""
    mesh_dir: Annotated[Path, AfterValidator(_folder)] = Path("mesh")
    """Folder of the VirtualService and what belongs to it."""
    state_dir: Path = Path(".local")
    """The local run's folder, where the agent leaves what became of the configuration."""
    envoy_admin: Annotated[str, AfterValidator(_http_url)] = "http://127.0.0.1:9901"
    """The gateway's admin address, for the weights it has and the requests it counted."""
    prometheus: Annotated[str, AfterValidator(_http_url)] = "http://127.0.0.1:9090"
    """Prometheus' address, for the counters that the arms are compared by."""
