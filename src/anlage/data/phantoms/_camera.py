"""How a hospital's camera or detector shows a scene: tint, tone, vignette, blur and noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from anlage.data.phantoms._canvas import Canvas, steps
from anlage.data.phantoms._scene import Scene

__all__ = ["expose", "tinted"]

Array = npt.NDArray[np.floating[Any]]


def tinted(colour: tuple[float, float, float]) -> Array:
    """Return a colour as (3, 1, 1)."""
    return np.array(colour, np.float32)[:, None, None]


def expose(
    scene: Scene,
    image: Array,
    *,
    blur_mm: float,
    noise: float = 0.015,
    tint: float = 0.12,
    tone: float = 0.25,
    vignette: float = 0.0,
) -> tuple[Array, Array]:
    """Return the picture as acquired and the same without blur and noise, (C, H, W) each.

    Args:
        scene: Whose site it is.
        image: (C, H, W) within [0, 1].
        blur_mm: Blur of a middling site; the blurriest has twice that.
        noise: Noise of a middling site.
        tint: Log gain of red and blue that a site of strength 1 has at most.
        tone: Log exponent of its tone curve at most.
        vignette: Darkening of the corners of a middling site.
    """
    rng = scene.draws("camera")
    own = rng.normal(0, 1, 3)
    canvas, site = scene.canvas, scene.site
    shown = np.clip(image, 0, 1)
    if len(image) == 3:
        log_gain = tint * (site[:2] + 0.15 * own[:2])
        gain = np.exp([log_gain[0], -0.3 * (log_gain[0] + log_gain[1]), log_gain[1]])
        shown = shown * tinted((gain[0], gain[1], gain[2]))
    exponent = np.exp(tone * (site[2] + 0.12 * own[2]))
    shown = np.clip(shown, 0, 1) ** np.float32(exponent)
    if vignette:
        shown = shown * (1 - np.float32(vignette * (1 + site[3])) * _corners(canvas))
    blurred = canvas.blur(shown, blur_mm * (1 + site[4]))
    level = np.float32(noise * (1 + 0.85 * site[5]))
    white = rng.standard_normal(image.shape, np.float32)
    return np.clip(blurred + level * white, 0, 1), np.clip(shown, 0, 1)


def _corners(canvas: Canvas) -> Array:
    far = np.hypot(canvas.x, canvas.y) / np.float32(canvas.fov_mm / 2)
    return steps(far, 0.5, 1.45)
