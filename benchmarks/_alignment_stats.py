"""Does one order of strategies follow the measured one, and better than another order does?

Intervals draw whole data sets with replacement (Field and Welsh, JRSS B 69:369, 2007): strategies
on the same images are no independent repeats. Few data sets make percentiles too narrow, so they
are expanded as Hesterberg has it (The American Statistician 69:371, 2015); below six or so the ends
are about the worst and the best data set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy.stats import kendalltau, norm, rankdata
from scipy.stats import t as student

__all__ = [
    "Estimate",
    "Sample",
    "Statistic",
    "agreement",
    "chosen_elsewhere",
    "drawn",
    "estimate",
    "filled",
    "kendall",
    "mean_gain_elsewhere",
    "mean_gain_of",
    "mean_of",
    "pairs_by_data",
    "pairs_right",
    "spearman",
    "spearman_between",
    "spearman_within",
    "word",
]

Floats = npt.NDArray[np.float64]
_SAME = 1e-9
_REPLICATES = 2000


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Cells as columns.

    Attributes:
        gains: Measured, in points, (n,).
        groups: Study and task of each; only cells of one group are compared in pairs.
        data: Data set of each, what is drawn for intervals.
        paradigms: Of each.
    """

    gains: Floats
    groups: Sequence[str]
    data: Sequence[str]
    paradigms: Sequence[str]

    def at(self, places: Sequence[int]) -> Sample:
        """Return some of the cells."""
        return Sample(
            gains=self.gains[list(places)],
            groups=[self.groups[place] for place in places],
            data=[self.data[place] for place in places],
            paradigms=[self.paradigms[place] for place in places],
        )

    def drawn(self, sets: Sequence[str]) -> tuple[list[int], Sample]:
        """Return the cells of some data sets; one that is drawn twice has its groups twice."""
        places: list[int] = []
        groups: list[str] = []
        for number, wanted in enumerate(sets):
            own = [place for place, name in enumerate(self.data) if name == wanted]
            places += own
            groups += [f"{number}/{self.groups[place]}" for place in own]
        return places, replace(self.at(places), groups=groups)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its 95 % interval; NaN where it is not defined."""

    value: float
    low: float
    high: float


Statistic = Callable[[Floats, Sample], float]


def spearman(values: Floats, sample: Sample) -> float:
    """Return the rank correlation over all cells; 0 if the values are all alike.

    What was not measured counts as the mean of the rest.
    """
    return _correlation(rankdata(filled(values)), rankdata(sample.gains))


def kendall(values: Floats, sample: Sample) -> float:
    """Return Kendall's tau-b over all cells; 0 if the values are all alike."""
    known = filled(values)
    if np.ptp(known) < _SAME or np.ptp(sample.gains) < _SAME:
        return 0.0
    return float(kendalltau(known, sample.gains).statistic)


def spearman_within(values: Floats, sample: Sample) -> float:
    """Return the rank correlation of what is left after each group's mean is taken out.

    NaN if no group holds two cells.
    """
    known = filled(values)
    ours, measured = [], []
    for own in _places(sample.groups).values():
        if len(own) > 1:
            ours.append(known[own] - known[own].mean())
            measured.append(sample.gains[own] - sample.gains[own].mean())
    if not ours:
        return np.nan
    first, second = np.concatenate(ours).round(9), np.concatenate(measured).round(9)
    return _correlation(rankdata(first), rankdata(second))


def spearman_between(values: Floats, sample: Sample) -> float:
    """Return the rank correlation of the groups' means; NaN for fewer than three groups."""
    places = list(_places(sample.groups).values())
    if len(places) < 3:
        return np.nan
    known = filled(values)
    first, second = (np.array([one[own].mean() for own in places]) for one in (known, sample.gains))
    return _correlation(rankdata(first.round(9)), rankdata(second.round(9)))


def agreement(values: Floats, sample: Sample) -> float:
    """Return the share of pairs of a group in the measured order, every group counting once.

    A tie and what was not measured count half; NaN if no group holds two cells.
    """
    found = [
        right[np.triu_indices(len(own), 1)].mean()
        for own in _places(sample.groups).values()
        if len(own) > 1
        for right in [pairs_right(values[own], sample.gains[own])]
    ]
    return float(np.mean(found)) if found else np.nan


def pairs_right(values: Floats, gains: Floats) -> Floats:
    """Return for each pair 1 if both differ in the same direction, 0 if not, 0.5 for ties, (n, n).

    NaN, which says nothing, is a tie with everything.
    """
    ours, measured = (np.subtract.outer(one, one) for one in (values, gains))
    ours = np.nan_to_num(ours)
    signs = [np.where(np.abs(one) < _SAME, 0, np.sign(one)) for one in (ours, measured)]
    found: Floats = 0.5 + signs[0] * signs[1] / 2
    return found


def pairs_by_data(
    values: Floats, sample: Sample, wanted: Callable[[int, int], bool]
) -> dict[str, list[float]]:
    """Return by data set whether each wanted pair is in the measured order."""
    found: dict[str, list[float]] = {}
    for own in _places(sample.groups).values():
        right = pairs_right(values[own], sample.gains[own])
        for one, two in combinations(range(len(own)), 2):
            if wanted(own[one], own[two]):
                found.setdefault(sample.data[own[one]], []).append(float(right[one, two]))
    return found


