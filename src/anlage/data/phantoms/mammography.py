"""Virtual mammograms: a breast of fat and gland against air, with cloudy tissue at all scales.

- ``mass``: a bright, uneven body, denser than gland
- ``calcifications``: a cluster of bright specks; the cluster is what the mask and size mean

The chest wall is at the left or the right edge, equally often.

Source: glandular tissue as noise whose power falls with the third power of frequency, Burgess,
Medical Physics 28(4), 2001.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from anlage.data.phantoms._camera import expose
from anlage.data.phantoms._canvas import cover, steps
from anlage.data.phantoms._scene import FlatPhantom, Lesions, Painted, Scene

__all__ = ["Mammography"]

Array = npt.NDArray[np.floating[Any]]

_WAVY = {"mass": 0.11, "calcifications": 0.08}
_SPECKS_PER_MM2 = 0.11
_OCTAVES_MM = (40, 20, 10, 5, 2.5)


class Mammography(FlatPhantom):
    """Craniocaudal mammograms."""

    fov_mm = 160.0
    largest_mm = 45.0
    usual_mm = (10.0, 28.0)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Lesion kinds, in the order of the mask's values."""
        return tuple(_WAVY)

    def paint(self, scene: Scene) -> Painted:
        """Paint one picture; see :class:`FlatPhantom`."""
        canvas, body = scene.canvas, scene.body()
        side = 1 if body.random() < 0.5 else -1
        away_mm, breast = _breast(scene, side)
        rng = scene.draws("gland")
        dense = body.uniform(-0.9, 0.9)
        wide_mm = body.uniform(45, 60)
        cloud = sum(
            np.float32((scale_mm / 40) ** 0.5) * canvas.noise(rng, scale_mm)
            for scale_mm in _OCTAVES_MM
        )
        middle = np.hypot((away_mm - 42) / wide_mm, canvas.y / np.float32(wide_mm))
        gland = steps(1.2 * cloud / 1.6 + dense + 1.1 - 1.5 * middle, -0.9, 2.2)
        threads = np.exp(-((canvas.noise(rng, 16, 9) / 0.05) ** 2)) * 0.07
        tissue = 0.24 + 0.46 * gland + threads + 0.02 * cloud
        inner = breast * (away_mm > 8) * (middle < 1.15)
        lesions = scene.place(
            steps(canvas.blur(inner.astype(np.float32), 4), 0.85, 0.95), wavy=_WAVY[scene.plan.kind]
        )
        tissue = tissue + np.float32(scene.contrast) * _lesion(scene, lesions)
        shown = 0.02 + 1.12 * tissue * breast
        image, clean = expose(
            scene, shown[None].astype(np.float32), blur_mm=0.7, noise=0.013, tone=0.3
        )
        return Painted(image=image, clean=clean, lesions=lesions)


def _breast(scene: Scene, side: int) -> tuple[Array, Array]:
    """Return the distance from the chest wall in mm, and the breast's thickness, 0 to 1."""
    canvas, body = scene.canvas, scene.body()
    pose = scene.draws("pose")
    away_mm = np.float32(canvas.fov_mm / 2) + side * canvas.x
    tall_mm, long_mm = body.uniform(62, 76), body.uniform(82, 118)
    down = canvas.y - np.float32(pose.normal(0, 4))
    far = np.hypot(np.clip(away_mm, 0, None) / long_mm, np.abs(down / tall_mm) ** 1.15)
    inside_mm = (1 - far) * np.float32(tall_mm)
    skin = np.exp(-(((inside_mm - 1.5) / 1.6) ** 2))
    thick = cover(-inside_mm, canvas.pixel_mm) * (0.35 + 0.65 * steps(inside_mm, 0, 16))
    return away_mm, np.clip(thick + 0.18 * skin * (inside_mm > 0), 0, 1)


def _lesion(scene: Scene, lesions: Lesions) -> Array:
    """Return how much brighter the lesions are, (H, W)."""
    canvas = scene.canvas
    if scene.plan.kind == "mass":
        body: Array = steps(-lesions.radius, -1.12, -0.55).max(axis=0)
        return 0.30 * body
    rng = scene.draws("specks")
    specks = np.zeros((canvas.size, canvas.size), np.float32)
    for spot in lesions.spots:
        area = np.pi / 4 * spot.diameter_mm**2
        number = int(np.clip(_SPECKS_PER_MM2 * area, 6, 60))
        reach = 0.46 * spot.diameter_mm * np.sqrt(rng.random(number))
        turn = rng.uniform(0, 2 * np.pi, number)
        for far, angle, width in zip(reach, turn, rng.uniform(0.5, 1.0, number), strict=True):
            x = canvas.x - np.float32(spot.x_mm + far * np.cos(angle))
            y = canvas.y - np.float32(spot.y_mm + far * np.sin(angle))
            sigma = max(width, 0.42 * canvas.pixel_mm)
            specks += np.exp(-(x**2) / (2 * sigma**2)) * np.exp(-(y**2) / (2 * sigma**2))
    bright: Array = np.clip(0.55 * specks, 0, 0.6)
    return bright
