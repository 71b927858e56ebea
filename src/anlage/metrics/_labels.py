"""Predicted classes and class probabilities of a single-label task.

An output that is not finite is a failed case. It is never dropped: it becomes the worst output
that its target allows, once, before any weight is applied.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float, Int

from anlage.errors import DataError
from anlage.metrics._arrays import Bools, Floats, Ints
from anlage.metrics._cases import check_cases, check_range, classes_of, failed, floats, membership

__all__ = ["Labels", "Probabilities", "labels", "probabilities"]

_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Probabilities:
    """Probabilities of a single-label task.

    Attributes:
        target: Classes, (M,).
        probability: (M, K) with K >= 2; rows add up to one. A failed case is certain of a
            wrong class.
        is_failed: (M,).
        classes: As in Statistic.
    """

    target: Int[Ints, " M"]
    probability: Float[Floats, "M K"]
    is_failed: Bool[Bools, " M"]
    classes: Bool[Bools, "M C"]


@dataclass(frozen=True)
class Labels:
    """Predicted classes of a single-label task.

    Attributes:
        target: Classes, (M,).
        prediction: Classes, (M,); -1 for a failed case.
        num_classes: K.
        classes: As in Statistic; only up to the highest class that occurs.
    """

    target: Int[Ints, " M"]
    prediction: Int[Ints, " M"]
    num_classes: int
    classes: Bool[Bools, "M C"]

    @property
    def num_failed(self) -> int:
        """Failed cases."""
        return int((self.prediction < 0).sum())


def probabilities(target: npt.ArrayLike, probability: npt.ArrayLike) -> Probabilities:
    """Read the probabilities of a binary or multiclass task.

    Args:
        target: Classes 0..K-1, (M,).
        probability: Of class 1, (M,), or of every class, (M, K).

    Raises:
        ShapeError: If the two do not fit.
        DataError: If a target is not a class, or a probability is outside [0, 1], or the
            probabilities of a case do not add up to one within 0.001.
    """
    rows = floats(probability)
    classes = classes_of(np.asarray(target))
    check_cases(len(classes), rows)
    if rows.ndim == 1:
        rows = np.stack([1.0 - rows, rows], axis=1)
    check_range(classes, rows.shape[1])
    is_failed = failed(rows)
    given = rows[~is_failed]
    is_off = np.abs(given.sum(axis=1) - 1.0) > _SUM_TOLERANCE
    if np.any((given < 0) | (given > 1)) or np.any(is_off):
        raise DataError(
            "probabilities must lie in [0, 1] and add up to 1 for every case, got values "
            f"from {given.min():.3g} to {given.max():.3g} and {int(is_off.sum())} cases with "
            "another sum. Apply a softmax (or a sigmoid to a single score) first."
        )
    rows = rows.copy()
    rows[is_failed] = 0.0
    rows[is_failed, (classes[is_failed] + 1) % rows.shape[1]] = 1.0
    held = membership(classes, rows.shape[1])
    return Probabilities(target=classes, probability=rows, is_failed=is_failed, classes=held)


def labels(
    target: npt.ArrayLike, prediction: npt.ArrayLike, num_classes: int | None = None
) -> Labels:
    """Read predicted classes; scores of several classes are read as their highest.

    Args:
        target: Classes 0..K-1, (M,).
        prediction: Classes, (M,), NaN for a failed case; or scores, (M, K).
        num_classes: K; None takes the number of score columns, or else the highest class that
            occurs plus one.

    Raises:
        ShapeError: If the two do not fit.
        DataError: If a target or prediction is not a class.
    """
    given = floats(prediction)
    classes = classes_of(np.asarray(target))
    check_cases(len(classes), given)
    is_failed = failed(given)
    if given.ndim == 2:
        count = given.shape[1]
        found = np.where(is_failed[:, None], 0.0, given).argmax(axis=1)
    else:
        usable = np.where(is_failed, 0.0, given)
        if np.any(usable != np.floor(usable)) or np.any(usable < 0):
            raise DataError(
                "predictions must be classes 0, 1, 2, ..., got a fraction or a negative number. "
                "Apply a threshold to scores first (see operating_threshold)."
            )
        found = usable.astype(np.int64)
        count = int(max(classes.max(), found.max())) + 1
    count = count if num_classes is None else num_classes
    check_range(classes, count)
    check_range(found, count)
    return Labels(
        target=classes,
        prediction=np.where(is_failed, -1, found),
        num_classes=count,
        classes=membership(classes, int(classes.max()) + 1),
    )
