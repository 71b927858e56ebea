"""Virtual chest radiographs: how much matter lies along each ray, through the curve of a detector.

Soft tissue of the trunk, lungs that take matter away, heart, great vessels, spine, ribs and
clavicles add up as they do in a projection. The patient's right is on the left.

- ``nodule``: a round opacity in a lung
- ``consolidation``: a larger, patchy opacity without a sharp border

Lesions may lie behind heart, ribs or diaphragm, as in patients. Marked pictures show a letter
that is put on films taken in bed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from anlage.data.phantoms._camera import expose
from anlage.data.phantoms._canvas import Canvas, Line, cover, steps
from anlage.data.phantoms._scene import FlatPhantom, Lesions, Painted, Scene

__all__ = ["Cxr"]

Array = npt.NDArray[np.floating[Any]]

_AIR = 0.02
_MATTER = {"nodule": 0.42, "consolidation": 0.34}
_WALL_MM = 2.2  # of a rib
_LETTER = (  # P: taken in bed, in mm from the letter's middle
    [(-5, 9), (-5, -9), (3, -9), (6, -6), (6, -3), (3, 0), (-5, 0)],
)


class Cxr(FlatPhantom):
    """Frontal radiographs of the chest."""

    fov_mm = 340.0
    largest_mm = 70.0
    usual_mm = (20.0, 50.0)
    extra_dials = frozenset({"lesions", "marked_share", "with_clean"})

    @property
    def kinds(self) -> tuple[str, ...]:
        """Lesion kinds, in the order of the mask's values."""
        return tuple(_MATTER)

    def paint(self, scene: Scene) -> Painted:
        """Paint one picture; see :class:`FlatPhantom`."""
        canvas, kind = scene.canvas, scene.plan.kind
        lungs, chest = _chest(scene)
        inner = steps(canvas.blur(lungs, 6), 0.6, 0.95)
        wavy = 0.05 if kind == "nodule" else 0.16
        lesions = scene.place(inner, wavy=wavy, stretch=1.25)
        chest = chest + np.float32(scene.contrast * _MATTER[kind]) * _opacity(scene, lesions)
        shown = 1 - np.exp(-np.float32(1.45) * np.clip(chest, 0, None))
        shown = np.clip((shown - 0.12) / 0.72, _AIR, 1) + 0.012 * canvas.noise(
            scene.draws("mottle"), 5
        )
        shown = shown * _shutter(scene)
        if scene.plan.is_marked:
            shown = np.maximum(shown, _letter(canvas))
        image, clean = expose(
            scene, shown[None].astype(np.float32), blur_mm=1.6, noise=0.012, tone=0.4
        )
        return Painted(image=image, clean=clean, lesions=lesions)


def _chest(scene: Scene) -> tuple[Array, Array]:
    """Return the lungs' coverage and the matter along each ray without a lesion."""
    canvas, body = scene.canvas, scene.body()
    rng = scene.draws("pose")
    wide, tall = body.normal(1, 0.05), body.normal(1, 0.06)
    x = canvas.x - np.float32(rng.normal(0, 5))
    y = canvas.y - np.float32(rng.normal(0, 7))
    x = x + y * np.float32(rng.normal(0, 0.03))  # a tilt
    bend = canvas.noise(body, 60, 60) * 2.5
    x = (x + bend) / np.float32(wide)
    side = np.abs(x)
    # Shoulders narrow to a neck above; the trunk is an oval from front to back.
    half_mm = 154 - 98 * steps(-y, 100, 172)
    trunk = np.sqrt(np.clip(1 - (side / half_mm) ** 2, 0, 1))
    lungs, lung_matter = _lungs(canvas, x, y, body, np.float32(tall))
    deep = 0.86 + 0.1 * steps(y, 40, 150) + 0.03 * canvas.noise(body, 35)
    heart = _heart(canvas, x, y, body)
    matter = deep * trunk - 0.60 * lung_matter * (1 - 0.72 * heart) + 0.08 * heart
    matter = matter + _middle(x, y)
    matter = matter + 0.12 * lungs * _markings(canvas, scene, side, y)
    matter = matter + trunk**0.5 * _bones(canvas, body, float(wide), float(tall))
    return lungs, matter


def _lungs(
    canvas: Canvas, x: Array, y: Array, body: np.random.Generator, tall: np.float32
) -> tuple[Array, Array]:
    """Return which pixels are lung, and how much air lies there, (H, W)."""
    right_up, depth = body.uniform(4, 12), body.uniform(60, 92)
    domes = np.where(x < 0, depth - right_up, depth).astype(np.float32)
    outside = np.clip(np.abs(x) - 62, -62, None)
    domes = domes + np.float32(0.011) * outside**2  # deepest at the side: the angle is sharp
    down = y / tall
    lobes = []
    for sign in (-1, 1):
        from_mm = (x - sign * np.float32(66)) / (50 + 0.06 * np.clip(down, -90, 90))
        tip = (down - 12) / 118
        inside = 1 - np.hypot(np.abs(from_mm) ** 1.15, np.abs(tip) ** 1.4)
        inner_mm = sign * x - (20 + 10 * steps(down, -60, 60))
        lobes.append(np.minimum(inside * 48, inner_mm))
    inside_mm = np.minimum(np.maximum(*lobes), domes - down)
    lungs = cover(-inside_mm, max(4.0, canvas.pixel_mm))
    air = lungs * np.clip(0.55 + inside_mm / 60, 0, 1) ** np.float32(0.5)
    return lungs, air.astype(np.float32)


