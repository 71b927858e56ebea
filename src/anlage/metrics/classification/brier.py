"""Brier error: squared distance between the forecast and what happened."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from anlage.metrics import Statistic, metric
from anlage.metrics._labels import probabilities
from anlage.metrics._ratios import weighted_mean
from anlage.metrics.classification._squares import squared_errors

__all__ = ["brier_error"]


@metric(
    label="Brier",
    tasks=("binary", "multiclass", "ordinal"),
    direction="lower",
    bounds=(0.0, 2.0),
    failure="a failed case is certain of a wrong class: 1 for two classes, 2 for more",
)
def brier_error(target: npt.ArrayLike, probability: npt.ArrayLike) -> Statistic:
    """Mean squared error of the forecast: of class 1 if there are two, summed over more.

    It is lowest for honest probabilities. 0.25 is a coin for two classes.

    Args:
        target: Classes 0..K-1, (M,).
        probability: Of class 1, (M,), or of every class, (M, K); NaN for a failed case.

    Raises:
        ShapeError: If the two do not fit.
        DataError: If a value is not a class or not a probability.

    Source:
        Brier, Monthly Weather Review 78:1 (1950). Departure: for two classes half of his sum,
        as is usual today, whether one column is given or two.
    """
    given = probabilities(target, probability)
    return Statistic(
        evaluate=weighted_mean(squared_errors(given)),
        num_cases=len(given.target),
        num_failed=int(np.sum(given.is_failed)),
        undefined="The Brier error needs at least one case.",
        classes=given.classes,
    )
