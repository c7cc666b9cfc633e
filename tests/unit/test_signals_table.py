"""The table of signals against the documents: nothing that they name is without a row."""

import re
from pathlib import Path

from tests.signals import TABLE

OPERATIONS = (Path(__file__).parents[2] / "docs/operations.md").read_text()


def test_every_documented_metric_is_in_a_row() -> None:
    documented = set(re.findall(r"^\| `(meshsplit_[a-z_]+)` \|", OPERATIONS, re.MULTILINE))
    named = {name for row in TABLE for name in row.metrics if name.startswith("meshsplit_")}
    assert named == documented


def test_every_service_of_the_documented_spans_has_a_row_with_spans() -> None:
    section = OPERATIONS.partition("\n## Traces\n")[2].partition("\n## ")[0]
    told = re.findall(r"^\| ([a-z, ]+) \| .*`", section, re.MULTILINE)
    services = {name for names in told for name in names.split(", ")}
    assert services <= {row.service for row in TABLE if row.spans}
    assert "recorder" in services


def test_every_edge_leads_to_a_span_of_a_row() -> None:
    there = {f"{row.service}: {name}" for row in TABLE for name in (*row.spans, *row.parents)}
    for row in TABLE:
        for target in (*row.parents.values(), *row.links.values()):
            assert target in there
