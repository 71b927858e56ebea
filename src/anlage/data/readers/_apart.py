"""How far apart two grids of one shape lie in the patient."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["apart_mm", "is_apart"]

_NEAR = 0.25  # of the smallest voxel edge: rounding in headers, no shift of a whole voxel


def apart_mm(
    affine: npt.NDArray[np.float64], other: npt.NDArray[np.float64], space: Sequence[int]
) -> float:
    """Return the greatest distance between the same voxel of two grids, which a corner has.

    Args:
        affine: (4, 4) from voxel index to mm.
        other: The same for the other grid.
        space: Edges of both, (*S).
    """
    corners = [(*ends, 1) for ends in itertools.product(*[(0, edge - 1) for edge in space])]
    moved = np.array(corners) @ (affine - other).T  # (8, 4)
    return float(np.linalg.norm(moved[:, :3], axis=1).max())


def is_apart(distance_mm: float, affine: npt.NDArray[np.float64]) -> bool:
    """Whether that distance is more than a quarter of the smallest voxel edge."""
    return distance_mm > _NEAR * float(np.linalg.norm(affine[:3, :3], axis=0).min())
