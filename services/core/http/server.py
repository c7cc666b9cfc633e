"""Running a service from its first log line to its last, drain included."""

import asyncio
import contextlib
import errno
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Final, Protocol

import uvicorn
import uvloop
from starlette.types import ASGIApp

from services.core.http.application import ServiceApplication
from services.core.http.direct import protocol_of
from services.core.lifecycle import Lifecycle
from services.core.settings import PREFIX, BaseServiceSettings
from services.core.telemetry.logs import configure_logs

KEEP_ALIVE_S: Final = 75
"""Above the proxy's idle time-out (30 s), so that it is the proxy that closes."""
_LAST_RESORT_S: Final = 2.0
_OBJECTS_BETWEEN_COLLECTIONS: Final = 20_000
_log = logging.getLogger(__name__)


class Service(Protocol):
    """What can be run: an application, its state, and the parts behind it."""

    @property
    def application(self) -> ASGIApp:
        """Answers the requests."""

    @property
    def lifecycle(self) -> Lifecycle:
        """Where the service is between its start and its end."""

    async def start(self) -> None:
        """Start the parts, without waiting for a store."""

    async def stop(self, limit_s: float) -> None:
        """Empty the queues and stop the parts within a time; nobody listens any more."""


def run(
    name: str,
    settings: BaseServiceSettings,
    make: Callable[[], Service],
    *,
    websockets: type[asyncio.Protocol] | None = None,
) -> None:
    """Run a service until SIGTERM or SIGINT has drained it.

    Args:
        name: the service's name, for its logs.
        settings: where to listen, what to log, how to drain.
        make: makes the service, inside the running loop.
        websockets: the protocol class that speaks WebSocket; None: the service doesn't.

    Raises:
        SystemExit: with status 1, when the port is taken.

    """
    configure_logs(name, settings.log_level)
    listener = bind(settings.host, settings.port, setting="PORT")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, make, listener, websockets=websockets))


def bind(host: str, port: int, *, setting: str) -> socket.socket:
    """Take a TCP port.

    Raises:
        SystemExit: with status 1 and a message naming port and setting, when it can't be had.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        why = "is taken by another process" if taken else f"can't be used: {error.strerror}"
        sys.stderr.write(f"Port {port} on {host} {why}; {PREFIX}{setting} sets another.\n")
        raise SystemExit(1) from None
    listener.setblocking(False)
    return listener


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the drain decides when it exits."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(
    settings: BaseServiceSettings,
    make: Callable[[], Service],
    listener: socket.socket,
    *,
    websockets: type[asyncio.Protocol] | None,
) -> None:
    loop = asyncio.get_running_loop()
    asked_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop.set)
    service = make()
    server = _Server(_config(settings, service.application, websockets=websockets))
    serving = loop.create_task(server.serve(sockets=[listener]), name="http-server")
    await service.start()
    _spare_the_collector()
    service.lifecycle.started()
    stopping = loop.create_task(asked_to_stop.wait(), name="stop-signal")
    await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    await _drain(settings, service, server, serving)
    stopping.cancel()


def _spare_the_collector() -> None:
    """Look for garbage in cycles less often, and never among what is there for good.

    A request makes none of its own; what it holds until its commit is looked through in vain.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, *gc.get_threshold()[1:])


def _config(
    settings: BaseServiceSettings,
    application: ASGIApp,
    *,
    websockets: type[asyncio.Protocol] | None,
) -> uvicorn.Config:
    route = application.endpoint if isinstance(application, ServiceApplication) else None
    return uvicorn.Config(
        application,
        http="httptools" if route is None else protocol_of(route),
        ws=websockets or "none",
        ws_max_size=65_536,
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # nobody asks for the client's address
        reset_contextvars=True,  # else a request right behind another is in that one's trace
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, int(settings.drain_limit_s * 0.75)),
        h11_max_incomplete_event_size=65_536,
        backlog=2048,
    )


async def _drain(
    settings: BaseServiceSettings,
    service: Service,
    server: uvicorn.Server,
    serving: asyncio.Task[None],
) -> None:
    """Fail readiness, serve on for the delay, close the listener, empty the queues."""
    loop = asyncio.get_running_loop()
    service.lifecycle.begin_drain()
    await asyncio.sleep(settings.drain_delay_s)
    deadline = loop.time() + settings.drain_limit_s
    _end_by_force_after(settings.drain_limit_s + _LAST_RESORT_S)
    server.should_exit = True
    await asyncio.wait([serving], timeout=settings.drain_limit_s * 0.8)
    await service.stop(max(0.1, deadline - loop.time()))
    _log.info("drained")


def _end_by_force_after(seconds: float) -> None:
    """Hold the promise that a drain is bounded, whatever hangs."""
    timer = threading.Timer(seconds, os._exit, args=(1,))
    timer.daemon = True
    timer.start()
