"""Specificity at a given sensitivity, read off the ROC curve of these very cases."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from anlage.metrics import Statistic, metric
from anlage.metrics._rankings import rankings
from anlage.metrics.classification._rates import best_rate, check_rate

__all__ = ["specificity_at_sensitivity_score"]


@metric(
    label="spec@sens",
    tasks=("binary", "multilabel"),
    direction="higher",
    bounds=(0.0, 1.0),
    failure="a failed positive is missed, a failed negative is a false alarm",
)
def specificity_at_sensitivity_score(
    target: npt.ArrayLike, score: npt.ArrayLike, *, sensitivity: float = 0.9
) -> Statistic:
    """Best specificity among the thresholds that keep at least this sensitivity.

    The mirror of `sensitivity_at_specificity`, and like it a description of a ranking.

    Args:
        target: Classes 0 and 1, (M,), or labels, (M, K).
        score: Higher means more likely; NaN for a failed case. (M,), probabilities (M, 2), or
            (M, K) for labels.
        sensitivity: Share of positives that must stay above the threshold.

    Raises:
        ShapeError: If the two do not fit.
        DataError: If a target is not a class or label.
        ConfigError: If ``sensitivity`` is not in [0, 1].
    """
    check_rate("sensitivity", sensitivity)
    problems = rankings(target, score)
    rates = [
        best_rate(~is_positive, -scores, sensitivity)
        for is_positive, scores in zip(problems.is_positive.T, problems.score.T, strict=True)
    ]
    return Statistic(
        evaluate=lambda weights: np.stack([rate(weights) for rate in rates]),
        num_cases=len(problems.score),
        num_failed=problems.num_failed,
        undefined="Specificity at a sensitivity needs positive and negative cases.",
        classes=problems.classes,
    )
