"""What the statistics return: an estimate with its interval, a difference, ranks, a null."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from anlage.metrics._arrays import Floats
from anlage.metrics._statistic import Direction

__all__ = ["CalibrationNull", "Difference", "Estimate", "Rank", "RankTable"]

_MIN_PATIENTS = 50
_MIN_RARE = 20
_MIN_RUNS = 3


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A value with its interval, and everything that limits what it may be used for.

    Attributes:
        value: Mean over runs of the metric on all cases; None where it is undefined.
        low: Lower end of the interval; None where it is undefined.
        high: Upper end of the interval; None where it is undefined.
        level: Nominal coverage of the interval, such as 0.95.
        reason: Why the value is undefined; empty where it is not.
        replicates: Bootstrap distribution, (R,), NaN where a resample left it undefined.
        num_cases: Cases, M.
        num_patients: Groups that were resampled.
        num_rare: Patients of the rarest class present; None where there are no classes.
        num_runs: Runs (or groups of runs) that were resampled; of the arm with fewer.
        num_failed: Failed cases, added up over runs; each counted as the worst value.
        run_std: Standard deviation of the value between runs; None for a single run.
    """

    value: float | None
    low: float | None
    high: float | None
    level: float
    reason: str = ""
    replicates: Float[Floats, " R"] = field(repr=False)
    num_cases: int
    num_patients: int
    num_rare: int | None
    num_runs: int
    num_failed: int
    run_std: float | None

    @property
    def is_small(self) -> bool:
        """Whether there are fewer than 50 patients, or than 20 of the rarest class."""
        is_rare = self.num_rare is not None and self.num_rare < _MIN_RARE
        return self.num_patients < _MIN_PATIENTS or is_rare

    @property
    def is_degenerate(self) -> bool:
        """Whether all resamples agree, as at a perfect score: the interval says nothing then."""
        defined = self.replicates[~np.isnan(self.replicates)]
        return len(defined) > 0 and float(np.ptp(defined)) == 0.0

    @property
    def num_undefined(self) -> int:
        """Resamples in which the metric was undefined; they are left out of the interval."""
        return int(np.isnan(self.replicates).sum())

    @property
    def is_claimable(self) -> bool:
        """Whether a claim may rest on this interval."""
        return self.value is not None and not (self.is_small or self.is_degenerate)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to print beside the interval, one sentence each."""
        found = []
        if self.num_patients < _MIN_PATIENTS:
            found.append(
                f"Only {self.num_patients} patients, fewer than {_MIN_PATIENTS}: no claim allowed."
            )
        if self.num_rare is not None and self.num_rare < _MIN_RARE:
            found.append(
                f"Only {self.num_rare} patients of the rarest class, fewer than {_MIN_RARE}: "
                "no claim allowed."
            )
        if self.num_runs < _MIN_RUNS:
            found.append(
                f"Only {self.num_runs} run(s), fewer than {_MIN_RUNS}: the spread between seeds "
                "is not known."
            )
        if self.is_degenerate:
            found.append("All resamples give the same value, so the interval says nothing.")
        if self.num_undefined:
            found.append(
                f"{self.num_undefined} of {len(self.replicates)} resamples lack a class and were "
                "left out of the interval."
            )
        if self.num_failed:
            found.append(f"{self.num_failed} failed cases count as the worst value.")
        return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """First arm minus second arm on identical cases.

    Attributes:
        delta: The difference with its interval.
        direction: Whether a higher or a lower metric is better.
        probability_better: Share of resamples in which the first arm is better, ties half.
        p_value: Two-sided, for "no difference"; adjust it for the table with `holm`.
    """

    delta: Estimate
    direction: Direction
    probability_better: float | None
    p_value: float | None


@dataclass(frozen=True, kw_only=True)
class Rank:
    """Place of one arm in a table, 1 is best.

    Attributes:
        rank: Rank by the values on all cases; equal values share their mean rank.
        low: Lower end of the bootstrap interval of the rank.
        high: Upper end of the interval.
        probability_best: Share of resamples in which it is best, ties shared.
    """

    rank: float
    low: float
    high: float
    probability_best: float


@dataclass(frozen=True, kw_only=True)
class RankTable:
    """Ranks of all arms, and how firm their order is.

    Attributes:
        ranks: By arm, in the order given.
        kendall_tau: Mean Kendall tau-b between the order in a resample and the order on all
            cases: 1 is the same order in every resample, 0 is no order at all.
        level: Nominal coverage of the intervals.
    """

    ranks: dict[str, Rank]
    kendall_tau: float
    level: float


@dataclass(frozen=True, kw_only=True)
class CalibrationNull:
    """A calibration error beside what chance alone would give.

    Attributes:
        observed: Expected calibration error of the model.
        mean: Mean error of a perfectly calibrated model with these probabilities.
        high: Error that such a model exceeds only rarely, by default in 5 % of samples.
        p_value: Share of simulated samples with an error as large as the observed one.
    """

    observed: float
    mean: float
    high: float
    p_value: float

    @property
    def is_flagged(self) -> bool:
        """Whether the error is more than chance explains."""
        return self.observed > self.high
