"""What every service can be told from its environment, and how it says that it was told wrong."""

import sys
from ipaddress import ip_address
from socket import gethostname
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar, cast
from urllib.parse import urlsplit
from zlib import crc32

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.core.live.redis_address import parse_redis
from services.core.storage.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_core import ErrorDetails

PREFIX = "MESHSPLIT_"
ARM_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$"
_ANSWER_BY_S = 13.0
"""The gateway's 15 s, less 1 s that the bridge may wait for a connection, and 1 s to spare."""

Port = Annotated[int, Field(ge=1, le=65535)]
"""A TCP port."""


def _address(value: str) -> str:
    try:
        ip_address(value)
    except ValueError:
        raise ValueError("expected an IP address such as 127.0.0.1") from None
    return value


def _mysql_url(value: str) -> str:
    parse_address(value)
    return value


def _redis_url(value: str) -> str:
    parse_redis(value)
    return value


def _slot(value: object) -> object:
    return crc32(gethostname().encode()) % SLOTS_BY_HOST if value == "host" else value


SLOTS_BY_HOST = 16
"""How many slots replicas share among them; readers sum over slots, so it stays small."""
Slot = Annotated[int, Field(ge=0, le=255), BeforeValidator(_slot)]
"""A writer's number, or ``host``: one made of the machine's or pod's name."""

ArmName = Annotated[str, Field(pattern=ARM_PATTERN)]
"""What an arm may be called."""


def _authority(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or not 1 <= int(port) <= 65535:  # noqa: PLR2004 - TCP ports
        raise ValueError("expected host:port such as 127.0.0.1:50051")
    return value


Authority = Annotated[str, AfterValidator(_authority)]
"""A host and a port."""
Address = Annotated[str, AfterValidator(_address)]
MySQLURL = Annotated[str, AfterValidator(_mysql_url)]
RedisURL = Annotated[str, AfterValidator(_redis_url)]


def _otlp_endpoint(value: str) -> str:
    parts = urlsplit(value)
    try:
        well = parts.scheme in {"http", "https"} and parts.hostname and parts.port
    except ValueError:  # the port is none
        well = None
    if not well or parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise ValueError("expected a URL such as http://127.0.0.1:4317")
    return value.rstrip("/")


OTLPEndpoint = Annotated[str, AfterValidator(_otlp_endpoint)]
"""Where a collector takes OTLP over gRPC."""


class BaseServiceSettings(BaseSettings):
    """The settings every service has. A service adds its own in a subclass."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    host: Address = "127.0.0.1"
    """Address the service listens on."""
    port: Port
    """HTTP port: the service's own routes, health and metrics."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level that is logged."""
    otlp_endpoint: OTLPEndpoint | None = None
    """The collector that spans are sent to; without one nothing is traced."""
    trace_ratio: float = Field(default=0.0, ge=0, le=1)
    """Share of the requests that come without a trace context and are traced all the same."""
    drain_delay_s: float = Field(default=0.0, ge=0, le=300)
    """How long, after SIGTERM, requests are still taken with ``connection: close``."""
    drain_limit_s: float = Field(default=20.0, gt=0, le=600)
    """Longest time from the end of that delay to the process's end."""


class WritingSettings(BaseServiceSettings):
    """What a service that takes records has besides."""

    queue_limit: int = Field(default=4096, ge=1, le=1_000_000)
    """Most records that wait; one more is answered with 503."""
    batch_limit: int = Field(default=256, ge=1, le=1024)
    """Most records in one transaction or one RPC."""
    batch_linger_ms: float = Field(default=5.0, ge=0, le=1000)
    """How long, when busy, a batch that isn't full waits for more."""
    store_timeout_s: float = Field(default=5.0, gt=0, le=6)
    """Longest time one attempt to store a batch may take; settling a lost one may take as long."""
    slot: Slot = 0
    """This writer's number; writers of one arm that share it contend for the same rollup rows."""

    @property
    def wait_limit_s(self) -> float:
        """Longest useful wait in the queue: wait, attempt and settling fit into the gateway's time.

        The gateway gives up after 15 s, whereupon the client knows nothing.
        """
        return _ANSWER_BY_S - 2 * self.store_timeout_s


class DoorSettings(BaseServiceSettings):
    """What a service that takes records over HTTP has besides."""

    arm: ArmName
    """The arm's name, as the split and the answers call it."""
    body_timeout_s: float = Field(default=10.0, gt=0, le=300)
    """Longest time a request's body may take to arrive."""


class ArmSettings(WritingSettings, DoorSettings):
    """What an arm has: it takes records over HTTP and has them stored."""


_Settings = TypeVar("_Settings", bound=BaseServiceSettings)


def load_settings(kind: type[_Settings]) -> _Settings:
    """Read a service's settings from the environment.

    Raises:
        SystemExit: with status 2, after naming every wrong setting on stderr.

    """
    try:
        # The fields without a default come from the environment, which a type checker can't see.
        return cast("Callable[[], _Settings]", kind)()
    except ValidationError as error:
        lines = [
            f"{PREFIX}{'.'.join(str(part) for part in wrong['loc']).upper()}: "
            f"{_expectation(wrong['type'], wrong['msg'])}"
            + ("" if _is_untold(wrong) else f", got {wrong['input']!r}")
            for wrong in error.errors()
        ]
        sys.stderr.write("These settings are wrong:\n  " + "\n  ".join(sorted(lines)) + "\n")
        raise SystemExit(2) from None


def _is_untold(wrong: "ErrorDetails") -> bool:
    """Whether the value is left out: there is none, or it may have a password in it."""
    return wrong["type"] == "missing" or str(wrong["loc"][-1]).endswith("_url")


def _expectation(kind: str, message: str) -> str:
    if kind == "missing":
        return "expected a value, and it is not set"
    message = message.removeprefix("Value error, ").removeprefix("Input should be ")
    return message if message.startswith("expected") else f"expected {message}"
