"""Pearson correlation: how close predictions and targets come to one straight line."""

from __future__ import annotations

import numpy.typing as npt

from anlage.metrics import Statistic, metric
from anlage.metrics._numbers import numbers
from anlage.metrics.regression._moments import correlation

__all__ = ["pearson_score"]


@metric(
    label="Pearson",
    tasks=("regression",),
    direction="higher",
    bounds=(-1.0, 1.0),
    failure="a failed case predicts the farther end of the range of targets",
)
def pearson_score(target: npt.ArrayLike, prediction: npt.ArrayLike) -> Statistic:
    """Product-moment correlation; blind to offset and scale, so never report it alone.

    Undefined for fewer than three cases and where targets or predictions are constant.

    Args:
        target: (M,).
        prediction: (M,), NaN for a failed case.

    Raises:
        ShapeError: If the two are not vectors of one length.
        DataError: If a target is not finite.
    """
    given = numbers(target, prediction)
    truth, guess = given.target[:, None], given.prediction[:, None]
    return Statistic(
        evaluate=lambda weights: correlation(truth, guess, weights)[None],
        num_cases=len(given.target),
        num_failed=given.num_failed,
        undefined="Correlation needs three cases or more, targets and predictions that vary.",
    )
