"""Paired difference: is one arm better than the other on the very same patients?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from anlage.errors import ShapeError
from anlage.metrics import Difference, Statistic
from anlage.metrics._intervals import estimate_of, two_sided_p_value
from anlage.metrics._resampling import Plan, resample, runs_of

__all__ = ["paired_difference"]


def paired_difference(
    first: Statistic | Sequence[Statistic],
    second: Statistic | Sequence[Statistic],
    *,
    seed: int | np.random.Generator,
    groups: npt.ArrayLike | None = None,
    strata: npt.ArrayLike | None = None,
    run_groups: npt.ArrayLike | None = None,
    are_runs_paired: bool = True,
    num_replicates: int = 2000,
    num_permutations: int = 10_000,
    level: float = 0.95,
) -> Difference:
    """Estimate first minus second on identical cases, with an interval and a p-value.

    Every replicate draws the same patients for both arms. The p-value flips, patient by
    patient, which arm is which, and is never below what the interval says: where it is 0.05
    or less, the 95 % interval excludes 0. Adjust the p-values of a table with `holm`.

    Args:
        first: Runs of the first arm, prepared with one metric.
        second: Runs of the second arm, prepared with the same metric on the same cases.
        seed: Of draws and flips.
        groups: Patient of each case, (M,); None only if every case is another patient.
        strata: Class of each case, (M,), as in `cluster_bootstrap`.
        run_groups: Of each run of each arm, the group whose mean counts as one run.
        are_runs_paired: Whether run i of both arms shares its seed; runs are then drawn in
            pairs. False draws the runs of each arm on their own.
        num_replicates: Bootstrap replicates, B.
        num_permutations: Random sign vectors of the test.
        level: Nominal coverage of the interval.

    Returns:
        The difference; undefined if any run of either arm is.

    Raises:
        ShapeError: If runs, groups or strata do not fit, or paired arms differ in runs.
        DataError: If the runs are not on identical cases, or there is one patient only.
        ConfigError: If there is no replicate, or the level is not between 0 and 1.
    """
    arms = [runs_of(first), runs_of(second)]
    if are_runs_paired and len(arms[0]) != len(arms[1]):
        raise ShapeError(
            f"paired arms must have one run per shared seed, got {len(arms[0])} and "
            f"{len(arms[1])} runs. Pass are_runs_paired=False if the seeds are not shared."
        )
    rng = np.random.default_rng(seed)
    plan = Plan.of(arms[0][0].num_cases, groups, strata, num_replicates, level)
    ours, theirs = resample(arms, plan, run_groups, rng)
    terms = [ours - theirs] if are_runs_paired else [ours, -theirs]
    delta = estimate_of(terms, arms, plan, rng, is_difference=True)
    direction = arms[0][0].direction
    if delta.value is None:
        return Difference(delta=delta, direction=direction, probability_better=None, p_value=None)
    gain = delta.replicates[~np.isnan(delta.replicates)] * (1 if direction == "higher" else -1)
    return Difference(
        delta=delta,
        direction=direction,
        probability_better=float(np.mean((gain > 0) + 0.5 * (gain == 0))) if len(gain) else None,
        p_value=two_sided_p_value(delta, terms, num_permutations, rng),
    )
