"""How much one arm is better than another on lesions of every size, and whether size matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

from _corruption_cases import Place, Run
from anlage.errors import DataError
from anlage.metrics import Difference, Estimate, Statistic
from anlage.metrics.classification.auroc import auroc_score
from anlage.metrics.classification.balanced_accuracy import balanced_accuracy_score
from anlage.metrics.segmentation.dice import dice_score
from anlage.metrics.statistics.case_mean import case_mean
from anlage.metrics.statistics.paired_difference import paired_difference

__all__ = ["ALL", "TREND", "Column", "Finding", "compare", "level", "metric_of", "word"]

Rows = npt.NDArray[np.int64]

ALL, TREND = "all", "trend"
Column = str | int  # ALL, a bin's number, or TREND
_CLAIM_PATIENTS = 50  # in every bin that a claim is about
_RARE_PATIENTS = 20  # without a lesion
_ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A difference between two arms, above zero where the first is better.

    Attributes:
        value: The difference; None where there is none.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p_value: Two-sided, before any adjustment.
        patients: In the smallest bin that it is about.
        runs: Of each arm.
        why_not: Why no claim may rest on it; empty where one may.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    patients: int = 0
    runs: int = 0
    why_not: str = ""


@cache  # the page, its claims and its picture ask for the same
def compare(place: Place, first: str, second: str, column: Column) -> Finding:
    """Compare two arms on the same draws, seeds and cases.

    Args:
        place: The predictions.
        first: Arm from which is subtracted.
        second: Arm that is subtracted.
        column: All cases, the lesions of one bin, or the largest bin less the smallest.
    """
    shared = [run for run in place.arms.get(first, {}) if run in place.arms.get(second, {})]
    keep = _kept(place, column)
    patients = _patients(place, column)
    if not shared or not len(keep) or not patients:
        is_tried = {first, second} <= place.arms.keys()
        why = "no such lesions" if shared else "not finished" if is_tried else "not tried"
        return Finding(why_not=why)
    ours, theirs = (
        [_statistic(place, place.arms[arm][run], column) for run in shared]
        for arm in (first, second)
    )
    found = [
        paired_difference(
            ours,
            theirs,
            seed=place.seed,
            groups=place.groups[keep],
            strata=place.bins[keep],
            run_groups=grouping,
            num_replicates=place.replicates,
        )
        for grouping in _groupings(shared)
    ]
    widest = max(found, key=_width)
    delta = widest.delta
    return Finding(
        value=delta.value,
        low=delta.low,
        high=delta.high,
        p_value=widest.p_value,
        patients=patients,
        runs=len(shared),
        why_not=_why_not(place, shared, patients, delta),
    )


def level(place: Place, arm: str, column: Column) -> float | None:
    """Return the metric of an arm itself, mean over runs."""
    if not len(_kept(place, column)) or not _patients(place, column):
        return None
    values = [
        _statistic(place, cases, column).value().value for cases in place.arms.get(arm, {}).values()
    ]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def metric_of(place: Place) -> str:
    """Name what is compared."""
    if place.is_dense:
        return "Dice"
    return "AUROC" if _has_negatives(place) else "balanced accuracy"


def word(finding: Finding, p_adjusted: float | None) -> str:
    """Say what a finding shows of "the first arm is better", or "the trend is upward"."""
    if finding.why_not or p_adjusted is None or finding.low is None or finding.high is None:
        return finding.why_not or "undefined"
    if p_adjusted <= _ALPHA and finding.low > 0:
        return "shown"
    if p_adjusted <= _ALPHA and finding.high < 0:
        return "the opposite is shown"
    return "not shown"


def _statistic(place: Place, cases: pl.DataFrame, column: Column) -> Statistic:
    """Return the metric on the kept cases of a column."""
    if column != TREND:
        return _metric(place, cases, _kept(place, column))
    kept = _kept(place, TREND)
    largest, smallest = _kept(place, len(place.edges) - 2), _kept(place, 0)
    large, small = (_metric(place, cases, rows) for rows in (largest, smallest))
    of_large, of_small = (np.searchsorted(kept, rows) for rows in (largest, smallest))
    return Statistic(
        evaluate=lambda weights: (
            large.replicates(weights[of_large].T) - small.replicates(weights[of_small].T)
        )[None],
        num_cases=len(kept),
        num_failed=large.num_failed + small.num_failed,
        undefined="A trend needs lesions in the smallest and the largest bin.",
        bounds=(-1.0, 1.0),
    )


def _metric(place: Place, cases: pl.DataFrame, rows: Rows) -> Statistic:
    if place.is_dense:
        columns = [name for name in cases.columns if name.startswith("dice:")]
        is_failed = cases["failed"].to_numpy().astype(bool)[rows]
        dice = cases.select(columns).to_numpy()[rows]
        return case_mean(dice, metric=dice_score, is_failed=is_failed)
    columns = [name for name in cases.columns if name.startswith("p")]
    scores = cases.select(columns).to_numpy()[rows]
    targets = cases["t0"].to_numpy().astype(np.int64)
    if not _has_negatives(place):
        return balanced_accuracy_score.prepare(targets[rows], scores)
    healthy = np.unique(targets[place.sizes == 0])
    if len(healthy) != 1:
        raise DataError(
            f"images without a lesion must be of one class, those of {place.data} are of "
            f"{len(healthy)} in {place.task}. Compare a label that says whether there is a lesion."
        )
    has_lesion = (place.sizes[rows] > 0).astype(np.int64)
    return auroc_score.prepare(has_lesion, 1 - scores[:, healthy[0]])


def _has_negatives(place: Place) -> bool:
    return bool((place.sizes == 0).any())


def _kept(place: Place, column: Column) -> Rows:
    """Return the cases that a column is about, in rising order."""
    if column == ALL:
        return np.arange(len(place.sizes))
    last = len(place.edges) - 2
    wanted = [0, last] if column == TREND else [column]
    beside = [] if place.is_dense else [-1]
    return np.flatnonzero(np.isin(place.bins, [*wanted, *beside]))


def _patients(place: Place, column: Column) -> int:
    """Count the patients of the smallest bin that a column is about."""
    if column == ALL:
        return len(np.unique(place.groups))
    wanted = [0, len(place.edges) - 2] if column == TREND else [int(column)]
    return min(len(np.unique(place.groups[place.bins == number])) for number in wanted)


def _why_not(place: Place, shared: Sequence[Run], patients: int, delta: Estimate) -> str:
    if len(shared) < place.planned_runs:
        return "not finished"
    without = len(np.unique(place.groups[place.sizes == 0]))
    if patients < _CLAIM_PATIENTS or (without < _RARE_PATIENTS and metric_of(place) == "AUROC"):
        return "too few patients"
    return "" if delta.is_claimable else "undefined"


def _groupings(shared: Sequence[Run]) -> list[list[int] | None]:
    """Return the ways in which runs hang together, by draw and by seed, as a study does."""
    factors = ([draw for draw, _ in shared], [seed for _, seed in shared])
    return [one for one in factors if 1 < len(set(one)) < len(one)] or [None]


def _width(difference: Difference) -> float:
    low, high = difference.delta.low, difference.delta.high
    return float("inf") if low is None or high is None else high - low
