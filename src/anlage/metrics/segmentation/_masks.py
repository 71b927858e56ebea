"""Masks of one structure in one case: checked, paired, and what an empty one means."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool

from anlage.errors import ConfigError, DataError, ShapeError
from anlage.metrics._arrays import Bools

__all__ = ["crop_to_union", "diagonal_mm", "mask_pair"]

Pair = tuple[Bool[Bools, "*B"], Bool[Bools, "*B"]]


def mask_pair(target: npt.ArrayLike, prediction: npt.ArrayLike | None) -> Pair | None:
    """Return both masks as booleans, or None if the prediction failed.

    Args:
        target: Reference mask, (*S): booleans, or 0 and 1.
        prediction: Predicted mask of the same shape; None, or a NaN in it, is a failed case.

    Raises:
        ShapeError: If the masks are not 2D or 3D, or differ in shape.
        DataError: If a mask holds other values than 0 and 1.
    """
    reference = np.asarray(target)
    if reference.ndim not in (2, 3) or not reference.size:
        raise ShapeError(
            f"a mask must be 2D or 3D without batch and channel axes, got {reference.shape}. "
            "Compare one structure of one case at a time."
        )
    truth = _boolean(reference, "reference")
    if prediction is None:
        return None
    guess = np.asarray(prediction)
    if guess.shape != truth.shape:
        raise ShapeError(
            f"both masks must have one shape, got reference {truth.shape} and prediction "
            f"{guess.shape}. Bring the prediction back to the grid of the reference."
        )
    if guess.dtype.kind == "f" and np.isnan(guess).any():
        return None
    return truth, _boolean(guess, "prediction")


def diagonal_mm(shape: Sequence[int], spacing_mm: Sequence[float]) -> float:
    """Return the length of the image's diagonal, in mm.

    Args:
        shape: Voxels per axis.
        spacing_mm: Edge of a voxel per axis, in mm.

    Raises:
        ConfigError: If there is not one spacing above zero per axis.
    """
    if len(spacing_mm) != len(shape) or not all(0 < edge < math.inf for edge in spacing_mm):
        raise ConfigError(
            f"spacing_mm must be one length above 0 mm per axis, got {tuple(spacing_mm)} for "
            f"{len(shape)} axes. Take it from the image header; distances mean nothing without it."
        )
    return math.hypot(*(count * edge for count, edge in zip(shape, spacing_mm, strict=True)))


def crop_to_union(target: Bool[Bools, "*S"], prediction: Bool[Bools, "*S"]) -> Pair:
    """Cut both masks to the smallest box that holds every voxel of either."""
    union = target | prediction
    box = []
    for axis in range(union.ndim):
        others = tuple(other for other in range(union.ndim) if other != axis)
        held = np.flatnonzero(np.logical_or.reduce(union, axis=others))
        box.append(slice(int(held[0]), int(held[-1]) + 1) if len(held) else slice(0, 0))
    return target[tuple(box)], prediction[tuple(box)]


def _boolean(mask: npt.NDArray[np.generic], name: str) -> Bool[Bools, "*S"]:
    if mask.dtype == np.bool_:
        return mask.astype(np.bool_, copy=False)
    is_one: Bools = np.asarray(mask == 1, dtype=np.bool_)
    if not np.all(is_one | (mask == 0)):
        raise DataError(
            f"the {name} mask must hold only 0 and 1, got other values. Select one structure "
            "first: labels == 2, or probability >= 0.5."
        )
    return is_one
