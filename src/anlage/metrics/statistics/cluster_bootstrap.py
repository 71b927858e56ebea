"""Cluster bootstrap: an interval that knows that cases share patients and runs share cases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from anlage.metrics import Estimate, Statistic
from anlage.metrics._intervals import estimate_of
from anlage.metrics._resampling import Plan, resample, runs_of

__all__ = ["cluster_bootstrap"]


def cluster_bootstrap(
    runs: Statistic | Sequence[Statistic],
    *,
    seed: int | np.random.Generator,
    groups: npt.ArrayLike | None = None,
    strata: npt.ArrayLike | None = None,
    run_groups: npt.ArrayLike | None = None,
    num_replicates: int = 2000,
    level: float = 0.95,
) -> Estimate:
    """Estimate a metric over runs, with an interval over patients and runs.

    Each replicate draws patients with replacement, all cases of a patient together and the
    same patients for every run, and draws runs with replacement. How replicates become an
    interval is told in ``_intervals.py``.

    Args:
        runs: One prepared metric per run (training seed), all on identical cases:
            ``[auroc_score.prepare(target, score) for score in scores]``.
        seed: Of the draws. Equal seeds and groups draw equal patients.
        groups: Patient of each case, (M,); None only if every case is another patient.
        strata: Class of each case, (M,): each class keeps its number of patients in every
            replicate. A patient with several classes counts for the rarest.
        run_groups: Of each run, what it shares with others, such as its pretraining seed; the
            mean of a group then counts as one run.
        num_replicates: Bootstrap replicates, B.
        level: Nominal coverage of the interval.

    Returns:
        Mean over runs and its interval. Undefined if any run is.

    Raises:
        ShapeError: If runs, groups or strata do not fit.
        DataError: If the runs are not on identical cases, or there is one patient only.
        ConfigError: If there is no replicate, or the level is not between 0 and 1.

    Example:
        >>> from anlage.metrics.segmentation.dice import dice_score
        >>> from anlage.metrics.statistics.case_mean import case_mean
        >>> dice = case_mean([0.8, 0.9, 0.7, 0.85], metric=dice_score)
        >>> estimate = cluster_bootstrap(dice, groups=["a", "a", "b", "c"], seed=0)
        >>> estimate.num_patients, estimate.is_claimable
        (3, False)
    """
    arm = runs_of(runs)
    rng = np.random.default_rng(seed)
    plan = Plan.of(arm[0].num_cases, groups, strata, num_replicates, level)
    terms = resample([arm], plan, run_groups, rng)
    return estimate_of(terms, [arm], plan, rng, is_difference=False)
