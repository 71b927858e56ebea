"""R squared: the share of the targets' spread that the predictions explain."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from anlage.metrics import Statistic, metric
from anlage.metrics._arrays import Floats
from anlage.metrics._numbers import numbers
from anlage.metrics._ratios import ratio
from anlage.metrics.regression._moments import centred, has_spread

__all__ = ["r2_score"]


@metric(
    label="R2",
    tasks=("regression",),
    direction="higher",
    bounds=(-np.inf, 1.0),
    failure="a failed case predicts the farther end of the range of targets",
)
def r2_score(target: npt.ArrayLike, prediction: npt.ArrayLike) -> Statistic:
    """One minus squared error over the spread of the targets; 0 is the mean predictor.

    Undefined for fewer than three cases and for constant targets.

    Args:
        target: (M,).
        prediction: (M,), NaN for a failed case.

    Raises:
        ShapeError: If the two are not vectors of one length.
        DataError: If a target is not finite.
    """
    given = numbers(target, prediction)
    squares = (given.prediction - given.target) ** 2
    truth = given.target[:, None] - given.target.mean()

    def evaluate(weights: Float[Floats, "M R"]) -> Float[Floats, "1 R"]:
        deviations = centred(truth, weights)
        spread = (weights * deviations**2).sum(axis=0)
        is_defined = has_spread(given.target[:, None], deviations, weights)
        return 1 - ratio(squares @ weights, spread, is_defined)[None]

    return Statistic(
        evaluate=evaluate,
        num_cases=len(given.target),
        num_failed=given.num_failed,
        undefined="R2 needs three cases or more whose targets are not all the same.",
    )