def _heart(canvas: Canvas, x: Array, y: Array, body: np.random.Generator) -> Array:
    size = np.float32(body.uniform(0.88, 1.2))
    slant = np.float32(body.uniform(0.45, 0.75))
    along, beside = x - 20 + slant * (y - 46), y - 46 - slant * (x - 20)
    length = np.sqrt(1 + slant**2)
    left = 1 - np.hypot(beside / (50 * size * length), along / (47 * size * length))
    right = 1 - np.hypot((x + 12) / (33 * size), (y - 34) / (52 * size))
    arch = 1 - np.hypot((x - 20) / 19, (y + 42) / 20)
    soft_mm = max(5.0, canvas.pixel_mm)
    body_of = cover(-45 * np.maximum(left, right), soft_mm)
    heart: Array = np.maximum(body_of, 0.6 * cover(-18 * arch, soft_mm))
    return heart


def _middle(x: Array, y: Array) -> Array:
    """Return mediastinum, spine and the air of the trachea, (H, W)."""
    side = np.abs(x)
    spine = steps(-side, -21, -15) * (0.12 + 0.04 * np.cos(y * np.float32(2 * np.pi / 24)))
    vessels = 0.14 * steps(-side, -34, -18) * steps(y, -120, -70)
    trachea = 0.2 * steps(-side, -10, -6) * steps(-y, 20, 40)
    middle: Array = spine + vessels - trachea
    return middle


def _markings(canvas: Canvas, scene: Scene, side: Array, y: Array) -> Array:
    """Return vessels that thin out from the hilum, (H, W)."""
    rng = scene.draws("vessels")
    lines = []
    for _ in range(26):
        sign, turn = rng.choice([-1, 1]), rng.uniform(-1.25, 1.25)
        reach = np.linspace(0, rng.uniform(35, 75), 6)
        bow = np.cumsum(rng.normal(0, 1.6, 6))
        path = np.stack([sign * (24 + reach * np.cos(turn)), reach * np.sin(turn) + bow], -1)
        lines += [(path[:4], 3.0, 1.0), (path[2:], 1.6, 0.8)]
    hilum = np.exp(-(((side - 32) / 16) ** 2) - ((y - 2) / 26) ** 2)
    markings: Array = canvas.blur(canvas.strokes(lines), 1.5) * 1.4 + 1.1 * hilum
    return markings


def _bones(canvas: Canvas, body: np.random.Generator, wide: float, tall: float) -> Array:
    along = np.linspace(0, 1, 14)
    back: list[Line] = []
    front: list[Line] = []
    step = body.uniform(21, 24)
    for number in range(10):
        top = (-128 + step * number) * tall
        out = (54 + 66 * np.sqrt(min((number + 1) / 5, 1))) * wide
        for sign in (-1, 1):
            x = sign * (12 + (out - 12) * np.sin(along * np.pi / 2) ** 0.9)
            y = top - 10 * np.sin(np.pi * np.clip(along * 1.5, 0, 1)) + (16 + 2 * number) * along**3
            back.append((np.stack([x, y], -1), 8.5, 1.0))
            if number < 7:
                x = sign * out * (1 - 0.52 * along)
                y = top + 18 + 30 * along + 3 * np.sin(np.pi * along) + 8 * along**2
                front.append((np.stack([x, y], -1), 9.0, 0.7))
    collar = np.linspace(0, 1, 8)
    for sign in (-1, 1):
        y = -100 * tall - 20 * np.sin(collar * 1.9)
        front.append((np.stack([sign * (12 + 112 * collar), y], -1), 10.0, 1.0))
    bones: Array = 0.2 * canvas.strokes(_hollow(back)) + 0.17 * canvas.strokes(_hollow(front))
    return bones


def _hollow(bones: list[Line]) -> list[Line]:
    """Give bones a core that is less dense than their walls."""
    cores = [(points, width - 2 * _WALL_MM, 0.6 * ink) for points, width, ink in bones]
    return [line for pair in zip(bones, cores, strict=True) for line in pair]


def _opacity(scene: Scene, lesions: Lesions) -> Array:
    """Return how much of the lesion lies on each ray, 0 to 1."""
    canvas = scene.canvas
    if scene.plan.kind == "nodule":
        ball = np.sqrt(np.clip(1.05 - lesions.radius**2, 0, 1))
        exposed: Array = ball.max(axis=0)
        return exposed
    patchy = 1 + 0.28 * canvas.noise(scene.draws("patches"), 14)
    hazy: Array = steps(-lesions.radius, -1.25, -0.55).max(axis=0) * np.clip(patchy, 0.3, 1.5)
    return hazy


def _shutter(scene: Scene) -> Array:
    """Return where the detector is exposed: hospitals leave borders of different widths."""
    canvas = scene.canvas
    own = scene.draws("shutter").uniform(0, 5)
    border_mm = max(6 + 9 * scene.site[6], 0) + own * max(scene.site[6], 0)
    far = np.maximum(np.abs(canvas.x), np.abs(canvas.y))
    return cover(far - np.float32(canvas.fov_mm / 2 - border_mm), canvas.pixel_mm)


def _letter(canvas: Canvas) -> Array:
    corner = canvas.fov_mm / 2 - 34
    return canvas.strokes(
        [([(x - corner, y - corner) for x, y in line], 4.5, 1.0) for line in _LETTER]
    )
