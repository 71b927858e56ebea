"""Turn a volume so that its axes run to the patient's right, front and top (RAS+).

Axes are only swapped and flipped, never resampled: an oblique volume keeps its oblique affine,
and each axis is named after the direction it is closest to.

Source: nibabel.orientations, io_orientation and inv_ornt_aff.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from nibabel import orientations

from anlage.data.readers._turn import Turn
from anlage.errors import DataError

__all__ = ["Affine", "canonical", "canonical_grid", "canonical_turn", "check_affine", "voxel_mm"]

Affine = npt.NDArray[np.float64]

_LEAST_VOLUME = 1e-3  # of a voxel whose edges were perpendicular: flatter ones are no grid


def canonical(
    pixels: npt.NDArray[np.generic], affine: Affine
) -> tuple[npt.NDArray[np.generic], Affine]:
    """Return a volume and its affine with axes in RAS+ order.

    Args:
        pixels: (C, *S) with three spatial axes in any order and direction.
        affine: (4, 4) from voxel index to mm in RAS+.

    Returns:
        The same voxels, (C, X, Y, Z), and the (4, 4) affine that goes with them.
    """
    turn = orientations.io_orientation(affine)
    moved = orientations.apply_orientation(np.moveaxis(pixels, 0, -1), turn)
    _, turned = canonical_grid(pixels.shape[1:], affine)
    return np.ascontiguousarray(np.moveaxis(moved, -1, 0)), turned


def canonical_grid(shape: tuple[int, ...], affine: Affine) -> tuple[tuple[int, ...], Affine]:
    """Return the shape (X, Y, Z) and the affine that :func:`canonical` will give.

    Args:
        shape: Three edges, in any order.
        affine: (4, 4) from voxel index to mm in RAS+.
    """
    turn = orientations.io_orientation(affine)
    sources = np.argsort(turn[:, 0])
    turned = affine @ orientations.inv_ornt_aff(turn, shape)
    return tuple(shape[source] for source in sources), turned


def canonical_turn(affine: Affine) -> Turn:
    """Return what :func:`canonical` does to the axes of a volume with this affine."""
    turn = orientations.io_orientation(affine)
    sources = [int(source) for source in np.argsort(turn[:, 0])]
    return Turn(
        axes=tuple(sources), is_flipped=tuple(bool(turn[source, 1] < 0) for source in sources)
    )


def voxel_mm(affine: Affine) -> tuple[float, ...]:
    """Return the edge lengths of a voxel per array axis, in mm."""
    return tuple(float(edge) for edge in np.linalg.norm(affine[:3, :3], axis=0))


def check_affine(affine: Affine) -> Affine:
    """Return an affine that maps a grid of voxels onto a grid of points.

    Raises:
        DataError: If it holds NaN or infinity, or squeezes space flat.
    """
    if not np.isfinite(affine).all():
        raise DataError(
            "the map from voxels to mm must be finite numbers, got NaN or infinity. Convert "
            "the image again from its source."
        )
    edges = np.linalg.norm(affine[:3, :3], axis=0)
    if (edges == 0).any() or abs(np.linalg.det(affine[:3, :3] / edges)) < _LEAST_VOLUME:
        raise DataError(
            "the map from voxels to mm must be invertible, got one that squeezes space flat "
            f"(voxel edges {edges[0]:g}, {edges[1]:g}, {edges[2]:g} mm). Convert the image "
            "again from its source."
        )
    return affine
