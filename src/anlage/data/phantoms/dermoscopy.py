"""Virtual dermoscopy: skin that absorbs light, with pigment, hair, and the lens's dark corners.

Colour follows from what absorbs: skin has a base colour, melanin takes away blue before red, and
deep pigment looks blue-grey.

- ``nevus``: one brown, a calm border, alike on both sides
- ``melanoma``: several colours, an uneven border, unlike from side to side

Marked pictures show the violet dots of a surgeon's pen. The hair follows no dial.

Source: the ABCD rule, Nachbar et al., JAAD 30(4), 1994; surgical ink as a shortcut: Winkler et
al., JAMA Dermatology 155(10), 2019.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from anlage.data.phantoms._camera import expose, tinted
from anlage.data.phantoms._canvas import Line, steps
from anlage.data.phantoms._scene import FlatPhantom, Lesions, Painted, Scene

__all__ = ["Dermoscopy"]

Array = npt.NDArray[np.floating[Any]]

_SKIN = tinted((0.90, 0.72, 0.66))
_MELANIN = tinted((0.55, 1.05, 1.45))
_DEEP = tinted((1.05, 0.95, 0.62))  # pigment far below the surface scatters blue back
_BLOOD = tinted((0.05, 0.60, 0.45))
_INK = tinted((0.36, 0.20, 0.58))
_WAVY = {"nevus": 0.05, "melanoma": 0.14}


class Dermoscopy(FlatPhantom):
    """Pigmented lesions of the skin under a dermatoscope."""

    fov_mm = 24.0
    largest_mm = 18.0
    usual_mm = (5.0, 13.0)
    extra_dials = frozenset({"lesions", "marked_share", "with_clean"})

    @property
    def kinds(self) -> tuple[str, ...]:
        """Lesion kinds, in the order of the mask's values."""
        return tuple(_WAVY)

    def paint(self, scene: Scene) -> Painted:
        """Paint one picture; see :class:`FlatPhantom`."""
        canvas, kind = scene.canvas, scene.plan.kind
        number = len(scene.plan.diameters_mm)
        far = np.hypot(canvas.x, canvas.y)
        reach_mm = np.float32(1.8 if number == 1 else 7.0)
        likely = np.exp(-((far / reach_mm) ** 2)) * (far < 8)
        stretch = 1.15 if kind == "nevus" else 1.25
        lesions = scene.place(likely, wavy=_WAVY[kind], stretch=stretch)
        optical = _skin(scene) + np.float32(scene.contrast) * _pigment(scene, lesions)
        shown = _SKIN * np.exp(-np.clip(optical, 0, None))
        shown = _with_hair(scene, shown)
        if scene.plan.is_marked:
            ink = _ink(scene, lesions)
            shown = shown + 0.85 * ink * (_INK - shown)
        image, clean = expose(
            scene,
            shown.astype(np.float32),
            blur_mm=0.10,
            noise=0.012,
            tint=0.16,
            vignette=0.55,
        )
        return Painted(image=image, clean=clean, lesions=lesions)


def _skin(scene: Scene) -> Array:
    """Return the optical density of skin beyond its base colour, (3, H, W)."""
    canvas, body = scene.canvas, scene.body()
    rng = scene.draws("skin")
    melanin = body.gamma(1.3, 0.07) + 0.022 * canvas.noise(rng, 1.6)
    freckles = steps(canvas.noise(rng, 0.9), 1.7, 2.6) * body.uniform(0, 0.22)
    melanin = melanin + freckles + 0.016 * canvas.noise(rng, 0.35)
    blood = body.uniform(0.05, 0.3) + 0.05 * canvas.noise(rng, 5)
    threads = np.exp(-((canvas.noise(rng, 3.2) / 0.06) ** 2))
    blood = blood + 0.10 * threads * canvas.blur(np.clip(canvas.noise(rng, 4), 0, 2), 0.5)
    density: Array = melanin * _MELANIN + blood * _BLOOD
    return density


def _pigment(scene: Scene, lesions: Lesions) -> Array:
    """Return the optical density of the lesions, (3, H, W)."""
    canvas = scene.canvas
    rng = scene.draws("pigment")
    soft_mm = rng.uniform(0.5, 1.0)
    shape = lesions.cover(canvas, edge_mm=soft_mm)
    inner = np.clip(1 - lesions.radius.min(axis=0), 0, 1)
    network = 0.13 * canvas.noise(rng, 0.5)
    depth = rng.uniform(0.75, 1.25)
    if scene.plan.kind == "nevus":
        brown = depth * (0.75 + 0.35 * inner + network + 0.06 * canvas.noise(rng, 2.0))
        density: Array = np.clip(brown, 0.3, None) * _MELANIN + 0.12 * _BLOOD
    else:
        blotches = canvas.noise(rng, 2.2)
        brown = depth * (0.72 + 0.42 * blotches + 1.5 * network)
        black = steps(canvas.noise(rng, 2.0), 0.4, 1.1) * 0.9
        blue = steps(canvas.noise(rng, 2.6), 0.25, 1.0) * rng.uniform(0.5, 1.0)
        pink = steps(canvas.noise(rng, 2.6), 0.5, 1.2) * 0.8
        brown = np.clip(brown, 0.28, 2.2) * (1 - 0.6 * blue) + black
        density = brown * _MELANIN + blue * _DEEP + pink * _BLOOD
    return shape * density


def _with_hair(scene: Scene, shown: Array) -> Array:
    canvas, body = scene.canvas, scene.body()
    rng = scene.draws("hair")
    number = int(body.choice([0, 0, 3, 8, 18]) * rng.uniform(0.6, 1.4))
    lie = body.uniform(0, 2 * np.pi)
    lines: list[Line] = []
    for _ in range(number):
        turn = lie + rng.normal(0, 0.35)
        along = np.linspace(0, rng.uniform(6, 20), 9)
        bow = rng.normal(0, 0.012) * along**2
        start = rng.uniform(-13, 13, 2)
        x = start[0] + along * np.cos(turn) - bow * np.sin(turn)
        y = start[1] + along * np.sin(turn) + bow * np.cos(turn)
        lines.append((np.stack([x, y], -1), rng.uniform(0.08, 0.2), 1.0))
    if not lines:
        return shown
    shade = tinted((0.16, 0.11, 0.09))
    hair = canvas.strokes(lines)
    return shown + 0.9 * hair * (shade - shown)


def _ink(scene: Scene, lesions: Lesions) -> Array:
    """Draw dots of ink around the lesions, and smears from one to the next, (H, W)."""
    canvas = scene.canvas
    rng = scene.draws("ink")
    ink = np.zeros((canvas.size, canvas.size), np.float32)
    for spot in lesions.spots:
        for turn in rng.uniform(0, 2 * np.pi) + np.arange(4) * np.pi / 2:
            reach = 0.62 * spot.diameter_mm * spot.stretch + 1.3
            x, y = spot.x_mm + reach * np.cos(turn), spot.y_mm + reach * np.sin(turn)
            away = canvas.ellipse(x, y, 0.75, 0.5, rng.uniform(0, 180))
            ink = np.maximum(ink, steps(-away, -0.25, 0.15))
    rough: Array = ink * np.clip(0.9 + 0.15 * canvas.noise(rng, 0.6), 0, 1)
    return rough
