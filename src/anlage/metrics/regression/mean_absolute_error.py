"""Mean absolute error: how far predictions lie from their targets, in the target's unit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from anlage.metrics import Statistic, metric
from anlage.metrics._numbers import numbers
from anlage.metrics._ratios import weighted_mean

__all__ = ["mean_absolute_error"]


@metric(
    label="MAE",
    tasks=("regression", "ordinal"),
    direction="lower",
    bounds=(0.0, np.inf),
    failure="a failed case predicts the farther end of the range of targets",
)
def mean_absolute_error(target: npt.ArrayLike, prediction: npt.ArrayLike) -> Statistic:
    """Mean absolute distance of prediction and target; for an ordinal task, in grades.

    Args:
        target: (M,).
        prediction: (M,), NaN for a failed case.

    Raises:
        ShapeError: If the two are not vectors of one length.
        DataError: If a target is not finite.
    """
    given = numbers(target, prediction)
    return Statistic(
        evaluate=weighted_mean(np.abs(given.prediction - given.target)),
        num_cases=len(given.target),
        num_failed=given.num_failed,
        undefined="MAE needs at least one case.",
    )
