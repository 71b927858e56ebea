"""One row per case: what all kinds of targets and outputs are checked for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float, Int

from anlage.errors import DataError, ShapeError
from anlage.metrics._arrays import Bools, Floats, Ints

__all__ = ["check_cases", "check_range", "classes_of", "failed", "floats", "membership"]


def membership(classes: Int[Ints, " M"], num_classes: int) -> Bool[Bools, "M K"]:
    """Return which class each case has, one column per class."""
    held: Bool[Bools, "M K"] = classes[:, None] == np.arange(num_classes)
    return held


def failed(outputs: Float[Floats, "..."]) -> Bool[Bools, " M"]:
    """Mark the cases that have an output which is not finite."""
    others = tuple(range(1, outputs.ndim))
    is_failed: Bool[Bools, " M"] = np.logical_or.reduce(~np.isfinite(outputs), axis=others)
    return is_failed


def floats(values: npt.ArrayLike, name: str = "outputs") -> Float[Floats, "..."]:
    """Return numbers as float64; None becomes NaN.

    Raises:
        DataError: If they are not numbers.
    """
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(
            f"{name} must be numbers in one array, got something else. Number the classes from 0, "
            "and use NaN for a case that has no output."
        ) from None


def classes_of(target: npt.NDArray[np.generic]) -> Int[Ints, " M"]:
    """Return targets as classes.

    Raises:
        ShapeError: If they are not one per case, or there is no case.
        DataError: If one is not 0, 1, 2, ...
    """
    if target.ndim != 1 or not len(target):
        raise ShapeError(
            f"targets must be one class per case, shape (M,) with M >= 1, got {target.shape}. "
            "Only a multilabel task has one column per label."
        )
    values = floats(target, "targets")
    if not np.all(np.isfinite(values) & (values >= 0) & (values == np.floor(values))):
        raise DataError(
            "targets must be classes 0, 1, 2, ..., got a fraction, a negative or a missing one. "
            "Leave unlabelled cases out of the evaluation."
        )
    return values.astype(np.int64)


def check_cases(num_cases: int, outputs: Float[Floats, "..."]) -> None:
    """Refuse outputs that are not one row per case.

    Raises:
        ShapeError: If they are not.
    """
    is_one_column = outputs.ndim == 2 and outputs.shape[1] < 2
    if outputs.ndim not in (1, 2) or is_one_column or len(outputs) != num_cases:
        raise ShapeError(
            f"outputs must be one number per case, (M,), or one per class, (M, K) with K >= 2, got "
            f"{outputs.shape} for {num_cases} targets. Give every case an output, NaN if it failed."
        )


def check_range(classes: Int[Ints, " M"], num_classes: int) -> None:
    """Refuse classes that there is no output for.

    Raises:
        ShapeError: If there is one.
    """
    if classes.max() >= num_classes:
        raise ShapeError(
            f"classes must be below {num_classes}, the number of classes, got "
            f"{int(classes.max())}. Give one output per class, absent classes too."
        )
