"""Sensitivity at a given specificity, read off the ROC curve of these very cases."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from anlage.metrics import Statistic, metric
from anlage.metrics._rankings import rankings
from anlage.metrics.classification._rates import best_rate, check_rate

__all__ = ["sensitivity_at_specificity_score"]


@metric(
    label="sens@spec",
    tasks=("binary", "multilabel"),
    direction="higher",
    bounds=(0.0, 1.0),
    failure="a failed positive is missed, a failed negative is a false alarm",
)
def sensitivity_at_specificity_score(
    target: npt.ArrayLike, score: npt.ArrayLike, *, specificity: float = 0.9
) -> Statistic:
    """Best sensitivity among the thresholds that keep at least this specificity.

    The threshold is found on the cases it is judged on, so this describes a ranking. What a
    clinic would see needs a threshold chosen before: `operating_threshold` on the validation
    cases, then `sensitivity` and `specificity` at it.

    Args:
        target: Classes 0 and 1, (M,), or labels, (M, K).
        score: Higher means more likely; NaN for a failed case. (M,), probabilities (M, 2), or
            (M, K) for labels.
        specificity: Share of negatives that must stay below the threshold.

    Raises:
        ShapeError: If the two do not fit.
        DataError: If a target is not a class or label.
        ConfigError: If ``specificity`` is not in [0, 1].
    """
    check_rate("specificity", specificity)
    problems = rankings(target, score)
    rates = [
        best_rate(is_positive, scores, specificity)
        for is_positive, scores in zip(problems.is_positive.T, problems.score.T, strict=True)
    ]
    return Statistic(
        evaluate=lambda weights: np.stack([rate(weights) for rate in rates]),
        num_cases=len(problems.score),
        num_failed=problems.num_failed,
        undefined="Sensitivity at a specificity needs positive and negative cases.",
        classes=problems.classes,
    )
