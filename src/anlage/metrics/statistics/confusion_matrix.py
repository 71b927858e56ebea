"""Confusion matrix: what each class was taken for, with a column for failed cases."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Int

from anlage.metrics._arrays import Ints
from anlage.metrics._labels import labels

__all__ = ["confusion_matrix"]


def confusion_matrix(
    target: npt.ArrayLike, prediction: npt.ArrayLike, *, num_classes: int | None = None
) -> Int[Ints, "K K1"]:
    """Count cases by target (row) and prediction (column); the last column is failed cases.

    Args:
        target: Classes 0..K-1, (M,).
        prediction: Classes, (M,), NaN for a failed case; or scores, (M, K).
        num_classes: K, where the predictions do not show it.

    Returns:
        (K, K + 1); it adds up to M.

    Raises:
        ShapeError: If the two do not fit.
        DataError: If a target or prediction is not a class.
    """
    found = labels(target, prediction, num_classes)
    size = found.num_classes
    column = np.where(found.prediction < 0, size, found.prediction)
    counts = np.bincount(found.target * (size + 1) + column, minlength=size * (size + 1))
    return counts.reshape(size, size + 1)
