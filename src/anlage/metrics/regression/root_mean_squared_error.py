"""Root mean squared error: like the mean absolute error, with far misses costing more."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from anlage.metrics import Statistic, metric
from anlage.metrics._arrays import Floats
from anlage.metrics._numbers import numbers
from anlage.metrics._ratios import weighted_mean

__all__ = ["root_mean_squared_error"]


@metric(
    label="RMSE",
    tasks=("regression",),
    direction="lower",
    bounds=(0.0, np.inf),
    failure="a failed case predicts the farther end of the range of targets",
)
def root_mean_squared_error(target: npt.ArrayLike, prediction: npt.ArrayLike) -> Statistic:
    """Square root of the mean squared distance of prediction and target.

    Args:
        target: (M,).
        prediction: (M,), NaN for a failed case.

    Raises:
        ShapeError: If the two are not vectors of one length.
        DataError: If a target is not finite.
    """
    given = numbers(target, prediction)
    mean_square = weighted_mean((given.prediction - given.target) ** 2)

    def evaluate(weights: Float[Floats, "M R"]) -> Float[Floats, "1 R"]:
        root: Float[Floats, "1 R"] = np.sqrt(mean_square(weights))
        return root

    return Statistic(
        evaluate=evaluate,
        num_cases=len(given.target),
        num_failed=given.num_failed,
        undefined="RMSE needs at least one case.",
    )
