"""Predicted numbers of a regression task.

An output that is not finite is a failed case. It is never dropped: it becomes the worst output
that its target allows, once, before any weight is applied.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from anlage.errors import DataError, ShapeError
from anlage.metrics._arrays import Floats
from anlage.metrics._cases import failed, floats

__all__ = ["Numbers", "numbers"]


@dataclass(frozen=True)
class Numbers:
    """Predicted numbers of a regression task.

    Attributes:
        target: (M,), finite.
        prediction: (M,), finite. A failed case predicts that end of the range of all targets
            which lies farther from its own target.
        num_failed: Failed cases.
    """

    target: Float[Floats, " M"]
    prediction: Float[Floats, " M"]
    num_failed: int


def numbers(target: npt.ArrayLike, prediction: npt.ArrayLike) -> Numbers:
    """Read predicted numbers.

    Args:
        target: (M,), finite.
        prediction: (M,), NaN for a failed case.

    Raises:
        ShapeError: If the two are not vectors of one length.
        DataError: If a target is not finite.
    """
    truth, guess = floats(target, "targets"), floats(prediction)
    if truth.ndim != 1 or truth.shape != guess.shape or not len(truth):
        raise ShapeError(
            f"targets and predictions must be two vectors of one length above 0, got shapes "
            f"{truth.shape} and {guess.shape}. Give one number per case."
        )
    if not np.isfinite(truth).all():
        raise DataError(
            f"every target must be a finite number, got {int((~np.isfinite(truth)).sum())} that "
            "are not. Leave unlabelled cases out of the evaluation."
        )
    low, high = truth.min(), truth.max()
    worst = np.where(truth - low > high - truth, low, high)
    is_failed = failed(guess)
    return Numbers(
        target=truth,
        prediction=np.where(is_failed, worst, guess),
        num_failed=int(is_failed.sum()),
    )
