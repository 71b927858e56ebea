"""Surfaces between voxels, their area, and how far one lies from another.

Definition. A surface element sits at every corner where 2 x 2 (x 2) voxels meet that are not
all inside or all outside. Its area (2D: length) is sqrt(sum over axes of a^2), where a is the
area of voxel faces between inside and outside across that axis within the block, each face
shared by the 4 (2D: 2) blocks that touch it. So a flat surface has its true area at any
spacing, and a voxel size that differs between axes gives no direction more say than it has.
Beyond the image is outside. Positions are those of DeepMind's surface-distance package (and
MONAI's ``use_subvoxels``); areas differ at edges, where theirs come from marching cubes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import distance_transform_edt

from anlage.metrics._arrays import Bools, Floats
from anlage.metrics.segmentation._masks import crop_to_union

__all__ = ["Distances", "surface_distances"]


@dataclass(frozen=True)
class Distances:
    """From every surface element of one mask to the nearest of the other.

    Attributes:
        distance_mm: Sorted upwards.
        area: In mm^2 (2D: mm), in the same order.
    """

    distance_mm: Float[Floats, " elements"]
    area: Float[Floats, " elements"]

    def percentile_mm(self, percent: float) -> float:
        """Return the least distance within which this share of the surface's area lies."""
        covered = np.cumsum(self.area)
        place = np.searchsorted(covered, covered[-1] * percent / 100 * (1 - 1e-12))
        return float(self.distance_mm[place])

    def area_within(self, tolerance_mm: float) -> float:
        """Return the area that lies no farther than a tolerance."""
        reach = tolerance_mm * (1 + 1e-12)
        return float(self.area[self.distance_mm <= reach].sum())


def surface_distances(
    target: Bool[Bools, "*S"], prediction: Bool[Bools, "*S"], spacing_mm: Sequence[float]
) -> tuple[Distances, Distances]:
    """Measure from the reference's surface to the prediction's, and back.

    Args:
        target: Reference mask with at least one voxel inside.
        prediction: Predicted mask with at least one voxel inside.
        spacing_mm: Edge of a voxel per axis, in mm.
    """
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    areas = [_areas(mask, spacing) for mask in crop_to_union(target, prediction)]
    return _measure(areas[0], areas[1], spacing), _measure(areas[1], areas[0], spacing)


def _areas(mask: Bool[Bools, "*S"], spacing: Float[Floats, " d"]) -> Float[Floats, "*S1"]:
    """Return the area of the surface element at every corner, 0 where there is none."""
    padded = np.pad(mask, 1)
    squares = np.zeros(tuple(length - 1 for length in padded.shape))
    for axis in range(mask.ndim):
        faces = np.diff(padded, axis=axis).astype(np.float64)
        for other in range(mask.ndim):
            if other != axis:
                faces = _neighbour_sums(faces, other) / 2
        squares += (faces * np.prod(np.delete(spacing, axis))) ** 2
    areas: Float[Floats, "*S1"] = np.sqrt(squares)
    return areas


def _neighbour_sums(values: Float[Floats, "*S"], axis: int) -> Float[Floats, "*S1"]:
    first = np.delete(values, -1, axis=axis)
    second = np.delete(values, 0, axis=axis)
    return first + second


def _measure(
    start: Float[Floats, "*S1"], end: Float[Floats, "*S1"], spacing: Float[Floats, " d"]
) -> Distances:
    to_end = distance_transform_edt(end == 0, sampling=spacing)
    is_surface = start > 0
    distance_mm, area = to_end[is_surface], start[is_surface]
    order = np.argsort(distance_mm, kind="stable")
    return Distances(distance_mm[order], area[order])
