"""The JSON of `GET /api/v1/split`: what was asked for, what is happening, whether they agree."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from pydantic import Field

from services.reporter.answers import Answer, Interval


class ArmAnswer(Answer):
    """One way a record can go, as the VirtualService names it."""

    name: str
    host: str
    color: str


class ConfigurationErrorAnswer(Answer):
    """Why the last configuration was refused; the one before it stays in force."""

    file: str
    path: str
    name: str
    message: str


class ObservedAnswer(Answer):
    """What happened since the last change of weights, from the gateway's own counters."""

    since: str = Field(description="ISO 8601, UTC")
    requests: int
    unit: str = Field("requests", description="what they are: requests, or users")
    counts: dict[str, int]
    shares: dict[str, float] = Field(description="0 to 1 each; all 0 without requests")


class VerdictAnswer(Answer):
    """Whether what was observed agrees with what was asked, however often one looks."""

    state: Literal["agrees", "disagrees", "insufficient"]
    confidence: float
    tolerance: float = Field(description="how far a share may be off and still agree")
    evidence: float = Field(description="e-value against the asked shares")
    intervals: dict[str, Interval] = Field(
        description="confidence sequence of each share: holds at every look at once"
    )
    one_look_intervals: dict[str, Interval] = Field(
        description="plain intervals, right only for one look that was planned beforehand"
    )
    needed: int = Field(description="about how many more requests a verdict takes")
    text: str


class SplitAnswer(Answer):
    """The split's truth, in percent where asked and in shares where observed."""

    arms: list[ArmAnswer]
    asked: dict[str, float] = Field(description="percent, from the files")
    configured: dict[str, float] = Field(description="percent, what the control plane holds")
    applied: dict[str, float] | None = Field(
        description="percent, what the gateway has; null if it cannot be asked"
    )
    configuration_error: ConfigurationErrorAnswer | None
    observed: ObservedAnswer
    verdict: VerdictAnswer


class GateAnswer(Answer):
    """The verdict for a program that decides by it, such as a rollout tool's web metric."""

    result: Literal["pass", "fail", "insufficient"]
    asked: dict[str, float] = Field(description="percent, from the files")
    observed: dict[str, float] = Field(description="percent; all 0 without requests")
    intervals: dict[str, Interval] = Field(
        description="percent: what each share may be, at every look at once"
    )
    requests: int
    since: str = Field(description="ISO 8601, UTC: the last change of weights")
    needed: int = Field(description="about how many more requests a result takes")
    evidence: float = Field(description="e-value against the asked shares")
    confidence: float
    tolerance: float = Field(description="how far a share may be off and still pass")
    text: str


RESULTS: Final[Mapping[str, Literal["pass", "fail", "insufficient"]]] = MappingProxyType(
    {"agrees": "pass", "disagrees": "fail", "insufficient": "insufficient"}
)


def gate(answer: SplitAnswer) -> GateAnswer:
    """Say in one word what a split's answer comes to, with the numbers it rests on."""
    verdict, observed = answer.verdict, answer.observed
    return GateAnswer(
        result=RESULTS[verdict.state],
        asked=answer.asked,
        observed={name: 100 * share for name, share in observed.shares.items()},
        intervals={n: (100 * low, 100 * high) for n, (low, high) in verdict.intervals.items()},
        requests=observed.requests,
        since=observed.since,
        needed=verdict.needed,
        evidence=verdict.evidence,
        confidence=verdict.confidence,
        tolerance=verdict.tolerance,
        text=verdict.text,
    )
