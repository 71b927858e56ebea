"""The square that a 2D phantom is drawn on, in mm, and the smooth noise and strokes drawn there.

Everything is placed in mm from the middle, x to the right and y down, so a picture shows the
same thing at every size. A pixel's coverage says which part of it something fills.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy import ndimage

from anlage.data.phantoms._fields import smooth

__all__ = ["Canvas", "Line", "Points", "cover", "steps"]

Array = npt.NDArray[np.floating[Any]]
Points = Sequence[tuple[float, float]] | npt.NDArray[np.float64]
Line = tuple[Points, float, float]
"""The (x, y) points of a stroke in mm, its width in mm, and its ink from 0 to 1."""

_SUB = 4  # subpixels per pixel edge of strokes and polygons
_BLACK_WHITE = 255


@dataclass(frozen=True)
class Canvas:
    """A square of ``fov_mm`` seen with ``size`` x ``size`` pixels."""

    size: int
    fov_mm: float

    @property
    def pixel_mm(self) -> float:
        """Edge of a pixel."""
        return self.fov_mm / self.size

    @cached_property
    def axis_mm(self) -> npt.NDArray[np.float32]:
        """Pixel centres along either axis, (size,)."""
        middle = (self.size - 1) / 2
        return ((np.arange(self.size) - middle) * self.pixel_mm).astype(np.float32)

    @property
    def x(self) -> npt.NDArray[np.float32]:
        """Pixel centres along a row, (1, size)."""
        return self.axis_mm[None, :]

    @property
    def y(self) -> npt.NDArray[np.float32]:
        """Pixel centres along a column, (size, 1)."""
        return self.axis_mm[:, None]

    def noise(
        self, rng: np.random.Generator, scale_mm: float, down_mm: float | None = None
    ) -> Array:
        """Draw smooth noise of variance 1.

        Args:
            rng: Draws it.
            scale_mm: Size of its features, along rows.
            down_mm: Their size along columns; None for the same.
        """
        scales = (scale_mm if down_mm is None else down_mm, scale_mm)
        return smooth(rng, (self.axis_mm, self.axis_mm), (self.fov_mm, self.fov_mm), scales)

    def grain(self, rng: np.random.Generator, sigma_mm: float = 0.0) -> Array:
        """Draw noise of variance 1 that is new in each pixel, blurred if asked, (size, size)."""
        white = rng.standard_normal((self.size, self.size), np.float32)
        if sigma_mm < 0.3 * self.pixel_mm:
            return white
        blurred = self.blur(white, sigma_mm)
        grained: Array = blurred / blurred.std()
        return grained

    def blur(self, image: Array, sigma_mm: float) -> Array:
        """Blur the two last axes."""
        sigma = sigma_mm / self.pixel_mm
        if sigma < 0.15:
            return image
        sigmas = (0.0,) * (image.ndim - 2) + (sigma, sigma)
        blurred: Array = ndimage.gaussian_filter(image, sigmas, mode="nearest", truncate=3)
        return blurred

    def ellipse(
        self, x_mm: float, y_mm: float, across_mm: float, down_mm: float, degrees: float = 0.0
    ) -> Array:
        """Return how far each pixel is from an ellipse, in mm and below 0 inside, about.

        Args:
            x_mm: Its middle, to the right.
            y_mm: Its middle, down.
            across_mm: Half its width.
            down_mm: Half its height.
            degrees: Turn, clockwise.
        """
        angle = np.deg2rad(degrees)
        cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        dx, dy = self.x - np.float32(x_mm), self.y - np.float32(y_mm)
        along = (dx * cosine + dy * sine) / np.float32(across_mm)
        beside = (dy * cosine - dx * sine) / np.float32(down_mm)
        return (np.hypot(along, beside) - 1) * np.float32(min(across_mm, down_mm))

    def strokes(self, lines: Iterable[Line]) -> Array:
        """Draw lines, later ones over earlier ones; return their ink, 0 to 1, (size, size)."""
        return self._inked(lines)

    def polygons(self, shapes: Iterable[tuple[Points, float]]) -> Array:
        """Fill polygons, each as its (x, y) points and its ink; later ones cover earlier ones."""
        return self._inked((points, None, ink) for points, ink in shapes)

    def _inked(self, shapes: Iterable[tuple[Points, float | None, float]]) -> Array:
        edge = self.size * _SUB
        sheet = Image.new("L", (edge, edge))
        draw = ImageDraw.Draw(sheet)
        scale = _SUB / self.pixel_mm
        for points, width_mm, ink in shapes:
            place = np.asarray(points, np.float64) * scale + edge / 2 - 0.5
            flat = place.ravel().tolist()
            fill = round(_BLACK_WHITE * ink)
            if width_mm is None:
                draw.polygon(flat, fill=fill)
            else:
                draw.line(flat, fill=fill, width=max(round(width_mm * scale), 1), joint="curve")
        fine = np.asarray(sheet, np.float32).reshape(self.size, _SUB, self.size, _SUB)
        inked: Array = fine.mean(axis=(1, 3)) / _BLACK_WHITE
        return inked


def cover(distance_mm: Array, edge_mm: float) -> Array:
    """Return the coverage of a shape from distances to it, its border ``edge_mm`` wide."""
    shares: Array = np.clip(np.float32(0.5) - distance_mm / np.float32(edge_mm), 0, 1)
    return shares


def steps(values: Array, low: float, high: float) -> Array:
    """Return a smooth step: 0 up to ``low``, 1 from ``high``."""
    share = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    stepped: Array = share * share * (3 - 2 * share)
    return stepped
