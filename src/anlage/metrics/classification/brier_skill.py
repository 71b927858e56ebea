"""Brier skill: how much better a forecast is than always naming the share of each class."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from anlage.metrics import Statistic, metric
from anlage.metrics._arrays import Floats
from anlage.metrics._labels import probabilities
from anlage.metrics._ratios import ratio
from anlage.metrics.classification._squares import squared_errors

__all__ = ["brier_skill_score"]


@metric(
    label="Brier skill",
    tasks=("binary", "multiclass", "ordinal"),
    direction="higher",
    bounds=(-np.inf, 1.0),
    failure="a failed case is certain of a wrong class",
)
def brier_skill_score(target: npt.ArrayLike, probability: npt.ArrayLike) -> Statistic:
    """One minus the Brier error over that of the constant forecast; below 0 is worse than it.

    The constant forecast is the share of each class among these very cases, so it is the
    best one that knows nothing of the images.

    Args:
        target: Classes 0..K-1, (M,).
        probability: Of class 1, (M,), or of every class, (M, K); NaN for a failed case.

    Raises:
        ShapeError: If the two do not fit.
        DataError: If a value is not a class or not a probability.
    """
    given = probabilities(target, probability)
    errors = squared_errors(given)
    is_member = given.classes.T.astype(np.float64)
    columns = 2.0 if len(is_member) == 2 else 1.0  # two classes: half of the sum

    def evaluate(weights: Float[Floats, "M R"]) -> Float[Floats, "1 R"]:
        total = weights.sum(axis=0)
        shares = (is_member @ weights) / np.maximum(total, np.finfo(np.float64).tiny)
        constant = (1 - (shares**2).sum(axis=0)) / columns * total
        is_mixed = (shares > 0).sum(axis=0) > 1
        return 1 - ratio(errors @ weights, constant, is_mixed)[None]

    return Statistic(
        evaluate=evaluate,
        num_cases=len(given.target),
        num_failed=int(np.sum(given.is_failed)),
        undefined="Brier skill needs two classes, and these cases are all of one.",
        classes=given.classes,
    )
