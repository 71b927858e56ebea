"""Virtual endoscopy: the lit wall of a colon, its folds, its wet shine.

The wall is a height map: light falls on it from the camera, so folds and polyps have a bright
and a dark side, and a wet wall shines where it faces the light.

- ``polyp``: a smooth dome, redder than the wall
- ``ulcer``: a flat, pale yellow floor with a red rim
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from anlage.data.phantoms._camera import expose, tinted
from anlage.data.phantoms._canvas import cover, steps
from anlage.data.phantoms._scene import FlatPhantom, Lesions, Painted, Scene

__all__ = ["Endoscopy"]

Array = npt.NDArray[np.floating[Any]]

_MUCOSA = tinted((0.88, 0.46, 0.36))
_BLOOD = tinted((0.60, 0.14, 0.12))
_POLYP = tinted((0.86, 0.33, 0.27))
_FLOOR = tinted((0.93, 0.84, 0.56))
_RIM = tinted((0.72, 0.16, 0.14))
_WAVY = {"polyp": 0.05, "ulcer": 0.11}


class Endoscopy(FlatPhantom):
    """Pictures of the colon from within."""

    fov_mm = 40.0
    largest_mm = 22.0
    usual_mm = (5.0, 14.0)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Lesion kinds, in the order of the mask's values."""
        return tuple(_WAVY)

    def paint(self, scene: Scene) -> Painted:
        """Paint one picture; see :class:`FlatPhantom`."""
        canvas, kind = scene.canvas, scene.plan.kind
        pose = scene.draws("pose")
        reach, turn = pose.uniform(5, 15), pose.uniform(0, 2 * np.pi)
        lumen = (reach * np.cos(turn), reach * np.sin(turn))
        dx, dy = canvas.x - np.float32(lumen[0]), canvas.y - np.float32(lumen[1])
        dx = dx + 1.4 * canvas.noise(pose, 9)
        dy = dy + 1.4 * canvas.noise(pose, 9)
        deep_mm = np.hypot(dx, dy * np.float32(pose.uniform(0.85, 1.2)))
        likely = (deep_mm > 8) * (np.hypot(canvas.x, canvas.y) < 14)
        lesions = scene.place(likely + np.float32(1e-9), wavy=_WAVY[kind], stretch=1.3)
        height, lit, open_lit = _wall(scene, deep_mm, np.arctan2(dy, dx))
        shown = _coloured(scene, lesions)
        inside = np.float32(scene.contrast) * lesions.cover(canvas, edge_mm=0.8)
        height = height * (1 - 0.85 * inside) + np.float32(scene.contrast) * _relief(scene, lesions)
        lit = lit + inside * (open_lit - lit)
        shade, shine = _light(scene, canvas.blur(height, 0.25))
        shown = shown * (lit * shade) + shine * lit
        frame = _frame(scene)
        image, clean = expose(
            scene, shown.astype(np.float32), blur_mm=0.18, noise=0.012, tint=0.14, vignette=0.35
        )
        return Painted(image=image * frame, clean=clean * frame, lesions=lesions)


def _wall(scene: Scene, deep_mm: Array, turn: Array) -> tuple[Array, Array, Array]:
    """Return the healthy wall's height in mm, and the light there with and without folds."""
    canvas = scene.canvas
    rng = scene.draws("folds")
    start, ratio = rng.uniform(3.5, 6.0), rng.uniform(1.5, 1.8)
    lobes = 3  # the colon's three bands make its opening a rounded triangle
    triangle = 1 + 0.12 * np.cos(lobes * turn + rng.uniform(0, 2 * np.pi))
    rings = np.log(np.clip(deep_mm / triangle, 0.3, None) / start) / np.log(ratio)
    phase = rings - np.floor(rings)
    fold = np.where(phase < 0.75, phase / 0.75, (1 - phase) / 0.25)
    broken = 0.6 + 0.4 * canvas.noise(rng, 12)
    outside = steps(deep_mm, start * 0.8, start * 1.4)
    height = 0.16 * deep_mm * fold * np.clip(broken, 0.1, 1.4) * outside
    height = height + 0.10 * canvas.noise(rng, 1.6) + 0.35 * canvas.noise(rng, 6)
    lit = 0.10 + 0.90 * steps(deep_mm, 1.0, 17)
    in_folds = lit * (1 - 0.25 * outside * steps(-fold, -0.25, 0.05))
    return height.astype(np.float32), in_folds.astype(np.float32), lit.astype(np.float32)


