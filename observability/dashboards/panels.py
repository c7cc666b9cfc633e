"""Panels as every dashboard has them: made of named queries, with the unit and words of those."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    prometheus,
    stat,
    table,
    text,
    timeseries,
)
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    DataSourceRef,
    LegendDisplayMode,
    LegendPlacement,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.text import TextMode

from observability.queries import QUERIES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from observability.query import Query

PROMETHEUS: Final = DataSourceRef(type_val="prometheus", uid="prometheus")
RATE: Final = "$__rate_interval"
"""Grafana's own choice: at least four scrapes, and what a point on the screen stands for."""

UNITS: Final = {
    "s": "s",
    "ratio": "percentunit",
    "bytes": "bytes",
    "boolean": "bool_yes_no",
    "requests/s": "reqps",
    "records": "short",
    "requests": "short",
    "e-value": "short",
    "changes": "short",
}
"""A query's unit in Grafana's words; one that isn't here is written behind the number as it is."""

Panel = timeseries.Panel | stat.Panel | table.Panel | text.Panel
P = TypeVar("P", timeseries.Panel, stat.Panel, table.Panel)


@dataclass(frozen=True, slots=True)
class Ask:
    """A named query as a panel asks it.

    ``legend`` names its series, with labels as ``{{arm}}``. ``only`` is a label that a variable of
    the dashboard, of the same name, gives the value of.
    """

    name: str
    legend: str
    window: str = RATE
    exemplars: bool = False
    only: str = ""

    @property
    def query(self) -> Query:
        """The query itself; KeyError where none has that name."""
        return QUERIES[self.name]

    @property
    def promql(self) -> str:
        """The PromQL, with Grafana's variables in it."""
        if self.only:
            return self.query.only(self.only, f"${self.only}", self.window)
        return self.query.over(self.window)

    def target(self, number: int) -> prometheus.Dataquery:
        """Return it as Grafana's panels have it."""
        return (
            prometheus.Dataquery()
            .datasource(PROMETHEUS)
            .ref_id(chr(ord("A") + number))
            .expr(self.promql)
            .legend_format(self.legend)
            .exemplar(self.exemplars)
        )


def lines(title: str, *asks: Ask, hint: str = "") -> timeseries.Panel:
    """Return lines over time; series keep their colour wherever their name comes up."""
    panel = (
        timeseries.Panel()
        .fill_opacity(8)
        .line_width(2)
        .show_points(VisibilityMode.NEVER)
        .axis_soft_min(0)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
    )
    for number, ask in enumerate(asks):
        panel.with_target(ask.target(number).range())
    return _described(panel, title, asks, hint)


def band(title: str, middle: Iterable[Ask], low: Ask, high: Ask, hint: str = "") -> Panel:
    """Return lines and the space between two of them; of one arm, so ``$arm`` repeats it."""
    panel = lines(title, *middle, low, high, hint=hint)
    thin = [_set("custom.lineWidth", 1), _set("color", {"mode": "fixed", "fixedColor": "text"})]
    panel.override_by_name(low.legend, [*thin, _set("custom.fillOpacity", 0)])
    filled = [_set("custom.fillBelowTo", low.legend), _set("custom.fillOpacity", 12)]
    panel.override_by_name(high.legend, [*thin, *filled])
    return panel.repeat("arm").repeat_direction("h").max_per_row(2)


def figure(title: str, *asks: Ask, hint: str = "", names: bool = False) -> stat.Panel:
    """Return numbers as of now; with ``names`` the names of the series instead."""
    panel = (
        stat.Panel()
        .graph_mode(BigValueGraphMode.NONE)
        .color_mode(BigValueColorMode.NONE)
        .text_mode(BigValueTextMode.NAME if names else BigValueTextMode.AUTO)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    for number, ask in enumerate(asks):
        panel.with_target(ask.target(number).instant())
    return _described(panel, title, asks, hint)


def compared(title: str, label: str, *asks: Ask, hint: str = "") -> table.Panel:
    """Return a table with a row for each value of a label and a column for each query."""
    panel = table.Panel()
    names = {label: label}
    for number, ask in enumerate(asks):
        panel.with_target(ask.target(number).instant().format(PromQueryFormat.TABLE))
        names[f"Value #{chr(ord('A') + number)}"] = ask.legend
    order = {name: place for place, name in enumerate(names)}
    tidy = {"excludeByName": {"Time": True}, "renameByName": names, "indexByName": order}
    panel.with_transformation(DataTransformerConfig(id_val="merge", options={}))
    panel.with_transformation(DataTransformerConfig(id_val="organize", options=tidy))
    return _described(panel, title, asks, hint)


def page(title: str, markdown: str, description: str) -> text.Panel:
    """Return words to read."""
    panel = text.Panel().title(title).description(description).content(markdown).id(_number(title))
    return panel.mode(TextMode.MARKDOWN).transparent(True)


def _described(panel: P, title: str, asks: tuple[Ask, ...], hint: str) -> P:
    """Give a panel its title, and the unit and the questions of its queries."""
    words = "\n\n".join(dict.fromkeys([*(ask.query.answers for ask in asks), hint])).strip()
    units = {ask.query.unit for ask in asks}
    if len(units) != 1:
        raise ValueError(f"{title}: one unit expected, found {sorted(units)}")
    unit = units.pop()
    return (
        panel.title(title)
        .description(words)
        .unit(UNITS.get(unit, f"suffix: {unit}"))
        .datasource(PROMETHEUS)
        .id(_number(title))
    )


def _number(title: str) -> int:
    """Return a panel's id: the same as long as its title is, whatever comes before it."""
    return zlib.crc32(title.encode()) & 0x7FFFFFFF


def _set(key: str, value: object) -> DynamicConfigValue:
    return DynamicConfigValue(id_val=key, value=value)
