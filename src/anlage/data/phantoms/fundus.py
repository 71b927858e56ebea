"""Virtual fundus photographs: disc, vessels, macula, and the spots of a diabetic eye.

- ``haemorrhage``: small dark-red dots, microaneurysms among them
- ``exudate``: small bright-yellow spots with a sharp border

Right and left eyes are equally frequent; the disc lies towards the nose.

Source: vessels as curved arcades that split and thin, their widths by Murray's law
(w^3 = w1^3 + w2^3), PNAS 12(3), 1926; arteries are about two thirds as wide as veins.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from anlage.data.phantoms._camera import expose, tinted
from anlage.data.phantoms._canvas import Line, cover, steps
from anlage.data.phantoms._scene import FlatPhantom, Painted, Scene

__all__ = ["Fundus"]

Array = npt.NDArray[np.floating[Any]]

_RETINA = tinted((0.80, 0.40, 0.17))
_DISC = tinted((0.98, 0.80, 0.50))
_CUP = tinted((1.0, 0.92, 0.72))
_KINDS = {"haemorrhage": tinted((0.34, 0.06, 0.03)), "exudate": tinted((1.0, 0.88, 0.42))}
_DISC_MM = 4.2  # from the image's middle
_ROUND_MM = 6.7  # radius of what the camera sees


class Fundus(FlatPhantom):
    """Colour photographs of the retina."""

    fov_mm = 14.0
    largest_mm = 3.0
    usual_mm = (0.5, 1.2)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Lesion kinds, in the order of the mask's values."""
        return tuple(_KINDS)

    def paint(self, scene: Scene) -> Painted:
        """Paint one picture; see :class:`FlatPhantom`."""
        canvas = scene.canvas
        body = scene.body()
        side = 1 if body.random() < 0.5 else -1
        disc = (side * _DISC_MM, float(body.normal(-0.2, 0.25)))
        shown, disc_mm = _retina(scene, body, disc, side)
        far = np.hypot(canvas.x, canvas.y)
        likely = 1.0 * (far < 5.4) * (disc_mm > 0.5) * np.exp(-((far / 5) ** 2))
        lesions = scene.place(likely, wavy=0.07, stretch=1.15)
        edge_mm = 0.2 if scene.plan.kind == "haemorrhage" else 0.08
        shape = np.float32(scene.contrast) * lesions.cover(canvas, edge_mm=edge_mm)
        shown = shown + 0.9 * shape * (_KINDS[scene.plan.kind] - shown)
        lit = 1 - (0.32 + 0.2 * scene.site[6]) * (far / np.float32(_ROUND_MM)) ** 2
        spread = scene.draws("light").normal(0, 0.07, 2)
        lit = lit + (spread[0] * canvas.x + spread[1] * canvas.y) / np.float32(_ROUND_MM)
        edge = cover(far - np.float32(_ROUND_MM + 0.25 * scene.site[7]), canvas.pixel_mm)
        image, clean = expose(
            scene, (shown * lit).astype(np.float32), blur_mm=0.07, noise=0.012, tint=0.15
        )
        return Painted(image=image * edge, clean=clean * edge, lesions=lesions)


