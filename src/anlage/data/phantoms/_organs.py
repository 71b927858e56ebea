"""Organs as ellipsoids on a bent grid, put in one after the other: later ones lie in front."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from anlage.data.phantoms._fields import FOLD_LIMIT, evaluate, lattice

__all__ = ["Array", "Axes", "Painter", "bent", "depth"]

Array = npt.NDArray[np.floating[Any]]
Floats = npt.NDArray[np.float32]
Axes = tuple[Floats, Floats, Floats]

_BEND_MM = 60.0  # knot spacing of the deformation
_BEND = 0.3  # of the largest one that cannot fold


class Painter:
    """Fills shapes, given as depths inside them, with a value; borders are a voxel wide."""

    def __init__(self, values: Array, pixel_mm: float) -> None:
        self.values = values
        self.pixel_mm = np.float32(pixel_mm)

    def fill(self, depth_mm: Array, value: float) -> None:
        """Put a tissue where the depth is above 0."""
        share = np.clip(depth_mm / self.pixel_mm + np.float32(0.5), 0, 1)
        self.values += share * (np.float32(value) - self.values)


def bent(
    rng: np.random.Generator, axes_mm: Axes, size: float, *, extent_mm: float
) -> tuple[Array, Array, Array]:
    """Return where in the upright body of normal size each point of a patient's grid lies.

    Args:
        rng: Draws the bending and a small shift.
        axes_mm: Positions along three axes, in mm from the middle.
        size: How large the patient is; 1 is normal.
        extent_mm: Edge of the box in which the body lies.
    """
    limit = _BEND * FOLD_LIMIT * _BEND_MM
    knots = rng.uniform(-limit, limit, (3, *lattice(extent_mm, _BEND_MM))).astype(np.float32)
    bend = evaluate(knots, axes_mm, _BEND_MM)
    shift = rng.normal(0, 4, 3)
    x, y, z = (
        ((axis - np.float32(at)) / np.float32(size)).reshape(
            [-1 if n == index else 1 for n in range(3)]
        )
        + bend[index]
        for index, (axis, at) in enumerate(zip(axes_mm, shift, strict=True))
    )
    return x, y, z


def depth(
    x: Array,
    y: Array,
    z: Array,
    middle: tuple[float, float, float],
    radii: tuple[float, float, float],
    *,
    power: float = 2.0,
) -> Array:
    """Return how deep points lie inside an ellipsoid, in mm, about; below 0 outside."""
    far = sum(
        np.abs((axis - np.float32(at)) / np.float32(radius)) ** np.float32(power)
        for axis, at, radius in zip((x, y, z), middle, radii, strict=True)
    )
    deep: Array = (1 - far ** np.float32(1 / power)) * np.float32(min(radii))
    return deep
