"""Rank intervals: how firm the order of a table's arms is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from anlage.errors import ConfigError, DataError
from anlage.metrics import Rank, RankTable, Statistic
from anlage.metrics._arrays import Floats
from anlage.metrics._intervals import draw_runs
from anlage.metrics._resampling import Plan, resample, runs_of

__all__ = ["rank_intervals"]


def rank_intervals(
    arms: Mapping[str, Statistic | Sequence[Statistic]],
    *,
    seed: int | np.random.Generator,
    groups: npt.ArrayLike | None = None,
    strata: npt.ArrayLike | None = None,
    run_groups: npt.ArrayLike | None = None,
    num_replicates: int = 2000,
    level: float = 0.95,
) -> RankTable:
    """Rank all arms in every bootstrap replicate, on the same drawn patients.

    Args:
        arms: By name, the runs of each arm, prepared with one metric on identical cases.
        seed: Of the draws.
        groups: Patient of each case, (M,); None only if every case is another patient.
        strata: Class of each case, (M,), as in `cluster_bootstrap`.
        run_groups: Of each run of each arm, the group whose mean counts as one run.
        num_replicates: Bootstrap replicates, B.
        level: Nominal coverage of the intervals.

    Returns:
        Rank 1 is best. An arm that a replicate leaves undefined comes last in it.

    Raises:
        ShapeError: If runs, groups or strata do not fit.
        DataError: If an arm is undefined, the runs are not on identical cases, or there is
            one patient only.
        ConfigError: If there are fewer than two arms, no replicate, or no such level.

    Source:
        Wiesenfarth et al., Scientific Reports 11:2369 (2021), challengeR.
    """
    if len(arms) < 2:
        raise ConfigError(f"a ranking needs two arms or more, got {len(arms)}. Add a control.")
    runs = [runs_of(arm) for arm in arms.values()]
    rng = np.random.default_rng(seed)
    plan = Plan.of(runs[0][0].num_cases, groups, strata, num_replicates, level)
    resampled = resample(runs, plan, run_groups, rng)
    sign = 1.0 if runs[0][0].direction == "higher" else -1.0
    full = sign * np.array([[arm.full.mean() for arm in resampled]])
    undefined = [name for name, value in zip(arms, full[0], strict=True) if np.isnan(value)]
    if undefined:
        raise DataError(
            f"every arm needs a defined value to be ranked, got none for {', '.join(undefined)}. "
            "Leave it out of the ranking and say so."
        )
    drawn = sign * np.stack([draw_runs([arm], rng) for arm in resampled], axis=1)
    drawn = np.where(np.isnan(drawn), -np.inf, drawn)
    overall, ranks = _ranks(full)[0], _ranks(drawn)
    tail = (1 - level) / 2
    low = np.quantile(ranks, tail, axis=0, method="lower")
    high = np.quantile(ranks, 1 - tail, axis=0, method="higher")
    is_best = drawn == drawn.max(axis=1, keepdims=True)
    best = (is_best / is_best.sum(axis=1, keepdims=True)).mean(axis=0)
    table = {
        name: Rank(
            rank=float(overall[place]),
            low=float(low[place]),
            high=float(high[place]),
            probability_best=float(best[place]),
        )
        for place, name in enumerate(arms)
    }
    return RankTable(ranks=table, kendall_tau=_mean_tau(full, drawn), level=level)


def _ranks(values: Float[Floats, "R arms"]) -> Float[Floats, "R arms"]:
    """Rank each row, highest first, equal values at their mean rank."""
    better = (values[:, None, :] > values[:, :, None]).sum(axis=2)
    equal = (values[:, None, :] == values[:, :, None]).sum(axis=2)
    ranks: Float[Floats, "R arms"] = better + (equal + 1) / 2
    return ranks


def _mean_tau(full: Float[Floats, "1 arms"], drawn: Float[Floats, "R arms"]) -> float:
    """Return the mean Kendall tau-b; 0 for a row without any order."""
    first, second = np.triu_indices(full.shape[1], k=1)
    order = np.sign(full[:, first] - full[:, second])
    orders = (drawn[:, first] > drawn[:, second]) * 1.0 - (drawn[:, first] < drawn[:, second])
    agreement = (order * orders).sum(axis=1)
    norm = np.sqrt((order**2).sum() * (orders**2).sum(axis=1))
    return float(np.mean(agreement / np.maximum(norm, 1.0)))
