"""What a person reads: the last screen of `up`, and the table of `status`."""

import sys
import time

from meshsplit.local.grafana import HOW_TO_GET_IT, NONE
from meshsplit.local.readiness import amiss
from meshsplit.local.run import Run

GRAFANA = "grafana"


def welcome(run: Run, seconds: float) -> str:
    """Return the addresses and what to try next."""
    ports = run.settings.ports
    gateway = run.settings.gateway
    return f"""
Everything runs ({seconds:.0f} s).

  Dashboard        http://{gateway}/dashboard/
  API docs         http://{gateway}/api/v1/docs
  Records          http://{gateway}/             POST one record here
  locust           http://127.0.0.1:{ports["locust"]}/
  Prometheus       http://127.0.0.1:{ports["prometheus"]}/
{_grafana(run)}  Envoy's admin    http://127.0.0.1:{ports["envoy_admin"]}/

Try next:
  make load                                     send records for a while, and watch the dashboard
  . .venv/bin/activate                          then the command is called meshsplit:
  meshsplit split set fastapi=90 grpc=10        move the traffic
  meshsplit split show                          asked for, applied, observed
  make trace                                    where the time goes, request by request
  make status | make logs | make down           {run.here.logs}
{_missing(run)}"""


def _grafana(run: Run) -> str:
    port = run.settings.ports.get("grafana")
    return f"  Grafana          http://127.0.0.1:{port}/\n" if GRAFANA in _names(run) else ""


def _missing(run: Run) -> str:
    wanted = GRAFANA not in _names(run) and run.settings.grafana != NONE
    return f"\n{HOW_TO_GET_IT}\n" if wanted else ""


def _names(run: Run) -> set[str]:
    return {service.name for service in run.services}


def status(run: Run) -> tuple[str, bool]:
    """Return a table of the services, and whether all of them are ready."""
    known = run.supervisor.processes()
    rows = []
    good = True
    for service in run.services:
        if service.once:
            continue
        process = known.get(service.name)
        state = process.state.lower() if process else "not running"
        pid, age = "", ""
        if process and process.pid:
            pid, age = str(process.pid), _age(time.time() - process.since)
        trouble = None
        if state in {"running", "starting"}:
            trouble = amiss(service.ready, run.passwords)
        ready = state in {"running", "starting"} and trouble is None
        good = good and ready
        numbers = " ".join(str(run.settings.ports[port]) for port in service.ports)
        shown = "ready" if ready else state if trouble is None else f"running, not ready: {trouble}"
        rows.append(f"  {service.name:<11} {pid:>8} {age:>7}  {numbers:<11} {shown}")
    head = f"  {'service':<11} {'pid':>8} {'since':>7}  {'ports':<11} state"
    return "\n".join([head, *rows]), good


def say(text: str) -> None:
    """Print one progress line at once."""
    print(f"  {text}", flush=True)


def complain(text: str) -> None:
    """Print what went wrong, after whatever was said before."""
    sys.stdout.flush()
    print(f"\n{text}", file=sys.stderr, flush=True)


MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400


def _age(seconds: float) -> str:
    if seconds < MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < HOUR_S:
        return f"{seconds / MINUTE_S:.0f} min"
    return f"{seconds / HOUR_S:.0f} h" if seconds < DAY_S else f"{seconds / DAY_S:.0f} d"