def drawn(
    sample: Sample, predictors: Mapping[str, Floats], statistic: Statistic
) -> dict[str, Floats]:
    """Return each predictor's statistic on all cells, then under every draw of data sets.

    All predictors meet the same draws, so that their differences can be taken draw by draw.
    """
    names = sorted(set(sample.data))
    rng = np.random.default_rng(0)
    draws = [names, *(rng.choice(names, len(names)).tolist() for _ in range(_REPLICATES))]
    known: dict[tuple[str, ...], list[float]] = {}
    rows = []
    for sets in draws:
        key = tuple(sorted(sets))
        if key not in known:
            places, some = sample.drawn(key)
            known[key] = [statistic(values[places], some) for values in predictors.values()]
        rows.append(known[key])
    return dict(zip(predictors, np.array(rows).T, strict=True))


def mean_gain_elsewhere(sample: Sample) -> Floats:
    """Return for each cell the mean gain of its paradigm in the other data sets.

    A paradigm that no other data set tried gets the mean of all; without another data set: 0.
    """
    found = np.zeros(len(sample.gains))
    for place, (data, paradigm) in enumerate(zip(sample.data, sample.paradigms, strict=True)):
        others = [n for n, name in enumerate(sample.data) if name != data]
        alike = [n for n in others if sample.paradigms[n] == paradigm]
        if others:
            found[place] = sample.gains[alike or others].mean()
    return found


def mean_gain_of(sample: Sample) -> Floats:
    """Return for each cell the mean gain of its paradigm in all cells, its own among them."""
    paradigms = np.array(sample.paradigms)
    return np.array([sample.gains[paradigms == one].mean() for one in sample.paradigms])


def chosen_elsewhere(
    sample: Sample, candidates: Callable[[Sequence[int]], Mapping[str, Floats]]
) -> tuple[dict[str, list[float]], Counter[str]]:
    """Choose the best candidate on the other data sets, and judge it on the one left out.

    Args:
        sample: All cells.
        candidates: Makes the scores of some cells from these cells alone: what is left out must
            not be known to those that are chosen on the rest.

    Returns:
        Agreement in each group, by data set; how often each candidate was chosen.
    """
    right: dict[str, list[float]] = {}
    chosen: Counter[str] = Counter()
    every = candidates(range(len(sample.gains)))
    for held in sorted(set(sample.data)):
        rest = [n for n, name in enumerate(sample.data) if name != held]
        own = [n for n, name in enumerate(sample.data) if name == held]
        known = sample.at(rest)
        scores = {name: agreement(values, known) for name, values in candidates(rest).items()}
        if not np.isfinite(list(scores.values())).all():
            continue
        best = max(scores, key=scores.__getitem__)  # of equals, the one that is named first
        found = agreement(every[best][own], sample.at(own))
        if np.isfinite(found):
            right[held] = [found]
            chosen[best] += 1
    return right, chosen


def mean_of(by_data: Mapping[str, Sequence[float]]) -> Estimate:
    """Return the mean of all values with an interval over data sets."""
    if not by_data:
        return Estimate(value=np.nan, low=np.nan, high=np.nan)
    sums = np.array([sum(one) for one in by_data.values()])
    counts = np.array([len(one) for one in by_data.values()])
    picks = np.random.default_rng(0).integers(0, len(sums), (_REPLICATES, len(sums)))
    means = sums[picks].sum(axis=1) / counts[picks].sum(axis=1)
    return estimate(np.concatenate([[sums.sum() / counts.sum()], means]), sets=len(sums))


def word(gap: Estimate) -> str:
    """Return what a difference of agreement says."""
    if not np.isfinite([gap.low, gap.high]).all():
        return "not comparable"
    if gap.low > 0:
        return "better"
    return "worse" if gap.high < 0 else "not shown to be better"


def estimate(first_and_drawn: Floats, *, sets: int) -> Estimate:
    """Return a number with its expanded percentile interval.

    Args:
        first_and_drawn: On all cells, then under every draw.
        sets: How many data sets were drawn from; of one there is no interval.
    """
    value, replicates = float(first_and_drawn[0]), first_and_drawn[1:]
    replicates = replicates[np.isfinite(replicates)]
    if not np.isfinite(value) or sets < 2 or len(replicates) < _REPLICATES / 2:
        return Estimate(value=value, low=np.nan, high=np.nan)
    tail = 100 * float(norm.cdf(-np.sqrt(sets / (sets - 1)) * student.ppf(0.975, sets - 1)))
    low, high = np.percentile(replicates, (tail, 100 - tail))
    return Estimate(value=value, low=float(low), high=float(high))


def _correlation(first: Floats, second: Floats) -> float:
    if np.ptp(first) < _SAME or np.ptp(second) < _SAME:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def filled(values: Floats) -> Floats:
    """Return values with the mean of the known ones where nothing was measured."""
    known = np.isfinite(values)
    return np.where(known, values, values[known].mean() if known.any() else 0.0)


def _places(groups: Sequence[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place, name in enumerate(groups):
        found.setdefault(name, []).append(place)
    return found
