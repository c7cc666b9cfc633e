"""What Envoy itself says: the weights it has, and how often it has decided for each arm."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from meshsplit.split.observation import Counters
from meshsplit.split.weights import Split

DECISION_COUNTERS = (
    "upstream_rq_total",  # given to a connection
    "upstream_rq_pending_failure_eject",  # no connection could be made
    "upstream_rq_pending_overflow",  # too many were waiting
    "upstream_rq_active_overflow",  # too many were under way
    "upstream_rq_cancelled",  # the client left, or the time was up, before there was a connection
    "upstream_cx_none_healthy",  # no instance to send to
)
"""Counters of a cluster of which exactly one counts each try of a request."""

RETRIES = "upstream_rq_retry"
"""Tries that were not the first: they are no decisions of the weights."""

# Envoy counts answers once more under .internal or .external: those are not of another host.
_STAT = re.compile(
    r"^cluster\.outbound\|\d+\|\|([^|\n]+)(?<!\.internal)(?<!\.external)\.([a-z_0-9]+): (\d+)$",
    re.MULTILINE,
)
_RELOADS = re.compile(r"^http\..+\.rds\..+\.config_reload: (\d+)$", re.MULTILINE)
_UPTIME = re.compile(r"^server\.uptime: (\d+)$", re.MULTILINE)
_FILTER = (
    r"^(cluster\.outbound\|[0-9]+\|\|.*\.({})|http\..+\.rds\..+\.config_reload|server\.uptime)$"
).format("|".join((*DECISION_COUNTERS, RETRIES)))


class Proxy:
    """Envoy's admin interface, asked with a bound on every wait.

    Args:
        client: asks; its time-out is the bound.
        admin: the interface's address.
        host: what to call it where that isn't its address: a mesh routes by the name.

    Raises:
        httpx.HTTPError: from each method, if Envoy can't be asked.

    """

    def __init__(self, client: httpx.AsyncClient, admin: str, host: str | None = None) -> None:
        self._client = client
        self._admin = admin.rstrip("/")
        self._headers = None if host is None else {"host": host}

    async def applied(self, split: Split) -> dict[str, float] | None:
        """Return the percentage of each arm in force; None if Envoy has no such rule."""
        answer = await self._get("config_dump", {"resource": "dynamic_route_configs"})
        configs = [entry.get("route_config", {}) for entry in answer.json().get("configs", [])]
        return percent_in_routes(configs, split)

    async def counters(self, split: Split) -> Counters:
        """Return how often each arm was chosen, and since when."""
        answer = await self._get("stats", {"filter": _FILTER})
        return counters_in_stats(answer.text, split, datetime.now(UTC))

    async def failures(self, split: Split) -> dict[str, int]:
        """Return how many requests each arm has failed: answers of 5xx, Envoy's own among them."""
        name = r"^cluster\.outbound\|[0-9]+\|\|.*\.upstream_rq_5xx$"
        answer = await self._get("stats", {"filter": name})
        found: Counter[str] = Counter()
        for host, _, value in _STAT.findall(answer.text):
            if (arm := arm_of_host(host, split)) is not None:
                found[arm] += int(value)
        return {arm.name: found[arm.name] for arm in split.arms}

    async def _get(self, what: str, params: dict[str, str]) -> httpx.Response:
        address = f"{self._admin}/{what}"
        answer = await self._client.get(address, params=params, headers=self._headers)
        answer.raise_for_status()
        return answer


def counters_in_stats(text: str, split: Split, now: datetime) -> Counters:
    """Add up an arm's decision counters in Envoy's plain text of statistics."""
    found: Counter[str] = Counter()
    for host, counter, value in _STAT.findall(text):
        if (arm := arm_of_host(host, split)) is not None:
            found[arm] += int(value) if counter in DECISION_COUNTERS else -int(value)
    uptime = _UPTIME.search(text)
    reloads = [int(value) for value in _RELOADS.findall(text)]
    return Counters(
        {arm.name: found[arm.name] for arm in split.arms},
        None if uptime is None else now - timedelta(seconds=int(uptime[1])),
        sum(reloads) - len(reloads) + 1 if reloads else None,
    )


def percent_in_routes(
    configurations: Iterable[Mapping[str, Any]], split: Split
) -> dict[str, float] | None:
    """Return the percentages in Envoy's route configurations; None if the rule isn't there."""
    for configuration in configurations:
        for virtual_host in configuration.get("virtual_hosts", []):
            for route in virtual_host.get("routes", []):
                if _is_of(route, split):
                    return _percent(route.get("route", {}), split)
    return None


def arm_of_host(host: str, split: Split) -> str | None:
    """Return the arm whose Service a host is: by its short name, or its name in the cluster."""
    for arm in split.arms:
        if host == arm.host or host.startswith(f"{arm.host}."):
            return arm.name
    return None


def _is_of(route: Mapping[str, Any], split: Split) -> bool:
    origin = route.get("metadata", {}).get("filter_metadata", {}).get("istio", {})
    if not str(origin.get("config", "")).endswith(f"/virtual-service/{split.service}"):
        return False
    name = str(route.get("name", ""))
    return name == split.rule or name.startswith(f"{split.rule}.")


def _percent(action: Mapping[str, Any], split: Split) -> dict[str, float] | None:
    if "cluster" in action:
        clusters = [{"name": action["cluster"], "weight": 1}]
    else:
        clusters = action.get("weighted_clusters", {}).get("clusters", [])
    weights: Counter[str] = Counter()
    for cluster in clusters:
        arm = arm_of_host(str(cluster["name"]).rpartition("|")[2], split)
        if arm is None:
            return None
        weights[arm] += int(cluster.get("weight", 0))
    total = sum(weights.values())
    if not total:
        return None
    return {arm.name: 100 * weights[arm.name] / total for arm in split.arms}
