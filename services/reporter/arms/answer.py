"""The JSON of `GET /api/v1/split/arms`: the arms side by side, and what may be concluded."""

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from services.reporter.answers import Answer
from services.reporter.split.answer import ArmAnswer

Bounds = Annotated[
    tuple[float | None, float | None],
    WithJsonSchema(  # as of an Interval
        {"type": "array", "items": {"type": ["number", "null"]}, "minItems": 2, "maxItems": 2}
    ),
]
"""From where to where; null where it has no end."""


class SourceAnswer(Answer):
    """Where the numbers come from, and whether that could be asked."""

    available: bool
    detail: str = Field(description="why not; empty if it could")
    read_until: str | None = Field(description="ISO 8601, UTC: the last moment that is known")


class ReadingAnswer(Answer):
    """One arm's value of a measure."""

    estimate: float | None = Field(description="null while nothing is known")
    interval: Bounds = Field(description="holds at every look at once; null where it has no end")
    of: int = Field(description="requests it rests on; for cpu, windows of at least 10 s")


class DifferenceAnswer(Answer):
    """How two arms differ."""

    first: str
    second: str
    interval: Bounds = Field(description="of the first's value less the second's")
    state: Literal["differs", "alike", "open"]


class MeasureAnswer(Answer):
    """All arms in one measure."""

    name: Literal["errors", "p50", "p99", "cpu"]
    unit: Literal["ratio", "seconds"]
    margin: str = Field(description="the difference that is too small to matter, in words")
    arms: dict[str, ReadingAnswer]
    differences: list[DifferenceAnswer]
    needed: int | None = Field(
        description="about how many more requests decide what is open; null if not foreseeable"
    )


class ArmsAnswer(Answer):
    """The arms compared, since the last change of weights."""

    arms: list[ArmAnswer]
    since: str = Field(description="ISO 8601, UTC: the moment from which is counted")
    requests: int = Field(description="how many are compared")
    confidence: float = Field(
        description="with which all intervals, and all that is said of differences, hold at once"
    )
    source: SourceAnswer
    measures: list[MeasureAnswer]
    needed: int = Field(description="about how many more requests decide all that can be foreseen")
    text: str
