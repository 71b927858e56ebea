"""Matthews correlation: agreement of predicted and true classes, 0 for any guessing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from anlage.metrics import Statistic, metric
from anlage.metrics._arrays import Floats
from anlage.metrics._labels import labels
from anlage.metrics._ratios import ratio
from anlage.metrics.classification._confusion import confusion_tables

__all__ = ["mcc_score"]


@metric(
    label="MCC",
    tasks=("binary", "multiclass"),
    direction="higher",
    bounds=(-1.0, 1.0),
    failure="a failed case predicts every wrong class in equal shares",
)
def mcc_score(
    target: npt.ArrayLike, prediction: npt.ArrayLike, *, num_classes: int | None = None
) -> Statistic:
    """Matthews correlation coefficient, Gorodkin's form for any number of classes.

    Predicting one class for every case scores 0; targets of a single class are undefined.

    Args:
        target: Classes 0..K-1, (M,).
        prediction: Classes, (M,), NaN for a failed case; or scores, (M, K).
        num_classes: K, where the predictions do not show it.

    Raises:
        ShapeError: If the two do not fit.
        DataError: If a target or prediction is not a class.

    Source:
        Gorodkin, Computational Biology and Chemistry 28:367 (2004).
    """
    found = labels(target, prediction, num_classes)
    tables = confusion_tables(found, failed_as="any_wrong")

    def evaluate(weights: Float[Floats, "M R"]) -> Float[Floats, "1 R"]:
        table = tables(weights)
        held, predicted = table.sum(axis=1), table.sum(axis=0)
        total = held.sum(axis=0)
        shared = np.einsum("kkr->r", table) * total - (held * predicted).sum(axis=0)
        spread = (total**2 - (held**2).sum(axis=0)) * (total**2 - (predicted**2).sum(axis=0))
        is_guess = (predicted > 0).sum(axis=0) == 1
        safe = np.sqrt(np.where(is_guess, 1.0, spread))
        is_defined = (held > 0).sum(axis=0) > 1
        return ratio(np.where(is_guess, 0.0, shared), safe, is_defined)[None]

    return Statistic(
        evaluate=evaluate,
        num_cases=len(found.target),
        num_failed=found.num_failed,
        undefined="MCC needs two classes, and these cases are all of one.",
        classes=found.classes,
    )
