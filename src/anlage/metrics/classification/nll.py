"""Negative log-likelihood: how surprised the forecast is by the true class."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from anlage.metrics import Statistic, metric
from anlage.metrics._labels import probabilities
from anlage.metrics._ratios import weighted_mean

__all__ = ["nll_error"]

_LEAST = float(np.finfo(np.float64).eps)


@metric(
    label="NLL",
    tasks=("binary", "multiclass", "ordinal"),
    direction="lower",
    bounds=(0.0, -float(np.log(_LEAST))),
    failure="a failed case gives its true class the least probability: 36.04 nats",
    unit="nats",
)
def nll_error(target: npt.ArrayLike, probability: npt.ArrayLike) -> Statistic:
    """Mean of minus the natural logarithm of the probability given to the true class.

    Probabilities below 2.2e-16 count as that, as in scikit-learn, so one certain miss costs
    36 nats and not infinity.

    Args:
        target: Classes 0..K-1, (M,).
        probability: Of class 1, (M,), or of every class, (M, K); NaN for a failed case.

    Raises:
        ShapeError: If the two do not fit.
        DataError: If a value is not a class or not a probability.
    """
    given = probabilities(target, probability)
    of_truth = given.probability[np.arange(len(given.target)), given.target]
    return Statistic(
        evaluate=weighted_mean(-np.log(np.clip(of_truth, _LEAST, 1.0))),
        num_cases=len(given.target),
        num_failed=int(np.sum(given.is_failed)),
        undefined="NLL needs at least one case.",
        classes=given.classes,
    )
