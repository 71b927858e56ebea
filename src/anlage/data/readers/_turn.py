"""How an image lies against its file: which axes changed places, and which run backwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Turn"]


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn by whole quarters and mirrors: axes are swapped first, then flipped.

    Attributes:
        axes: For each spatial axis of the image, which axis of the file it was.
        is_flipped: For each spatial axis of the image, whether it runs against the file's.
    """

    axes: tuple[int, ...]
    is_flipped: tuple[bool, ...]

    def box(
        self, low: Sequence[float], high: Sequence[float], shape: Sequence[int]
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Move the corners of a box from the file's axes to the image's.

        Args:
            low: First edge per axis of the file, in pixels; 0 is the outer edge of pixel 0.
            high: Last edge per axis of the file.
            shape: Edges of the turned image, (*S).

        Returns:
            Low and high corners on the image's axes.
        """
        sides = []
        for axis, is_flipped, edge in zip(self.axes, self.is_flipped, shape, strict=True):
            near, far = low[axis], high[axis]
            sides.append((edge - far, edge - near) if is_flipped else (near, far))
        return tuple(near for near, _ in sides), tuple(far for _, far in sides)
