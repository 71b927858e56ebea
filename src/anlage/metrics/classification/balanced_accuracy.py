"""Balanced accuracy: the mean over classes of the share of their cases that is found."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from anlage.metrics import Statistic, metric
from anlage.metrics._arrays import Floats
from anlage.metrics._labels import labels
from anlage.metrics._ratios import ratio
from anlage.metrics.classification._confusion import confusion_tables

__all__ = ["balanced_accuracy_score"]


@metric(
    label="balanced accuracy",
    tasks=("binary", "multiclass", "ordinal"),
    direction="higher",
    bounds=(0.0, 1.0),
    failure="a failed case is wrong",
)
def balanced_accuracy_score(
    target: npt.ArrayLike, prediction: npt.ArrayLike, *, num_classes: int | None = None
) -> Statistic:
    """Mean recall over the classes that occur; guessing scores one over their number.

    A class without cases is undefined and left out of the mean. With a single class nothing
    is balanced, so the value is undefined.

    Args:
        target: Classes 0..K-1, (M,).
        prediction: Classes, (M,), NaN for a failed case; or scores, (M, K).
        num_classes: K, where the predictions do not show it.

    Returns:
        One part per class: its recall.

    Raises:
        ShapeError: If the two do not fit.
        DataError: If a target or prediction is not a class.
    """
    found = labels(target, prediction, num_classes)
    tables = confusion_tables(found, failed_as="any_wrong")

    def evaluate(weights: Float[Floats, "M R"]) -> Float[Floats, "K R"]:
        table = tables(weights)
        held = table.sum(axis=1)
        is_defined = (held > 0) & ((held > 0).sum(axis=0) > 1)
        return ratio(np.einsum("kkr->kr", table), held, is_defined)

    return Statistic(
        evaluate=evaluate,
        num_cases=len(found.target),
        num_failed=found.num_failed,
        undefined="Balanced accuracy needs two classes, and these cases are all of one.",
        classes=found.classes,
    )
