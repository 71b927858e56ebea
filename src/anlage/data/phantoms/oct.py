"""Virtual OCT: a section through the fovea, layer by layer, with speckle.

- ``cyst``: a dark hollow within the retina, between ganglion cells and receptors
- ``drusen``: a bright deposit on Bruch's membrane, which the receptors bulge over

Source: order and thickness of the layers after Staurenghi et al., Ophthalmology 121(8), 2014
(the IN-OCT consensus), and Bagci et al., AJO 146(5), 2008; in real scans depth is drawn
larger than breadth, here both have one scale.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from anlage.data.phantoms._camera import expose
from anlage.data.phantoms._canvas import Canvas, steps
from anlage.data.phantoms._scene import FlatPhantom, Lesions, Painted, Scene

__all__ = ["Oct"]

Array = npt.NDArray[np.floating[Any]]

# Thickness in mm at the foveal rim and in its pit, and brightness, from the vitreous down.
_LAYERS = (
    (0.034, 0.004, 0.72),  # nerve fibres
    (0.080, 0.008, 0.46),  # ganglion cells, inner plexiform
    (0.044, 0.008, 0.27),  # inner nuclear
    (0.032, 0.010, 0.50),  # outer plexiform
    (0.082, 0.100, 0.20),  # outer nuclear
    (0.034, 0.040, 0.74),  # receptors
    (0.014, 0.016, 0.30),  # between receptors and pigment
    (0.028, 0.028, 0.98),  # pigment epithelium
)
_RECEPTORS = 5  # index of their upper border
_VITREOUS, _CHOROID = 0.035, 0.55
_KINDS = {"cyst": 0.04, "drusen": 0.72}


class Oct(FlatPhantom):
    """B-scans of the macula."""

    fov_mm = 1.6
    largest_mm = 0.36
    usual_mm = (0.10, 0.24)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Lesion kinds, in the order of the mask's values."""
        return tuple(_KINDS)

    def paint(self, scene: Scene) -> Painted:
        """Paint one picture; see :class:`FlatPhantom`."""
        canvas, kind = scene.canvas, scene.plan.kind
        borders = _borders(scene)
        diameter_mm = np.float32(scene.plan.diameter_mm)
        inner = np.abs(canvas.x) < 0.62
        room: Array = np.zeros_like(canvas.x)
        middle = borders[-2] - np.float32(0.2) * diameter_mm
        if kind == "cyst":
            room = np.clip((borders[_RECEPTORS] - borders[0]) / diameter_mm, 0, 1.2)
            middle = (borders[1] + borders[_RECEPTORS]) / 2
        level = np.exp(-(((canvas.y - middle) / np.float32(0.02)) ** 2))
        lesions = scene.place(level * inner * np.exp(8 * room) + 1e-12, wavy=0.06, stretch=1.2)
        if kind == "drusen":
            borders = _bulged(scene, borders, lesions)
        shown = _reflected(scene, borders)
        shape = np.float32(scene.contrast) * lesions.cover(canvas, edge_mm=0.02)
        shown = shown + shape * (_KINDS[kind] - shown)
        grain = _speckle(scene)
        clean_lit, lit = (
            np.clip(picture, 0, 1)[None] for picture in (shown, shown * grain + 0.03 * grain)
        )
        image, _ = expose(scene, lit, blur_mm=0.006, noise=0.02, tone=0.35)
        _, clean = expose(scene, clean_lit, blur_mm=0.006, noise=0.02, tone=0.35)
        return Painted(image=image, clean=clean, lesions=lesions)


def _borders(scene: Scene) -> list[Array]:
    """Return the height of each border at each column, (1, W), from the vitreous to the choroid."""
    canvas, body = scene.canvas, scene.body()
    rng = scene.draws("pose")
    pit_mm = rng.normal(0, 0.15)
    wide = body.uniform(0.26, 0.36)
    pit = np.exp(-(((canvas.x - np.float32(pit_mm)) / np.float32(wide)) ** 2))
    tilt = rng.normal(0, 0.08)
    bowl = rng.uniform(0.0, 0.10)
    base = rng.normal(0.22, 0.06) + tilt * canvas.x - bowl * canvas.x**2
    thick = body.normal(1, 0.07)
    layers = [
        np.float32(thick) * (rim + (middle - rim) * pit + 0.006 * _ripple(canvas, rng))
        for rim, middle, _ in _LAYERS
    ]
    heights = [base]
    for layer in reversed(layers):
        heights.append(heights[-1] - np.clip(layer, 0.004, None))
    return heights[::-1]


def _ripple(canvas: Canvas, rng: np.random.Generator) -> Array:
    """Draw a smooth line of variance 1, (1, W)."""
    return canvas.noise(rng, 0.3, canvas.fov_mm)[:1]


def _bulged(scene: Scene, borders: list[Array], lesions: Lesions) -> list[Array]:
    """Lift the borders above a deposit."""
    canvas = scene.canvas
    top = borders[-2]
    for spot in lesions.spots:
        half = np.float32(spot.diameter_mm / 2 * 1.1)
        cap = np.sqrt(np.clip(1 - ((canvas.x - np.float32(spot.x_mm)) / half) ** 2, 0, 1))
        top = np.where(cap > 0, np.minimum(top, np.float32(spot.y_mm) - cap * half), top)
    lift = np.float32(scene.contrast) * np.clip(borders[-2] - top, 0, 0.25)
    shares = (0.15, 0.2, 0.3, 0.45, 0.7, 1.0, 1.0, 1.0, 0.0)
    return [line - share * lift for line, share in zip(borders, shares, strict=True)]


def _reflected(scene: Scene, borders: list[Array]) -> Array:
    """Return how much light comes back, (H, W)."""
    canvas = scene.canvas
    rng = scene.draws("layers")
    soft = max(0.006, 0.5 * canvas.pixel_mm)
    shown = np.full((canvas.size, canvas.size), _VITREOUS, np.float32)
    before = _VITREOUS
    for line, (_, _, bright) in zip(borders, _LAYERS, strict=False):
        shown += np.float32(bright - before) * steps(canvas.y - line, -soft, soft)
        before = bright
    below = canvas.y - borders[-1]
    vessels = steps(canvas.noise(rng, 0.11, 0.07), 0.2, 1.0) * steps(below, 0.02, 0.06)
    choroid = (_CHOROID - 0.3 * vessels) * np.exp(-np.clip(below, 0, None) / 0.22)
    shown += (choroid - before) * steps(below, -soft, soft)
    streaks = 1 + 0.07 * canvas.noise(rng, 0.2, 0.02)
    shadows = 1 - 0.3 * steps(canvas.noise(rng, 0.06, 50), 1.5, 2.4)  # under retinal vessels
    deep = canvas.y > borders[1]
    reflected: Array = shown * streaks * np.where(deep, shadows, 1)
    return reflected


def _speckle(scene: Scene) -> Array:
    """Draw the grain of coherent light, averaged over frames as machines do: mean 1."""
    canvas = scene.canvas
    rng = scene.draws("speckle")
    frames = 4 * np.exp(0.8 * scene.site[6])
    grain_mm = 0.007 * np.exp(0.4 * scene.site[7])
    bell = canvas.grain(rng, grain_mm)
    grain: Array = np.exp(np.float32(0.75 / np.sqrt(frames)) * bell).astype(np.float32)
    return grain
