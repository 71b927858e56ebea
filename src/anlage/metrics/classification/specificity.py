"""Specificity: the share of negative cases that a fixed threshold calls negative."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from anlage.metrics import Statistic, metric
from anlage.metrics._arrays import Floats
from anlage.metrics._rankings import rankings
from anlage.metrics._ratios import ratio

__all__ = ["specificity_score"]


@metric(
    label="specificity",
    tasks=("binary", "multilabel"),
    direction="higher",
    bounds=(0.0, 1.0),
    failure="a failed negative is a false alarm",
)
def specificity_score(
    target: npt.ArrayLike, score: npt.ArrayLike, *, threshold: float
) -> Statistic:
    """Share of negative cases whose score stays below a threshold.

    Args:
        target: Classes 0 and 1, (M,), or labels, (M, K).
        score: Higher means more likely; NaN for a failed case. (M,), probabilities (M, 2), or
            (M, K) for labels.
        threshold: Scores at or above it are called positive. Choose it on the validation
            cases with `operating_threshold`, never on these.

    Returns:
        One part per label; a single part for a binary task.

    Raises:
        ShapeError: If the two do not fit.
        DataError: If a target is not a class or label.
    """
    problems = rankings(target, score)
    scores = problems.score.T
    is_counted = ~problems.is_positive.T
    is_right = is_counted & (scores < threshold)

    def evaluate(weights: Float[Floats, "M R"]) -> Float[Floats, "K R"]:
        held = is_counted.astype(np.float64) @ weights
        right = is_right.astype(np.float64) @ weights
        return ratio(right, held, held > 0)

    return Statistic(
        evaluate=evaluate,
        num_cases=len(problems.score),
        num_failed=problems.num_failed,
        undefined="Specificity needs negative cases, and there are none.",
        classes=problems.classes,
    )