def _retina(
    scene: Scene, body: np.random.Generator, disc: tuple[float, float], side: int
) -> tuple[Array, Array]:
    """Return the healthy retina, (3, H, W), and the distance to the disc's border."""
    canvas = scene.canvas
    rng = scene.draws("retina")
    pigment = body.uniform(-0.35, 0.4)
    shown = _RETINA * np.exp(-pigment * tinted((0.25, 0.6, 0.8)))
    streaks = 0.05 * canvas.noise(rng, 0.7) + 0.05 * canvas.noise(rng, 2.2)
    shown = shown * (1 + streaks)
    macula_x = disc[0] - side * 4.4
    from_macula = np.hypot(canvas.x - macula_x, canvas.y - 0.3 - disc[1])
    shown = shown * (1 - 0.36 * np.exp(-((from_macula / 1.1) ** 2)) * tinted((0.8, 1.0, 1.1)))
    tall, turn = body.uniform(0.9, 1.05), body.uniform(-10, 10)
    disc_mm = canvas.ellipse(disc[0], disc[1], 0.88, 0.98 * tall, turn)
    shown = shown + steps(-disc_mm, -0.35, 0.05) * 0.9 * (_DISC - shown)
    cup = body.uniform(0.3, 0.55)
    cup_mm = canvas.ellipse(disc[0] - side * 0.05, disc[1], 0.88 * cup, 0.98 * cup, turn)
    shown = shown + steps(-cup_mm, -0.15, 0.1) * (_CUP - shown)
    for is_vein, red in ((True, tinted((0.46, 0.10, 0.06))), (False, tinted((0.62, 0.20, 0.09)))):
        inked = canvas.strokes(_vessels(rng, disc, side, is_vein=is_vein))
        shown = shown + (0.85 if is_vein else 0.7) * inked * (red - shown)
    return shown, disc_mm


def _vessels(
    rng: np.random.Generator, disc: tuple[float, float], side: int, *, is_vein: bool
) -> list[Line]:
    """Return the lines of one kind of vessel: two arcades, two to the nose, and their branches."""
    lines: list[Line] = []
    width = 0.24 if is_vein else 0.17
    along = np.linspace(0, 1, 18)
    shift = 0.16 if is_vein else -0.14
    for up in (-1, 1):
        bend = rng.uniform(0.85, 1.15)
        x = disc[0] - side * (9.5 * along - 0.6 * np.sin(np.pi * along * 1.5))
        y = disc[1] + up * (3.9 + 2.0 * shift) * bend * np.sin(2.55 * along**0.6) ** 0.9
        path = np.stack([x, y + shift * up], -1) + _wander(rng, 18, 0.07)
        _grow(rng, lines, path, width, depth=2)
        x = disc[0] + side * 4.0 * along
        y = disc[1] + up * (4.0 * along**0.8 + 0.8 * shift)
        _grow(rng, lines, np.stack([x, y], -1) + _wander(rng, 18, 0.06), 0.8 * width, depth=1)
    return lines


def _grow(
    rng: np.random.Generator,
    lines: list[Line],
    path: npt.NDArray[np.float64],
    width: float,
    *,
    depth: int,
) -> None:
    """Add a vessel that thins along its way, and its branches on both sides."""
    third = len(path) // 3
    for part, share in enumerate((1.0, 0.8, 0.6)):
        piece = path[part * third : (part + 1) * third + 1]
        lines.append((piece, width * share, 1.0))
    if depth == 0:
        return
    for start in range(3, len(path) - 3, 4 if depth == 2 else 6):
        forward = path[start + 1] - path[start]
        turn = rng.choice([-1, 1]) * rng.uniform(0.6, 1.1)
        heading = np.arctan2(forward[1], forward[0]) + turn
        length = rng.uniform(1.4, 3.4) * (1 if depth == 2 else 0.6)
        along = np.linspace(0, length, 9)
        bent = heading - 0.5 * turn * along / length
        branch = path[start] + np.cumsum(
            np.stack([np.cos(bent), np.sin(bent)], -1) * length / 8, axis=0
        )
        branch = np.vstack([path[start], branch]) + _wander(rng, 10, 0.04)
        _grow(rng, lines, branch, 0.62 * width, depth=depth - 1)


def _wander(rng: np.random.Generator, number: int, step_mm: float) -> npt.NDArray[np.float64]:
    """Draw how far a path strays, (number, 2), from 0 at its start."""
    steps_mm = rng.normal(0, step_mm, (number, 2))
    steps_mm[0] = 0
    strayed: npt.NDArray[np.float64] = np.cumsum(steps_mm, axis=0)
    return strayed