def _coloured(scene: Scene, lesions: Lesions) -> Array:
    """Return the colour of the wall with its lesions, before light, (3, H, W)."""
    canvas, body = scene.canvas, scene.body()
    rng = scene.draws("colour")
    blush = np.clip(0.16 + 0.10 * canvas.noise(rng, 5) + body.normal(0, 0.05), 0, 1)
    threads = np.exp(-((canvas.noise(rng, 3.4) / 0.07) ** 2))
    threads = threads * steps(canvas.noise(rng, 6), -0.3, 0.8)
    shown: Array = _MUCOSA + np.clip(blush + 0.38 * threads, 0, 1) * (_BLOOD - _MUCOSA)
    contrast = np.float32(scene.contrast)
    inside = contrast * lesions.cover(canvas, edge_mm=0.5)
    pits = 1 + 0.07 * canvas.noise(rng, 0.7)
    if scene.plan.kind == "polyp":
        shown += 0.75 * inside * (_POLYP * pits - shown)
    else:
        rim = np.exp(-(((lesions.radius.min(axis=0) - 0.95) / 0.16) ** 2))
        shown += inside * (_FLOOR * (1 + 0.08 * canvas.noise(rng, 1.2)) - shown)
        shown += 0.7 * contrast * rim * (_RIM - shown)
    return shown


def _relief(scene: Scene, lesions: Lesions) -> Array:
    """Return how far the lesions rise above the wall, in mm, (H, W)."""
    sizes = np.array(scene.plan.diameters_mm, np.float32)[:, None, None]
    near = np.clip(1 - lesions.radius**2, 0, 1)
    if scene.plan.kind == "polyp":
        shape = 0.34 * near**0.8
    else:
        shape = 0.05 * np.exp(-(((lesions.radius - 1) / 0.15) ** 2)) - 0.06 * steps(near, 0, 0.4)
    rise: Array = (sizes * shape).max(axis=0)
    return rise


def _light(scene: Scene, height_mm: Array) -> tuple[Array, Array]:
    """Return how bright a wall of this height is, and its wet shine, (H, W) each."""
    canvas = scene.canvas
    down, across = np.gradient(height_mm, canvas.pixel_mm)
    lamp_mm = 26.0  # the lamp's height above the wall's middle
    norm = np.sqrt(1 + down**2 + across**2)
    to_lamp = np.sqrt(canvas.x**2 + canvas.y**2 + lamp_mm**2)
    towards = (across * canvas.x + down * canvas.y + lamp_mm) / (norm * to_lamp)
    shade = np.clip(0.40 + 0.68 * np.clip(towards, 0, 1), 0, 1.15)
    wet = scene.draws("shine")
    facing = towards + 0.02 * canvas.noise(wet, 1.0) + 0.012 * canvas.noise(wet, 4)
    shine = 0.8 * steps(facing, 0.992, 1.012) * steps(canvas.noise(wet, 3), 0.2, 0.7)
    return shade.astype(np.float32), shine.astype(np.float32)


def _frame(scene: Scene) -> Array:
    """Return what the endoscope shows: makers cut the corners differently, (H, W)."""
    canvas = scene.canvas
    side = np.maximum(np.abs(canvas.x), np.abs(canvas.y))
    corner = (np.abs(canvas.x) + np.abs(canvas.y)) / np.float32(np.sqrt(2))
    half = np.float32(canvas.fov_mm / 2)
    cut = np.maximum(side - half, corner - half * np.float32(1.16 + 0.2 * scene.site[6]))
    return cover(cut, canvas.pixel_mm)
