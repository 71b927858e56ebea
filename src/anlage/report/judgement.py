"""The rule by which a study claims anything: one place, for the command line and the page."""

from __future__ import annotations

import math
from typing import Literal, Protocol

__all__ = ["ALPHA", "FEWEST_RUNS", "LADDER", "Compared", "Judgement", "judge"]

Judgement = Literal[
    "helps", "harms", "no evidence", "too few patients", "too few runs", "unfinished", "failed"
]

ALPHA = 0.05
FEWEST_RUNS = 3
LADDER = ("finetune", "frozen", "linear", "knn")  # dear before cheap: verdicts use the first


class Compared(Protocol):
    """A paired difference between two arms, above zero where the first is better."""

    @property
    def delta(self) -> float | None:
        """First minus second."""

    @property
    def low(self) -> float | None:
        """Lower end of its 95 % interval."""

    @property
    def high(self) -> float | None:
        """Upper end of its 95 % interval."""

    @property
    def p_adjusted(self) -> float | None:
        """Two-sided p-value, by Holm over the whole study."""

    @property
    def is_claimable(self) -> bool:
        """Whether there are enough patients for a claim."""

    @property
    def failed(self) -> int:
        """Runs of both arms that failed."""

    @property
    def runs(self) -> int | None:
        """Runs of each arm; None where that was not written down."""

    @property
    def missing(self) -> int:
        """Planned runs of both arms that are not done yet."""


def judge(found: Compared) -> Judgement:
    """Return what one comparison allows to say.

    "Helps" and "harms" need the interval to exclude zero, an adjusted p-value below 0.05, enough
    patients, at least three runs of each arm, and that all planned runs are done. A difference
    that is no number, or that failed runs are part of, has failed: a crash says nothing about
    pretraining.
    """
    if found.failed or not all(_is_number(value) for value in (found.delta, found.low, found.high)):
        return "failed"
    assert found.low is not None, "checked above"
    assert found.high is not None, "checked above"
    is_sure = found.p_adjusted is not None and found.p_adjusted < ALPHA
    lacks = _lacks(found)
    if lacks is None and is_sure and found.low > 0:
        return "helps"
    if lacks is None and is_sure and found.high < 0:
        return "harms"
    return lacks or "no evidence"


def _lacks(found: Compared) -> Judgement | None:
    """Return what a comparison lacks for any claim, or None."""
    if found.missing:
        return "unfinished"
    if not found.is_claimable:
        return "too few patients"
    if found.runs is not None and found.runs < FEWEST_RUNS:
        return "too few runs"
    return None


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
