"""The shape of a simulated lesion: a ball, squashed, turned and dented, of an exact size.

Source: after the resection simulator of Perez-Garcia et al., IJCARS 2021,
10.1007/s11548-021-02420-2, code at fepegar/resector.
Departures: the source displaces a mesh by simplex noise and keeps what lies in the tissue,
which loses volume; here a level is drawn everywhere, and a lesion is the right number of
allowed subpixels of the lowest level. Radii vary less (ratio up to 1.4, there 2), so that
every slice near the centre has about the disc of the ball.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

__all__ = ["Blob", "draw_blob"]

Array = npt.NDArray[np.float32]

SUB = 3
"""Subpixels per pixel edge; odd, so that no pixel is covered by exactly one half."""

_LARGEST_RATIO = 1.4
_NUM_DENTS = 6
_DENT_DEPTH = 0.09  # of the radius, standard deviation of each wave
_DENT_WAVES = (0.6, 1.7)  # waves per diameter


@dataclass(frozen=True, kw_only=True)
class Blob:
    """One lesion's shape, around its own centre.

    Attributes:
        diameter_mm: Diameter of the ball of its volume.
        stretch: (3, 3) matrix from mm to radii.
        waves: (num_dents, 3) wave vectors of the dents, in radians per mm.
        phases: (num_dents,) phases of the dents, in radians.
    """

    diameter_mm: float
    stretch: Array
    waves: Array
    phases: Array

    def fill(
        self,
        allowed: npt.NDArray[np.bool_],
        axes_mm: tuple[Array, Array, Array],
        *,
        pixel_mm: float,
        dims: int,
        core_share: float,
    ) -> tuple[Array, Array]:
        """Return which part of each pixel is lesion, and which part is its core.

        Args:
            allowed: (X, Y, Z) where the lesion may grow.
            axes_mm: Pixel centres along x, y and z, from the lesion's middle.
            pixel_mm: Pixel edge.
            dims: 3 for a volume; 2 for one slice (Z = 1), which gets the area that it cuts
                from the ball.
            core_share: The core's diameter as a share of the lesion's.

        Returns:
            Coverage by the lesion and by its core, (X, Y, Z) each, within [0, 1]. The sum over
            pixels is right to one subpixel, unless too little is allowed.
        """
        split = (SUB, SUB, SUB if dims == 3 else 1)
        fine_mm = [_subpixels(*item, pixel_mm) for item in zip(axes_mm, split, strict=True)]
        fine_allowed = allowed
        for axis, parts in enumerate(split):
            fine_allowed = fine_allowed.repeat(parts, axis)
        level = np.where(fine_allowed, self._level(fine_mm), np.inf).reshape(-1)
        size = self._size_mm(dims, float(axes_mm[2][0])) / pixel_mm**dims
        num_fine = min(round(size * SUB**dims), int(fine_allowed.sum()))
        order = np.argsort(level, kind="stable")[:num_fine]
        layers = np.zeros((2, level.size), np.float32)
        layers[0, order] = 1
        layers[1, order[: round(core_share**dims * num_fine)]] = 1
        parts_of = [
            part for edge, sub in zip(allowed.shape, split, strict=True) for part in (edge, sub)
        ]
        whole, core = layers.reshape(2, *parts_of).mean(axis=(2, 4, 6))
        return whole, core

    def _size_mm(self, dims: int, height_mm: float) -> float:
        """Return the ball's volume in mm3, or the area of its slice at a height in mm2."""
        radius = self.diameter_mm / 2
        if dims == 3:
            return 4 / 3 * np.pi * radius**3
        return float(np.pi * max(radius**2 - height_mm**2, 0))

    def _level(self, axes_mm: list[Array]) -> Array:
        points = np.stack(np.meshgrid(*axes_mm, indexing="ij")).reshape(3, -1)
        radius = np.linalg.norm(self.stretch @ points, axis=0)
        dents = np.cos(self.waves @ points + self.phases[:, None]).sum(axis=0)
        level: Array = radius + np.float32(_DENT_DEPTH * np.sqrt(2)) * dents
        return level.reshape([len(axis) for axis in axes_mm])


def draw_blob(rng: np.random.Generator, diameter_mm: float) -> Blob:
    """Draw the shape of one lesion."""
    ratio = rng.uniform(1, _LARGEST_RATIO)
    radii_mm = diameter_mm / 2 * np.array([1, ratio, 1 / ratio])
    turn = Rotation.from_quat(rng.standard_normal(4)).as_matrix()
    directions = rng.standard_normal((_NUM_DENTS, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    lengths = 2 * np.pi / diameter_mm * rng.uniform(*_DENT_WAVES, size=(_NUM_DENTS, 1))
    return Blob(
        diameter_mm=diameter_mm,
        stretch=(turn / radii_mm[:, None]).astype(np.float32),
        waves=(directions * lengths).astype(np.float32),
        phases=rng.uniform(0, 2 * np.pi, _NUM_DENTS).astype(np.float32),
    )


def _subpixels(axis_mm: Array, parts: int, pixel_mm: float) -> Array:
    """Return the centres of an axis's subpixels, in mm."""
    shifts = (np.arange(parts, dtype=np.float32) + 0.5) / parts - 0.5
    return (axis_mm[:, None] + shifts * pixel_mm).reshape(-1).astype(np.float32)
