"""What the cases of one round share: the loads that they send, and the peak that rates follow."""

from dataclasses import dataclass, field

import msgspec

from bench import recovery
from bench.measured import Measured
from bench.measuring import Expected, Measuring
from bench.orders import Calm
from bench.system import System, UnfitError

FEW, MANY = 64, 256
"""Connections of a closed loop."""
_HTTP, _AMID = "bench.generator", "bench.calm"
_TRIES = 3
"""To measure a peak that other programs don't disturb."""


@dataclass
class Bench:
    """What the cases of one round share."""

    measuring: Measuring
    round: int
    peaks: dict[int, float] = field(default_factory=dict)
    """Saturation in records a second, by connections, as this round measured it."""

    @property
    def system(self) -> System:
        """The running system."""
        return self.measuring.system

    def through_the_arms(
        self,
        case: str,
        connections: int,
        *,
        refusal: str = "",
        module: str = _HTTP,
        **more: object,
    ) -> Measured:
        """Send records through the gateway, by the weights in force."""
        arms = list(self.system.arms)
        expected = Expected([f"201 {arm}" for arm in arms], arms, refusal, whole=True)
        order = self.measuring.order(connections, **more)
        return self.measuring.run(case, self.round, order, expected, module)

    def answered_elsewhere(self, case: str, answer: str, arm: str = "", **more: object) -> Measured:
        """Send records through the gateway to what isn't an arm."""
        expected = Expected([answer], [arm] if arm else [], whole=bool(arm))
        order = self.measuring.order(FEW, **more)
        return self.measuring.run(case, self.round, order, expected, _HTTP)

    def without_http(self, case: str, module: str, arm: str, size: int) -> Measured:
        """Write records without a gateway and without the arms."""
        order = self.measuring.order(size)
        expected = Expected([f"201 {arm}"], [arm])
        return self.measuring.run(case, self.round, order, expected, module)

    def above_saturation(
        self, case: str, connections: int, *, times: float | None = None, **more: object
    ) -> Measured:
        """Send more than can be stored, with a calm load before and after it.

        The peak is measured right before and right after: a machine that others share is quick
        in one minute and slow in the next.

        Args:
            case: its name.
            connections: how many.
            times: the rate, as a multiple of the peak; None: a closed loop.
            more: for the order.

        """
        before = self.saturation(MANY)
        if times is not None:
            more["rate"] = round(times * before.per_second)
        calm = Calm(
            round(before.per_second * 0.1), FEW, recovery.CALM_S, recovery.AFTER_S, recovery.SLICE_S
        )
        measured = self.through_the_arms(
            case, connections, module=_AMID, refusal="503 later", calm=calm, **more
        )
        overload = measured.overload
        if overload is None:
            return measured
        after = self.saturation(MANY)
        peak = (before.per_second + after.per_second) / 2
        return msgspec.structs.replace(
            measured,
            overload=msgspec.structs.replace(overload, peak=peak),
            others=max(each.others for each in (before, measured, after)),
            void=[*measured.void, *(f"its peak: {why}" for why in (*before.void, *after.void))],
        )

    def peak(self, connections: int = FEW) -> float:
        """Give the saturation at so many connections; measures it if no case has.

        Raises:
            UnfitError: it can't be measured.

        """
        tries, why = 0, ""
        while connections not in self.peaks:
            if tries == _TRIES:
                raise UnfitError(f"the peak that rates follow doesn't count: {why}")
            why = self.keep_peak(connections, self.saturation(connections))
            tries += 1
        return self.peaks[connections]

    def keep_peak(self, connections: int, measured: Measured) -> str:
        """Let rates follow a peak that counts; else say why it doesn't."""
        if measured.void or measured.disturbed:
            return "; ".join([*measured.void, f"others used {measured.others:.0%}"])
        self.peaks[connections] = measured.per_second
        return ""

    def saturation(self, connections: int) -> Measured:
        """Measure how many records a second a closed loop has stored."""
        return self.through_the_arms("peak", connections)
