"""Accuracy: the share of cases whose class is right."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from anlage.metrics import Statistic, metric
from anlage.metrics._labels import labels
from anlage.metrics._ratios import weighted_mean

__all__ = ["accuracy_score"]


@metric(
    label="accuracy",
    tasks=("binary", "multiclass", "ordinal"),
    direction="higher",
    bounds=(0.0, 1.0),
    failure="a failed case is wrong",
)
def accuracy_score(
    target: npt.ArrayLike, prediction: npt.ArrayLike, *, num_classes: int | None = None
) -> Statistic:
    """Share of cases whose predicted class is the target; for comparison with papers only.

    It rewards guessing the common class, so print `balanced_accuracy` and the score of the
    majority class beside it. There is no multilabel form on purpose: where most labels are
    absent, predicting nothing would score high.

    Args:
        target: Classes 0..K-1, (M,).
        prediction: Classes, (M,), NaN for a failed case; or scores, (M, K).
        num_classes: K, where the predictions do not show it.

    Raises:
        ShapeError: If the two do not fit.
        DataError: If a target or prediction is not a class.
    """
    found = labels(target, prediction, num_classes)
    is_right = (found.prediction == found.target).astype(np.float64)
    return Statistic(
        evaluate=weighted_mean(is_right),
        num_cases=len(found.target),
        num_failed=found.num_failed,
        undefined="Accuracy needs at least one case.",
        classes=found.classes,
    )
