"""The outline of a lesion in 2D: an ellipse with a wavy border, of an exact area.

In polar coordinates around its middle, the border lies at R (1 + sum a_k cos(k t + p_k)) / n,
on axes that are stretched by s and 1 / s; n = sqrt(1 + sum a_k^2 / 2) keeps the area at that of
the disc of radius R.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from anlage.data.phantoms._canvas import Canvas

__all__ = ["Spot", "draw_spots"]

Array = npt.NDArray[np.floating[Any]]

_WAVES = np.arange(2, 8)
_APART = 1.25  # least distance of two middles, in mean diameters


@dataclass(frozen=True, kw_only=True)
class Spot:
    """One lesion's outline.

    Attributes:
        x_mm: Its middle, to the right of the image's.
        y_mm: Its middle, below the image's.
        diameter_mm: Diameter of the disc of its area.
        angle: Turn of its long axis, in radians.
        stretch: Long axis as a multiple of the diameter.
        heights: Height of each wave of the border, in radii.
        phases: Phase of each wave, in radians.
    """

    x_mm: float
    y_mm: float
    diameter_mm: float
    angle: float
    stretch: float
    heights: npt.NDArray[np.float64]
    phases: npt.NDArray[np.float64]

    def radius(self, x: Array, y: Array) -> Array:
        """Return how far points are from the middle: 1 is the border, below 1 is inside."""
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        dx, dy = x - np.float32(self.x_mm), y - np.float32(self.y_mm)
        along = (dx * np.float32(cosine) + dy * np.float32(sine)) / np.float32(self.stretch)
        beside = (dy * np.float32(cosine) - dx * np.float32(sine)) * np.float32(self.stretch)
        turn = np.exp(1j * np.arctan2(beside, along))
        border = np.full(turn.shape, 1, np.float32)
        wave = turn * turn
        for height, phase in zip(self.heights, self.phases, strict=True):
            border += np.float32(height) * (wave * np.complex64(np.exp(1j * phase))).real
            wave = wave * turn
        norm = np.sqrt(1 + np.square(self.heights).sum() / 2)
        border *= np.float32(self.diameter_mm / 2 / norm)
        far: Array = np.hypot(along, beside) / border
        return far

    def ends(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the (x, y) of the two ends of its long axis."""
        reach = self.diameter_mm / 2 * self.stretch
        dx, dy = reach * np.cos(self.angle), reach * np.sin(self.angle)
        return (self.x_mm - dx, self.y_mm - dy), (self.x_mm + dx, self.y_mm + dy)


def draw_spots(
    rng: np.random.Generator,
    canvas: Canvas,
    likely: Array,
    diameters_mm: Sequence[float],
    *,
    wavy: float,
    stretch: float,
) -> tuple[Spot, ...]:
    """Draw outlines apart from each other, if there is room.

    Args:
        rng: Draws places and shapes.
        canvas: What they are drawn on.
        likely: (H, W) how likely a middle lies at each pixel; 0 is never.
        diameters_mm: Diameter of each.
        wavy: Standard deviation of the border, in radii.
        stretch: Largest ratio of long axis and diameter.
    """
    spots: list[Spot] = []
    free = np.array(likely, np.float64)
    for diameter_mm in diameters_mm:
        heights = rng.standard_normal(len(_WAVES)) / _WAVES
        heights *= wavy * np.sqrt(2) / max(float(np.linalg.norm(heights)), 1e-6)
        x_mm, y_mm = _middle(rng, canvas, free if free.any() else likely.astype(np.float64))
        spot = Spot(
            x_mm=x_mm,
            y_mm=y_mm,
            diameter_mm=diameter_mm,
            angle=float(rng.uniform(0, np.pi)),
            stretch=float(rng.uniform(1, stretch)),
            heights=heights,
            phases=rng.uniform(0, 2 * np.pi, len(_WAVES)),
        )
        spots.append(spot)
        away = np.hypot(canvas.x - x_mm, canvas.y - y_mm)
        free = np.where(away > _APART * (diameter_mm + max(diameters_mm)) / 2, free, 0)
    return tuple(spots)


def _middle(
    rng: np.random.Generator, canvas: Canvas, likely: npt.NDArray[np.float64]
) -> tuple[float, float]:
    """Draw a point, in mm."""
    cumulative = np.cumsum(likely.reshape(-1))
    flat = np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right")
    row, column = np.unravel_index(min(int(flat), likely.size - 1), likely.shape)
    jitter_mm = rng.uniform(-0.5, 0.5, 2) * canvas.pixel_mm
    axis = canvas.axis_mm
    return float(axis[column] + jitter_mm[0]), float(axis[row] + jitter_mm[1])
