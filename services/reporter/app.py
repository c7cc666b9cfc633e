"""The reporter's wiring: the ledger behind REST, Redis behind the WebSocket, the mesh's split."""

from typing import Final

from fastapi import APIRouter

from meshsplit.split.files import FileSource
from meshsplit.split.kubernetes import ApiServer, KubernetesSource
from meshsplit.split.watcher import SplitSource
from services.core.http.application import ServiceApplication
from services.core.http.health import health_routes
from services.core.lifecycle import Lifecycle
from services.core.live.reader import LiveReader
from services.core.storage.connections import MySQL
from services.core.storage.readings import Readings
from services.core.storage.schema import check_schema
from services.core.telemetry.calls import RequestTally
from services.core.telemetry.metrics import make_registry
from services.core.telemetry.pools import Pools
from services.core.telemetry.stores import StoreWatch
from services.core.telemetry.traces import Traces
from services.core.writing.schema import SchemaWait
from services.reporter.arms.observer import ArmsObserver
from services.reporter.arms.routes import arms
from services.reporter.charts import charts, course_charts
from services.reporter.escaped_paths import EscapedPaths
from services.reporter.live.hub import Hub
from services.reporter.live.origins import AllowedOrigins
from services.reporter.live.routes import live
from services.reporter.marks import Marks
from services.reporter.problems import tell_when_a_store_is_away, tell_when_there_is_no_split
from services.reporter.settings import ReporterSettings
from services.reporter.split.memory import SplitMemory
from services.reporter.split.metrics import SplitMetrics
from services.reporter.split.observer import SplitObserver
from services.reporter.split.routes import split

NAME: Final = "reporter"
PREFIX: Final = "/api/v1"
_LOOK_TIMEOUT_S: Final = 1.0
"""Bound of each wait for the live figures: old ones, and how old, beat silence."""


class Reporter:
    """The reporter's parts, made in the running loop."""

    def __init__(self, settings: ReporterSettings) -> None:
        registry = make_registry(NAME)
        tally = RequestTally(NAME)
        registry.register(tally)
        self._traces = Traces.of(NAME, settings, registry)
        self.lifecycle = Lifecycle()
        self._mysql = MySQL(
            settings.mysql_url, timeout_s=settings.store_timeout_s, traces=self._traces
        )
        self._schema = SchemaWait(lambda: check_schema(self._mysql), self.lifecycle)
        # Connections of its own, so that charts and live figures never wait for each other.
        self._live_mysql = MySQL(settings.mysql_url, timeout_s=_LOOK_TIMEOUT_S, pool_size=1)
        self._reader = LiveReader(settings.redis_url, self._live_mysql, timeout_s=_LOOK_TIMEOUT_S)
        self._hub = Hub(
            self._reader,
            max_clients=settings.live_clients_limit,
            heartbeat_s=settings.live_heartbeat_s,
            registry=registry,
        )
        self._observer = SplitObserver(
            _source(settings),
            admin=settings.envoy_admin,
            memory=SplitMemory(settings.redis_url, timeout_s=_LOOK_TIMEOUT_S),
        )
        registry.register(SplitMetrics(self._observer))
        registry.register(
            Pools(
                {
                    "mysql": self._mysql.connections,
                    "mysql_live": self._live_mysql.connections,
                    "redis": self._reader.connections,
                }
            )
        )
        self._arms = ArmsObserver(self._observer, prometheus=settings.prometheus)
        self._stores = StoreWatch({"mysql": self._mysql.ping, "redis": self._reader.ping}, registry)

        app = ServiceApplication(
            title=NAME,
            lifecycle=self.lifecycle,
            tally=tally,
            traces=self._traces,
            docs_url=f"{PREFIX}/docs",
            redoc_url=None,
            openapi_url=f"{PREFIX}/openapi.json",
        )
        tell_when_a_store_is_away(app)
        tell_when_there_is_no_split(app)
        api = APIRouter(prefix=PREFIX)
        readings = Readings(self._mysql)
        api.include_router(charts(readings, arms=self._observer.arms))
        api.include_router(course_charts(readings, pass_mark=settings.pass_mark))
        api.include_router(split(self._observer))
        api.include_router(arms(self._arms))
        api.include_router(live(self._hub, AllowedOrigins(settings.allowed_origins)))
        app.include_router(api)
        app.include_router(
            health_routes(NAME, self.lifecycle, registry, lambda: self._stores.states)
        )
        self.application = Marks(EscapedPaths(app, f"{PREFIX}/"))

    async def start(self) -> None:
        """Start the parts, without waiting for a store."""
        self._stores.start()
        self._schema.start()
        self._observer.start()
        self._arms.start()

    async def stop(self, limit_s: float) -> None:
        """Stop the parts."""
        await self._schema.stop()
        await self._stores.stop()
        await self._hub.stop()
        await self._arms.stop()
        await self._observer.stop()
        await self._reader.close()
        await self._live_mysql.close()
        await self._mysql.close()
        await self._traces.stop(limit_s * 0.1)


def _source(settings: ReporterSettings) -> SplitSource:
    """Choose where the split is read: an object of this cluster, or the mesh's files."""
    if settings.virtual_service is None:
        return FileSource(settings.mesh_dir, settings.state_dir / "envoy" / "status.json")
    namespace, _, name = settings.virtual_service.partition("/")
    return KubernetesSource(ApiServer.of_this_cluster(), namespace, name)
