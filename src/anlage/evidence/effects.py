"""From rows to one effect per study, with a sampling variance and a word on what was left out.

Most sources print no standard error, so variances follow a stated model. A row's variance is
the square of the printed standard error where there is one. Else all rows share one variance
s^2: the variance of rows of one study that differ only in data set, encoder or method (same
task, label band, baseline type and metric), pooled over the whole base, estimates
s^2 (1 - rho), because results of one study share baselines, code and test cases with an assumed
correlation rho. A study's effect is the mean of its rows, with variance
sum_ij rho_ij s_i s_j / m^2: it shrinks with m, but never below rho s^2.
Where fewer than ten degrees of freedom are left (errors on the ratio scale), s^2 is not known and
taken as zero: sampling and true differences then both count as differences between studies.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from anlage.errors import ConfigError
from anlage.evidence.records import Row
from anlage.evidence.vocabulary import Scale

__all__ = [
    "CORRELATION",
    "MIN_DF",
    "StudyEffect",
    "VarianceModel",
    "comparable",
    "scale_of",
    "study_effects",
    "variance_model",
]

MIN_DF = 10
CORRELATION = 0.5
"""Assumed correlation between two results of one study."""


@dataclass(frozen=True, kw_only=True)
class StudyEffect:
    """One study, counted once: the mean of its rows on one scale."""

    study: str
    mean: float
    variance: float
    rows: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class VarianceModel:
    """Sampling variance of a row whose source prints none.

    Attributes:
        variance: s^2, in squared points or squared log points; 0 where it is not known.
        correlation: Assumed correlation rho of two rows of one study.
        df: Degrees of freedom of the estimate; 0 where it was given by hand.
    """

    variance: float
    correlation: float = CORRELATION
    df: int = 0

    def of_row(self, row: Row) -> float:
        """Return a row's sampling variance: printed where there is one, else the common one."""
        if row.delta_se is not None and row.measure.scale == "points":
            return float((100 * row.delta_se) ** 2)
        return self.variance

    def of_mean(self, rows: Sequence[Row]) -> float:
        """Return the variance of the mean of rows of one study."""
        deviations = [math.sqrt(self.of_row(row)) for row in rows]
        own = sum(deviation**2 for deviation in deviations)
        shared = sum(deviations) ** 2 - own
        return (own + self.correlation * shared) / len(rows) ** 2


def comparable(rows: Iterable[Row], scale: Scale) -> tuple[list[Row], Counter[str]]:
    """Keep the rows that have an effect on a scale, and count the others by reason."""
    kept: list[Row] = []
    left_out: Counter[str] = Counter()
    for row in rows:
        if row.status in {"partial", "unread"}:
            left_out["figures not read"] += 1
        elif row.measure.scale is None:
            left_out[f"{row.measure.label} has no common scale"] += 1
        elif row.measure.scale != scale:
            left_out["an error on a ratio scale" if scale == "points" else "a bounded metric"] += 1
        else:
            kept.append(row)
    return kept, left_out


def scale_of(rows: Iterable[Row]) -> Scale:
    """Return the scale on which most studies of a selection can be compared."""
    seen = {(row.measure.scale, row.study) for row in rows if row.effect is not None}
    counts = Counter(scale for scale, _ in seen)
    return "ratio" if counts["ratio"] > counts["points"] else "points"


def variance_model(
    rows: Iterable[Row], scale: Scale, *, correlation: float = CORRELATION
) -> VarianceModel:
    """Estimate the common row variance from rows of one study that ask the same question.

    Raises:
        ConfigError: If the correlation is not in [0, 1).
    """
    if not 0 <= correlation < 1:
        raise ConfigError(f"correlation must be at least 0 and below 1, got {correlation}.")
    groups: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for row in comparable(rows, scale)[0]:
        key = (row.study, *row.task, row.band, row.baseline_type, row.metric)
        groups[key].append(row.effect or 0.0)
    squares, df = 0.0, 0
    for values in groups.values():
        mean = sum(values) / len(values)
        squares += sum((value - mean) ** 2 for value in values)
        df += len(values) - 1
    variance = squares / df / (1 - correlation) if df >= MIN_DF else 0.0
    return VarianceModel(variance=variance, correlation=correlation, df=df)


def study_effects(rows: Iterable[Row], model: VarianceModel) -> tuple[StudyEffect, ...]:
    """Average the effects of each study; rows must share one scale."""
    by_study: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_study[row.study].append(row)
    return tuple(
        StudyEffect(
            study=study,
            mean=sum(row.effect or 0.0 for row in found) / len(found),
            variance=model.of_mean(found),
            rows=tuple(row.row for row in found),
        )
        for study, found in by_study.items()
    )
