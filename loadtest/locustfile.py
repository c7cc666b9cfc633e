"""Send grade records through the gateway, and know what became of each one.

``python -m locust -f loadtest/locustfile.py --data loadtest/sample.json`` opens locust's page on
port 8089; with ``--headless`` it runs at once and its exit code says whether every record was
acknowledged by a right answer. ``--mode once`` sends each record of the file exactly once, across
all users, and then stops; ``--mode steady`` goes on until it is stopped.

A run is one process, so that one place knows each record; ``--part 1/4`` lets four processes
share a file.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from locust import FastHttpUser, constant, constant_throughput, events, task
from locust.contrib.fasthttp import LocustUserAgent
from locust.exception import StopUser
from locust.runners import LocalRunner
from locust.user.task import LOCUST_STATE_STOPPING, LOCUST_STATE_WAITING

from loadtest.datafile import DataFileError
from loadtest.metrics import add_metrics
from loadtest.options import add_options, asks_for_several_processes
from loadtest.run import Run
from loadtest.sending import Sender

if TYPE_CHECKING:
    from collections.abc import Callable

    from locust.argument_parser import LocustArgumentParser
    from locust.env import Environment

STOP_TIMEOUT_S = 30.0
"""How long a user may take for the record in its hands when the run is stopped."""
logger = logging.getLogger("loadtest")


class RecordsUser(FastHttpUser):
    """Posts one record after the other."""

    host = "http://127.0.0.1:8080"
    # above the gateway's 15 s, so that it is the gateway that gives up and says so
    network_timeout = 20.0
    connection_timeout = 5.0
    max_redirects = 0

    load: LoadTest

    def on_start(self) -> None:
        """Set the pace up."""
        self._run = run = self.load.run
        rate = run.options.rate if run else 0
        self._pace: Callable[[Any], float] = constant_throughput(rate) if rate else constant(0)

    def stop(self, force: bool = False) -> bool:
        """Stop once no record is in hand.

        Locust ends a user that waits at once. One whose wait is just over goes on before that end
        reaches it, and would be cut off in the middle of a record: here it learns that it shall
        stop before it takes one.
        """
        if force or self._state != LOCUST_STATE_WAITING:
            return bool(super().stop(force))
        self._state = LOCUST_STATE_STOPPING
        self.group.killone(self.greenlet)
        return True

    def wait_time(self) -> float:
        """Seconds until the next record, as ``--rate`` asks."""
        return self._pace(self)

    @task
    def post_record(self) -> None:
        """Send the next record until its outcome is known."""
        run = self._run
        item = run.feed.next() if run else None
        if run is None or item is None:
            raise StopUser
        try:
            Sender(self.client, run, stopping=lambda: self._state == "stopping").send(item)
        finally:
            run.feed.settle()
            if run.feed.finished:
                self.load.used_up()


class LoadTest:
    """One locust process: begins a run when a test starts and closes it when it stops."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.run: Run | None = None
        self._failed = False
        options = environment.parsed_options
        # A page that any browser may reach names no file of this machine.
        self._files = {"data": options.data, "report": options.report} if options else {}

    def begin(self, **_: object) -> None:
        """Read the data file anew: it may have been made anew."""
        options = self.environment.parsed_options
        if options is None:  # locust sets them before any test starts
            return
        vars(options).update(self._files)  # whatever locust's page was sent
        try:
            self.run = Run(options, host=self.environment.host or RecordsUser.host)
        except (DataFileError, ValueError) as error:
            self.run = None
            self._failed = True
            logger.error("%s", error)  # noqa: TRY400 - a mistake of the caller's, no stack needed
            self.used_up()

    def used_up(self) -> None:
        """Stop: there is nothing left to send."""
        runner = self.environment.runner
        if runner is None:
            return
        headless = bool(
            self.environment.parsed_options and self.environment.parsed_options.headless
        )
        # from a greenlet of the runner's own: stopping kills the one that asks
        runner.greenlet.spawn(runner.quit if headless else runner.stop)

    def close(self, **_: object) -> None:
        """Say what became of the records, once for each run."""
        if self.run is None:
            return
        run, self.run = self.run, None
        self._failed |= not run.close()
        sys.stderr.flush()
        sys.stdout.write(f"\n{run.summary()}\n")
        sys.stdout.flush()

    def exit_code(self, **_: object) -> None:
        """Let the last users finish, then give locust the process's exit code."""
        runner = self.environment.runner
        if runner is not None and self.run is not None:
            runner.stop()
            self.close()
        self.environment.process_exit_code = 1 if self._failed else 0


@events.init_command_line_parser.add_listener
def _options(parser: LocustArgumentParser) -> None:
    if asks_for_several_processes(sys.argv[1:], os.environ):
        _refuse_several()  # before locust forks: a child would wait long for its parent
    add_options(parser)


@events.init.add_listener
def _prepare(environment: Environment, **_: object) -> None:
    if not isinstance(environment.runner, LocalRunner):
        _refuse_several()
    options = environment.parsed_options
    if options is not None:
        try:
            Run(options, host=environment.host or RecordsUser.host)
        except ValueError as error:
            sys.stderr.write(f"{error}\n")
            sys.exit(2)
    add_metrics(environment, port=int(options.metrics_port) if options is not None else 0)
    environment.stop_timeout = environment.stop_timeout or STOP_TIMEOUT_S
    # every status is judged by loadtest.answers, none by the client
    LocustUserAgent.valid_response_codes = frozenset(range(100, 600))
    load = RecordsUser.load = LoadTest(environment)
    environment.events.test_start.add_listener(load.begin)
    environment.events.test_stop.add_listener(load.close)
    environment.events.quitting.add_listener(load.exit_code)


def _refuse_several() -> NoReturn:
    sys.stderr.write(
        "This load test is one process; use --part 1/2 and --part 2/2 in two, without "
        "--processes, --master or --worker.\n"
    )
    sys.exit(2)
