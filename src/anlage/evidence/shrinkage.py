"""Partial pooling: what a sparse cell may be expected to show, given all that surrounds it.

A cell is one modality, task, paradigm and label band. Its prior mean is the overall mean plus
the deviations of its task, paradigm, band and modality, each shrunk by empirical Bayes: a level
seen in few studies counts little. The studies of the cell itself then pull the estimate away
from that prior, as far as their number and the variance between cells allow.
Source: the normal-normal model of Efron and Morris 1975, with additive factors found by
backfitting and variances by Paule-Mandel.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from anlage.evidence.effects import VarianceModel, study_effects
from anlage.evidence.meta import between_variance, random_effects
from anlage.evidence.records import Row

__all__ = ["FACTORS", "Expectation", "PartialPooling", "combine"]

FACTORS = ("task", "paradigm", "band", "modality")
_PASSES = 20
_FLOOR = 1e-9
_LIMIT = 1.959963984540054


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What to expect of one cell.

    Attributes:
        mean: Expected effect.
        low, high: 95% interval of the cell's mean effect.
        predicted_low, predicted_high: 95% interval for one new study of the cell.
        prior: What the surroundings alone say.
        weight: Share of the cell's own studies in the mean, 0-1.
        k: Number of the cell's own studies.
    """

    mean: float
    low: float
    high: float
    predicted_low: float
    predicted_high: float
    prior: float
    weight: float
    k: int


@dataclass(frozen=True)
class _Unit:
    """The rows of one study in one cell."""

    levels: tuple[str, ...]
    effect: float
    weight: float


class PartialPooling:
    """Overall mean, shrunk deviations of each factor's levels, and the variance between cells."""

    def __init__(self, rows: Sequence[Row], model: VarianceModel) -> None:
        studies = study_effects(rows, model)
        overall = random_effects([s.mean for s in studies], [s.variance for s in studies])
        self.model = model
        self.mean, self.mean_variance, self.tau2 = overall.mean, overall.se**2, overall.tau2
        self._units = _units(rows, model, overall.tau2)
        self._levels: dict[str, dict[str, tuple[float, float]]] = {name: {} for name in FACTORS}
        self._spread = dict.fromkeys(FACTORS, 0.0)
        for _ in range(_PASSES):
            for place, name in enumerate(FACTORS):
                self._fit(place, name)
        self.cell_tau2 = self._between_cells()

    def prior(self, question: Mapping[str, str]) -> tuple[float, float]:
        """Return mean and variance that the surroundings give a cell; any factor may be open."""
        mean, variance = self.mean, self.mean_variance
        for name in FACTORS:
            level = question.get(name)
            if level is not None:
                shift, own = self._levels[name].get(level, (0.0, self._spread[name]))
                mean, variance = mean + shift, variance + own
        return mean, variance + self.cell_tau2

    def expect(self, question: Mapping[str, str], rows: Iterable[Row]) -> Expectation:
        """Return what to expect of a cell, given the rows that answer exactly its question."""
        prior, prior_variance = self.prior(question)
        studies = study_effects(rows, self.model)
        weights = [1 / max(study.variance + self.tau2, _FLOOR) for study in studies]
        if weights:
            data = sum(w * s.mean for w, s in zip(weights, studies, strict=True)) / sum(weights)
            mean, variance, share = combine(prior, prior_variance, data, 1 / sum(weights))
        else:
            mean, variance, share = prior, prior_variance, 0.0
        near, far = _LIMIT * variance**0.5, _LIMIT * (variance + self.tau2) ** 0.5
        return Expectation(
            mean=mean,
            low=mean - near,
            high=mean + near,
            predicted_low=mean - far,
            predicted_high=mean + far,
            prior=prior,
            weight=share,
            k=len(studies),
        )

    def _fit(self, place: int, name: str) -> None:
        """Find the shrunk deviations of one factor, the others held."""
        groups: dict[str, list[_Unit]] = defaultdict(list)
        for unit in self._units:
            groups[unit.levels[place]].append(unit)
        raw = {level: self._residual(units, without=name) for level, units in groups.items()}
        spread = between_variance([m for m, _ in raw.values()], [v for _, v in raw.values()])
        self._spread[name] = spread
        self._levels[name] = {
            level: combine(0.0, spread, mean, variance)[:2]
            for level, (mean, variance) in raw.items()
        }

    def _residual(self, units: Sequence[_Unit], *, without: str = "") -> tuple[float, float]:
        """Return the weighted mean of what the fitted factors leave over, and its variance."""
        total = sum(unit.weight for unit in units)
        left = sum(
            unit.weight * (unit.effect - self._fitted(unit, without=without)) for unit in units
        )
        return left / total, 1 / total

    def _fitted(self, unit: _Unit, *, without: str) -> float:
        shifts = (
            self._levels[name].get(level, (0.0, 0.0))[0]
            for name, level in zip(FACTORS, unit.levels, strict=True)
            if name != without
        )
        return self.mean + sum(shifts)

    def _between_cells(self) -> float:
        cells: dict[tuple[str, ...], list[_Unit]] = defaultdict(list)
        for unit in self._units:
            cells[unit.levels].append(unit)
        raw = [self._residual(units) for units in cells.values()]
        return between_variance([m for m, _ in raw], [v for _, v in raw])


def combine(
    prior: float, prior_variance: float, data: float, data_variance: float
) -> tuple[float, float, float]:
    """Join a normal prior and a normal measurement: mean, variance, share of the measurement.

    Example:
        >>> combine(0.0, 1.0, 4.0, 1.0)
        (2.0, 0.5, 0.5)
    """
    if prior_variance == 0:
        return prior, 0.0, 0.0
    share = prior_variance / (prior_variance + data_variance)
    return prior + share * (data - prior), share * data_variance, share


def _units(rows: Sequence[Row], model: VarianceModel, tau2: float) -> tuple[_Unit, ...]:
    """Split each study over its cells; a study's units share its weight."""
    cells: dict[str, dict[tuple[str, ...], list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        cells[row.study][(row.task[0], row.paradigm, row.band, row.modality[0])].append(row)
    return tuple(
        _Unit(
            levels,
            sum(row.effect or 0.0 for row in found) / len(found),
            1 / (max(model.of_mean(found) + tau2, _FLOOR) * len(parts)),
        )
        for parts in cells.values()
        for levels, found in parts.items()
    )
