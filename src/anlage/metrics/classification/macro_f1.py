"""Macro F1: the mean over classes of the harmonic mean of precision and recall."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from anlage.metrics import Statistic, metric
from anlage.metrics._arrays import Floats
from anlage.metrics._labels import labels
from anlage.metrics._ratios import ratio
from anlage.metrics.classification._confusion import confusion_tables

__all__ = ["macro_f1_score"]


@metric(
    label="macro F1",
    tasks=("binary", "multiclass", "ordinal"),
    direction="higher",
    bounds=(0.0, 1.0),
    failure="a failed case predicts every wrong class in equal shares",
)
def macro_f1_score(
    target: npt.ArrayLike, prediction: npt.ArrayLike, *, num_classes: int | None = None
) -> Statistic:
    """Plain mean of F1 over the classes that occur in the targets.

    A class without cases is undefined and left out of the mean, even if it was predicted;
    scikit-learn counts such a class as 0. Predicting it still costs the others their recall.
    For a binary task the second part is the F1 of class 1.

    Args:
        target: Classes 0..K-1, (M,).
        prediction: Classes, (M,), NaN for a failed case; or scores, (M, K).
        num_classes: K, where the predictions do not show it.

    Returns:
        One part per class: its F1.

    Raises:
        ShapeError: If the two do not fit.
        DataError: If a target or prediction is not a class.
    """
    found = labels(target, prediction, num_classes)
    tables = confusion_tables(found, failed_as="any_wrong")

    def evaluate(weights: Float[Floats, "M R"]) -> Float[Floats, "K R"]:
        table = tables(weights)
        held, predicted = table.sum(axis=1), table.sum(axis=0)
        right = np.einsum("kkr->kr", table)
        is_defined = (held > 0) & ((held > 0).sum(axis=0) > 1)
        return ratio(2 * right, held + predicted, is_defined)

    return Statistic(
        evaluate=evaluate,
        num_cases=len(found.target),
        num_failed=found.num_failed,
        undefined="Macro F1 needs two classes, and these cases are all of one.",
        classes=found.classes,
    )
