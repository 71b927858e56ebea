"""Simulated lesions of known size, as balls that lie in an organ and apart from each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from anlage.data.phantoms._blobs import draw_blob
from anlage.data.phantoms._organs import Array, Axes
from anlage.data.phantoms._plan import Plan

__all__ = ["place_balls"]

_WINDOW = 0.8  # how far from its middle a lesion can reach, in diameters


def place_balls(
    rng: np.random.Generator,
    depth_mm: Array,
    axes_mm: Axes,
    plan: Plan,
    height_mm: float,
    *,
    dims: int,
) -> list[Array]:
    """Place the planned lesions in an organ.

    Args:
        rng: Draws their places and shapes.
        depth_mm: (X, Y, Z) depth inside the organ; below 0 outside.
        axes_mm: Positions along the three axes, in mm; in 2D the last one is a single slice.
        plan: Their sizes.
        height_mm: Where their middles lie on the last axis.
        dims: 2 for slices, 3 for volumes.

    Returns:
        For each of them, which part of each pixel it fills, (X, Y, Z).
    """
    plane = int(np.argmin(np.abs(axes_mm[2] - height_mm)))
    room = depth_mm[..., plane]
    free = np.clip(room - 2, 0, 0.55 * plan.diameter_mm).astype(np.float64) ** 2
    if not free.any():
        free = (room >= room.max()).astype(np.float64)
    pixel_mm = float(axes_mm[0][1] - axes_mm[0][0])
    wholes = []
    for diameter_mm in plan.diameters_mm:
        cumulative = np.cumsum(free.reshape(-1))
        flat = int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
        at_x, at_y = np.unravel_index(min(flat, free.size - 1), free.shape)
        jitter_mm = rng.uniform(-0.5, 0.5, 2) * pixel_mm
        middle_mm = (axes_mm[0][at_x] + jitter_mm[0], axes_mm[1][at_y] + jitter_mm[1], height_mm)
        wholes.append(_filled(rng, depth_mm > 0, axes_mm, middle_mm, diameter_mm, dims=dims))
        away = np.hypot(axes_mm[0][:, None] - middle_mm[0], axes_mm[1][None] - middle_mm[1])
        apart = np.where(away > 0.65 * (diameter_mm + max(plan.diameters_mm)), free, 0)
        free = apart if apart.any() else free
    return wholes


def _filled(
    rng: np.random.Generator,
    allowed: npt.NDArray[np.bool_],
    axes_mm: Axes,
    middle_mm: tuple[float, float, float],
    diameter_mm: float,
    *,
    dims: int,
) -> Array:
    """Return which part of each pixel one lesion fills."""
    blob = draw_blob(rng, diameter_mm)
    away = [axis - np.float32(at) for axis, at in zip(axes_mm, middle_mm, strict=True)]
    near = [np.flatnonzero(np.abs(axis) <= _WINDOW * diameter_mm) for axis in away]
    if dims == 2:
        near[2] = np.array([0])
    whole = np.zeros(allowed.shape, np.float32)
    window = np.ix_(*near)
    whole[window], _ = blob.fill(
        allowed[window],
        (away[0][near[0]], away[1][near[1]], away[2][near[2]]),
        pixel_mm=float(axes_mm[0][1] - axes_mm[0][0]),
        dims=dims,
        core_share=0,
    )
    return whole
