"""Smooth random fields on a box, as cubic B-splines that are evaluated axis by axis.

A field is a lattice of coefficients. On a grid of X * Y * Z points it costs three small matrix
products, because the grid's axes are straight; no point is interpolated by itself.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

__all__ = ["FOLD_LIMIT", "UNIT_VARIANCE", "evaluate", "lattice", "smooth"]

Array = npt.NDArray[np.float32]

FOLD_LIMIT = 0.4
"""Displacements below this share of the knot spacing cannot fold 3D space.

Source: Choi and Lee, "Injectivity conditions of 2D and 3D uniform cubic B-spline functions",
Graphical Models 62(6), 2000: the bound is 1 / 2.48 in 3D.
"""

UNIT_VARIANCE = (151 / 315) ** -1.5
"""Factor that gives a field of standard normal coefficients variance 1, on average over space."""


def lattice(extent_mm: float, spacing_mm: float) -> tuple[int, int, int]:
    """Return how many coefficients a field over [-extent / 2, extent / 2]^3 has per axis."""
    num_knots = int(np.ceil(extent_mm / spacing_mm)) + 3
    return (num_knots, num_knots, num_knots)


def evaluate(coefficients: Array, axes_mm: tuple[Array, Array, Array], spacing_mm: float) -> Array:
    """Evaluate fields on the grid that three axes span.

    Args:
        coefficients: (..., K, K, K), as ``lattice`` says.
        axes_mm: Positions along x, y and z, in mm from the centre of the box.
        spacing_mm: Distance between knots.

    Returns:
        Fields, (..., X, Y, Z).
    """
    num_knots = coefficients.shape[-1]
    x, y, z = (_basis(axis.tobytes(), num_knots, spacing_mm) for axis in axes_mm)
    partial = y @ (coefficients @ z.T)  # (..., K, K, K) -> (..., K, Y, Z)
    flat = partial.reshape(*partial.shape[:-2], -1)
    return (x @ flat).reshape(*partial.shape[:-3], len(x), len(y), len(z))


@lru_cache(maxsize=64)
def _basis(axis: bytes, num_knots: int, spacing_mm: float) -> Array:
    """Return the (positions, K) weights of each coefficient at each position of one axis."""
    positions = np.frombuffer(axis, np.float32)
    knots = np.arange(num_knots, dtype=np.float32) - (num_knots - 1) / 2
    distance = np.abs(positions[:, None] / spacing_mm - knots)
    near = 2 / 3 - distance**2 * (1 - distance / 2)
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    return np.where(distance < 1, near, far).astype(np.float32)


def smooth(
    rng: np.random.Generator,
    axes_mm: tuple[Array, Array],
    extents_mm: tuple[float, float],
    spacings_mm: tuple[float, float],
) -> Array:
    """Draw a smooth 2D field of variance 1; it does not depend on how finely it is seen.

    Args:
        rng: Draws the coefficients.
        axes_mm: Positions along the two axes, in mm from the middle.
        extents_mm: Length of the two axes.
        spacings_mm: Distance between knots: the size of the features, per axis.

    Returns:
        The field, one value for each pair of positions.
    """
    knots = [
        lattice(extent, spacing)[0] for extent, spacing in zip(extents_mm, spacings_mm, strict=True)
    ]
    coefficients = rng.standard_normal(knots, np.float32) * np.float32(UNIT_VARIANCE ** (2 / 3))
    first, second = (
        _basis(axis.tobytes(), number, spacing)
        for axis, number, spacing in zip(axes_mm, knots, spacings_mm, strict=True)
    )
    return first @ coefficients @ second.T
