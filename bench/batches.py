"""How large the batches were: what a record costs depends on it more than on anything else."""

import urllib.request
from collections.abc import Iterable, Mapping
from urllib.error import HTTPError

from prometheus_client.parser import text_string_to_metric_families

from bench.system import System

_METRIC = "meshsplit_batch_records"

Batches = Mapping[str, tuple[float, float]]
"""Batches and the records in them, since its start, by service."""


def batches(system: System, services: Iterable[str]) -> Batches:
    """Ask services how many batches they have stored so far; what has no such metric is left out.

    Raises:
        OSError: one doesn't answer.

    """
    return {name: found for name in services if (found := _ask(system.url(name)))}


def records_each(before: Batches, after: Batches) -> dict[str, float]:
    """Give the mean of records in a batch between two askings, by service."""
    means = {}
    for name, (count, records) in after.items():
        earlier, earlier_records = before.get(name, (0.0, 0.0))
        if count > earlier:
            means[name] = (records - earlier_records) / (count - earlier)
    return means


def _ask(url: str) -> tuple[float, float] | None:
    try:
        with urllib.request.urlopen(f"{url}/metrics", timeout=5) as answer:  # noqa: S310  # loopback
            text = answer.read().decode()
    except HTTPError:  # another program in a service's place
        return None
    for family in text_string_to_metric_families(text):
        if family.name == _METRIC:
            values = {sample.name: sample.value for sample in family.samples}
            return values[f"{_METRIC}_count"], values[f"{_METRIC}_sum"]
    return None
