"""Names and numbers as a reader sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from anlage.metrics import Declaration
from anlage.plugins import available, load
from anlage.report._schema import Measure

__all__ = [
    "MINUS",
    "NONE",
    "MetricWords",
    "arm_name",
    "count",
    "duration",
    "interval",
    "joined",
    "metric_words",
    "p_text",
    "points",
    "rung_name",
    "several",
    "share",
    "spread",
]

MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"

_ARMS = {
    "scratch": "from scratch",
    "random_frozen": "random encoder",
    "imagenet": "ImageNet weights",
    "pixels": "raw pixels",
    "prior": "no image seen",
}
_RUNGS = {
    "finetune": "Fine-tuning",
    "frozen": "Frozen encoder, trained decoder",
    "linear": "Linear probe",
    "knn": "k-nearest neighbours",
    "prior": "Majority class or mean mask",
}


@dataclass(frozen=True, kw_only=True)
class MetricWords:
    """How one metric is written.

    Attributes:
        label: Its name.
        direction: Whether higher or lower is better; None for a metric we do not ship.
        unit: Such as "mm"; empty without one.
        bounds: Least and greatest value.
        failure: How a failed case counts.
    """

    label: str
    direction: Literal["higher", "lower"] | None = None
    unit: str = ""
    bounds: tuple[float, float] = (float("-inf"), float("inf"))
    failure: str = "a failed case counts as the worst value"

    @property
    def title(self) -> str:
        """The label as a heading, with unit and direction."""
        unit = f", {self.unit}" if self.unit else ""
        way = f" ({self.direction} is better)" if self.direction else ""
        return self.label[:1].upper() + self.label[1:] + unit + way

    def value(self, value: float | None) -> str:
        """Write a value."""
        if value is None:
            return "undefined"
        size = abs(value)
        text = f"{value:z.3f}" if size < 2 else f"{value:.2f}" if size < 10 else f"{value:.1f}"
        return text.replace("-", MINUS)

    def interval(self, measure: Measure) -> str:
        """Write an interval, or say that there is none."""
        return interval(self.value(measure.low), self.value(measure.high))


@cache
def metric_words(name: str) -> MetricWords:
    """Return how to write a metric; an unknown one goes by its own name."""
    found = load("metrics", name) if name in available("metrics") else None
    if not isinstance(found, Declaration):
        return MetricWords(label=name.replace("_", " "))
    return MetricWords(
        label=found.label,
        direction=found.direction,
        unit=found.unit,
        bounds=found.bounds,
        failure=found.failure,
    )


def arm_name(arm: str) -> str:
    """Name a control in words; a strategy keeps its own name."""
    return _ARMS.get(arm, arm)


def rung_name(rung: str) -> str:
    """Name a way of adaptation in words."""
    return _RUNGS.get(rung, rung)


def points(difference: float | None) -> str:
    """Write a difference in points, hundredths of the metric's unit."""
    if difference is None:
        return "undefined"
    return f"{100 * difference:+z.1f}".replace("-", MINUS)


def spread(low: float | None, high: float | None) -> str:
    """Write the interval of a difference in points."""
    return interval(points(low), points(high))


def interval(low: str, high: str) -> str:
    """Join two written ends."""
    return "[undefined]" if "undefined" in {low, high} else f"[{low}, {high}]"


def p_text(p_value: float | None) -> str:
    """Write a p-value."""
    if p_value is None:
        return "undefined"
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def share(value: float | None) -> str:
    """Write a share of resamples; never a bare 0 or 1, which no finite sample can show."""
    if value is None:
        return "undefined"
    return "> 0.999" if value > 0.999 else "< 0.001" if value < 0.001 else f"{value:.3f}"


def count(number: float) -> str:
    """Write a count, with a decimal only where a mean over draws needs one."""
    return f"{number:,.0f}" if abs(number - round(number)) < 0.05 else f"{number:,.1f}"


def several(number: int, one: str, many: str | None = None) -> str:
    """Write "1 run", "3 runs"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """Write a wall time in the unit that suits it."""
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def joined(parts: Sequence[str]) -> str:
    """Write "a", "a and b", "a, b and c"."""
    return ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else "".join(parts)
