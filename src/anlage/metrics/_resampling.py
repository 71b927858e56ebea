"""Every run of every arm under the same draws of patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from anlage.errors import ConfigError, DataError, ShapeError
from anlage.metrics._arrays import Floats
from anlage.metrics._patients import Patients, numbered
from anlage.metrics._statistic import Statistic, mean_of_defined

__all__ = ["Plan", "Resampled", "resample", "runs_of"]

_ROUNDING = 1e-13


@dataclass(frozen=True)
class Plan:
    """How often and from whom to draw; the same for all arms that are compared.

    Attributes:
        patients: Who is resampled.
        num_replicates: Bootstrap replicates, B.
        level: Nominal coverage of intervals.
    """

    patients: Patients
    num_replicates: int
    level: float

    @classmethod
    def of(
        cls,
        num_cases: int,
        groups: npt.ArrayLike | None,
        strata: npt.ArrayLike | None,
        num_replicates: int,
        level: float,
    ) -> Plan:
        """Check the numbers and sort the patients.

        Raises:
            ShapeError: If there is not one group and stratum per case.
            ConfigError: If there is no replicate, or the level is not between 0 and 1.
            DataError: If there is only one patient.
        """
        if num_replicates < 1 or not 0 < level < 1:
            raise ConfigError(
                f"num_replicates must be 1 or more and level between 0 and 1, got "
                f"{num_replicates} and {level}. The usual values are 2000 and 0.95."
            )
        patients = Patients.of(num_cases, groups, strata)
        if patients.count < 2:
            raise DataError(
                "resampling needs two patients or more, got one. Check that groups names a "
                "patient per case."
            )
        return cls(patients, num_replicates, level)


@dataclass(frozen=True)
class Resampled:
    """One arm, or the difference of two paired arms, under all draws of patients.

    Attributes:
        full: Value of each run on all cases, (runs,).
        replicates: (B, runs), NaN where a draw leaves a run undefined.
        left_out: Value of each run without each patient or block, (J, runs).
    """

    full: Float[Floats, " runs"]
    replicates: Float[Floats, "B runs"]
    left_out: Float[Floats, "J runs"]

    def __sub__(self, other: Resampled) -> Resampled:
        return Resampled(
            _difference(self.full, other.full),
            _difference(self.replicates, other.replicates),
            _difference(self.left_out, other.left_out),
        )

    def __neg__(self) -> Resampled:
        return Resampled(-self.full, -self.replicates, -self.left_out)


def runs_of(arm: Statistic | Sequence[Statistic]) -> list[Statistic]:
    """Return the runs of an arm, one of which may be given alone.

    Raises:
        ShapeError: If there is none.
    """
    runs = [arm] if isinstance(arm, Statistic) else list(arm)
    if not runs:
        raise ShapeError("every arm needs a run, got an arm with none. Prepare one per seed.")
    return runs


def resample(
    arms: Sequence[Sequence[Statistic]],
    plan: Plan,
    run_groups: npt.ArrayLike | None,
    rng: np.random.Generator,
) -> list[Resampled]:
    """Evaluate every run of every arm under the same draws of patients.

    Args:
        arms: The runs of each arm, all on identical cases.
        plan: Draws.
        run_groups: Of each run of every arm, the group whose mean counts as one run.
        rng: Random numbers.

    Raises:
        ShapeError: If the runs are not on identical cases.
        DataError: If the runs differ in the classes of their cases.
    """
    runs = [run for arm in arms for run in arm]
    _check_identical(runs)
    of_case = plan.patients.of_case
    full = [run.parts(np.ones((1, run.num_cases))) for run in runs]
    draws = [
        [run.replicates(counts[:, of_case]) for run in runs]
        for counts in plan.patients.draws(plan.num_replicates, rng)
    ]
    without = [
        [
            _keep_parts(run.parts(kept[:, of_case]), parts)
            for run, parts in zip(runs, full, strict=True)
        ]
        for kept in plan.patients.left_out(rng)
    ]
    replicates = np.concatenate(draws, axis=1).T  # (B, runs of all arms)
    left_out = np.concatenate(without, axis=1).T
    values = np.stack([mean_of_defined(parts)[0] for parts in full])
    ends = np.cumsum([len(arm) for arm in arms])
    return [
        Resampled(
            _by_group(values[None, start:end], run_groups)[0],
            _by_group(replicates[:, start:end], run_groups),
            _by_group(left_out[:, start:end], run_groups),
        )
        for start, end in zip([0, *ends[:-1]], ends, strict=True)
    ]


def _difference(first: Float[Floats, "*A"], second: Float[Floats, "*A"]) -> Float[Floats, "*A"]:
    """Subtract, but call a difference that rounding can explain no difference."""
    gap = first - second
    return np.where(np.abs(gap) <= _ROUNDING * np.abs(first), 0.0, gap)


def _keep_parts(parts: Float[Floats, "J K"], full: Float[Floats, "1 K"]) -> Float[Floats, " J"]:
    """Average the parts of the full sample; one that a block alone defines stays as it was."""
    kept = np.where(np.isnan(parts), full, parts)
    return mean_of_defined(np.where(np.isnan(full), np.nan, kept))


def _by_group(
    values: Float[Floats, "R runs"], groups: npt.ArrayLike | None
) -> Float[Floats, "R g"]:
    if groups is None:
        return values
    number = numbered(groups, "run_groups", values.shape[1])
    return np.stack(
        [values[:, number == group].mean(axis=1) for group in range(int(number.max()) + 1)], axis=1
    )


def _check_identical(runs: Sequence[Statistic]) -> None:
    counts = {run.num_cases for run in runs}
    if len(counts) != 1:
        raise ShapeError(
            f"all runs of all arms must be on identical cases, got runs of {sorted(counts)} cases. "
            "Keep failed cases in, as NaN."
        )
    if len({run.direction for run in runs}) != 1:
        raise ConfigError(
            "all runs must be scored by one metric, got some where higher is better and some "
            "where lower is. Prepare them with the same metric."
        )
    held = [run.classes for run in runs if run.classes is not None]
    is_same = not held or all(np.array_equal(held[0], other) for other in held)
    if not is_same or len(held) not in (0, len(runs)):
        raise DataError(
            "all runs must be on identical cases in one order, got runs whose targets differ. "
            "Sort every run by its case ids first."
        )
