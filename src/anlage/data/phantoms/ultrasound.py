"""Virtual ultrasound: a sector of layered soft tissue with speckle, shadow and enhancement.

All is drawn along the beams, by depth and angle, and turned into a picture at the end, as a
machine does. So layers bow, speckle widens with depth, and what a lesion absorbs or lets through
shows behind it.

- ``cyst``: smooth and almost without echo, brighter behind
- ``solid``: irregular and poor in echo, darker behind

Marked pictures show the crosses of a measurement at the lesion's ends.

Source: speckle as the magnitude of a circular complex Gaussian field, Wagner et al., IEEE
Transactions on Sonics and Ultrasonics 30(3), 1983.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from anlage.data.phantoms._canvas import Canvas, cover, steps
from anlage.data.phantoms._fields import smooth
from anlage.data.phantoms._scene import FlatPhantom, Lesions, Painted, Scene

__all__ = ["Ultrasound"]

Array = npt.NDArray[np.floating[Any]]

_FOV_MM = 64.0
_PROBE_MM = 22.0  # radius of the probe's face
_DEPTH_MM = 54.0
_TOP_MM = 4.0  # from the image's upper edge to the middle of the probe's face
_HALF_DEGREES = 25.0
_ECHO_DB = {"cyst": -36.0, "solid": -24.0}
_BEHIND_DB = {"cyst": 0.7, "solid": -1.3}  # per mm of lesion
_WAVY = {"cyst": 0.04, "solid": 0.14}
_ARM_MM = 1.6  # of a measuring cross


@dataclass(frozen=True)
class _Beams:
    """The grid of beams: depths from the probe's face, and angles from straight down."""

    depth_mm: Array  # (R, 1)
    angle: Array  # (1, A), radians
    apex_mm: float  # height of the centre of the probe's circle, y

    @property
    def place(self) -> tuple[Array, Array]:
        """Where its points lie in the picture, x and y."""
        radius = self.depth_mm + np.float32(_PROBE_MM)
        return radius * np.sin(self.angle), np.float32(self.apex_mm) + radius * np.cos(self.angle)

    @property
    def axes_mm(self) -> tuple[Array, Array]:
        """Depth and distance across the middle of the sector, from its middle."""
        across = self.angle[0] * np.float32(_PROBE_MM + _DEPTH_MM / 2)
        return self.depth_mm[:, 0] - np.float32(_DEPTH_MM / 2), across

    def noise(self, rng: np.random.Generator, across_mm: float, down_mm: float) -> Array:
        """Draw smooth noise of variance 1, (R, A)."""
        return smooth(rng, self.axes_mm, (_DEPTH_MM, 54.0), (down_mm, across_mm))


class Ultrasound(FlatPhantom):
    """B-mode pictures of soft tissue."""

    fov_mm = _FOV_MM
    largest_mm = 24.0
    usual_mm = (6.0, 16.0)
    extra_dials = frozenset({"lesions", "marked_share", "with_clean"})

    @property
    def kinds(self) -> tuple[str, ...]:
        """Lesion kinds, in the order of the mask's values."""
        return tuple(_ECHO_DB)

    def paint(self, scene: Scene) -> Painted:
        """Paint one picture; see :class:`FlatPhantom`."""
        canvas, kind = scene.canvas, scene.plan.kind
        beams = _beams(canvas, float(np.deg2rad(_HALF_DEGREES + 2.5 * scene.site[0])))
        depth_mm, angle = _seen(canvas, beams)
        half = beams.angle[0, -1]
        room_mm = np.minimum(
            np.minimum(depth_mm - 9, _DEPTH_MM - 9 - depth_mm),
            (half - np.abs(angle)) * (depth_mm + np.float32(_PROBE_MM)),
        )
        widest_mm = max(scene.plan.diameters_mm)
        likely = np.clip(room_mm - np.float32(0.45 * widest_mm), 0, 4)
        if not likely.any():
            likely = np.clip(room_mm - room_mm.max() + 1, 0, 1)
        lesions = scene.place(likely, wavy=_WAVY[kind], stretch=1.3)
        echo_db = _tissue(scene, beams)
        inside = _inside(lesions, beams) * np.float32(scene.contrast)
        texture = 1 + 0.15 * beams.noise(scene.draws("lesion echo"), 3, 2)
        echo_db = echo_db + inside * (np.float32(_ECHO_DB[kind]) * texture - 0.7 * echo_db)
        travelled_mm = np.cumsum(inside, axis=0) * (beams.depth_mm[1, 0] - beams.depth_mm[0, 0])
        echo_db = echo_db + _BEHIND_DB[kind] * np.minimum(travelled_mm, 12) * (inside < 0.5)
        clean, image = (
            _shown(
                scene, canvas.blur(_scan(db, beams, depth_mm, angle), 0.2), depth_mm, angle, half
            )
            for db in (echo_db, echo_db + _speckle_db(scene, beams))
        )
        if scene.plan.is_marked:
            image = np.maximum(image, _crosses(canvas, lesions))
        return Painted(image=image[None], clean=clean[None], lesions=lesions)


def _beams(canvas: Canvas, half: float) -> _Beams:
    number = int(np.ceil(1.3 * _DEPTH_MM / canvas.pixel_mm))
    depth_mm = np.linspace(0, _DEPTH_MM, number, dtype=np.float32)[:, None]
    angle = np.linspace(-half, half, number, dtype=np.float32)[None]
    return _Beams(depth_mm, angle, -_FOV_MM / 2 + _TOP_MM - _PROBE_MM)


def _seen(canvas: Canvas, beams: _Beams) -> tuple[Array, Array]:
    """Return depth and angle of each pixel, (H, W)."""
    down = canvas.y - np.float32(beams.apex_mm)
    return np.hypot(canvas.x, down) - np.float32(_PROBE_MM), np.arctan2(canvas.x, down)


def _tissue(scene: Scene, beams: _Beams) -> Array:
    """Return the echo of skin, fat, gland and muscle in dB, (R, A)."""
    body = scene.body()
    rng = scene.draws("tissue")
    fat_mm, gland_mm = body.uniform(8, 15), body.uniform(26, 36)
    depth_mm = beams.depth_mm + 1.5 * beams.noise(rng, 14, 40)
    gland = steps(depth_mm, fat_mm - 1, fat_mm + 2)
    muscle = steps(depth_mm, gland_mm - 1, gland_mm + 2)
    echo = -13 + 2.5 * beams.noise(rng, 5, 3)  # lobules of fat
    echo += gland * (8 + 3.5 * beams.noise(rng, 9, 2) + 2.5 * beams.noise(rng, 4, 1.2))
    echo += muscle * (-9 + 3 * beams.noise(rng, 20, 1.2))
    septa = np.exp(-((beams.noise(rng, 11, 4) / 0.16) ** 2))
    echo += septa * 9 * (1 - 0.5 * muscle)
    for line_mm in (fat_mm, gland_mm):
        echo += 8 * np.exp(-(((depth_mm - line_mm) / 0.8) ** 2))
    echo += 15 * np.exp(-((beams.depth_mm / 1.3) ** 2))  # skin
    poor_contact = np.clip(beams.noise(rng, 7, 400), 0, 3)
    echo -= 3.0 * poor_contact
    lost_db = body.uniform(0.08, 0.24) * beams.depth_mm
    return echo - lost_db


def _inside(lesions: Lesions, beams: _Beams) -> Array:
    """Return how far each point of the beams is inside a lesion, (R, A)."""
    x, y = beams.place
    each = [
        cover((spot.radius(x, y) - 1) * np.float32(spot.diameter_mm / 2), 0.8)
        for spot in lesions.spots
    ]
    inside: Array = np.max(each, axis=0)
    return inside


def _speckle_db(scene: Scene, beams: _Beams) -> Array:
    rng = scene.draws("speckle")
    field = rng.standard_normal((2, beams.depth_mm.size, beams.angle.size), np.float32)
    step_mm = beams.depth_mm[1, 0]
    grain_mm = 0.45 * np.exp(0.45 * scene.site[1])
    beam = float(np.deg2rad(0.55)) / (beams.angle[0, 1] - beams.angle[0, 0])
    sigmas = (0, grain_mm / step_mm, beam * np.exp(0.45 * scene.site[1]))
    smeared = ndimage.gaussian_filter(field, sigmas, mode="reflect", truncate=3)
    power = np.square(smeared / smeared.std()).sum(axis=0) / 2
    decibel: Array = 10 * np.log10(power + 2e-2).astype(np.float32)
    return decibel


def _scan(echo_db: Array, beams: _Beams, depth_mm: Array, angle: Array) -> Array:
    """Turn beams into a picture, (H, W)."""
    rows = depth_mm * np.float32((beams.depth_mm.size - 1) / _DEPTH_MM)
    half = beams.angle[0, -1]
    columns = (angle + half) * np.float32((beams.angle.size - 1) / (2 * half))
    picture: Array = ndimage.map_coordinates(
        echo_db, np.stack([rows, columns]), order=1, mode="nearest", output=np.float32
    )
    return picture


def _shown(scene: Scene, echo_db: Array, depth_mm: Array, angle: Array, half: float) -> Array:
    """Compress to grey values, by the site's gain and dynamic range, inside the sector."""
    own = scene.draws("gain").normal(0, 1, 2)
    gain_db = 5 * scene.site[2] + 1.0 * own[0] + (4 * scene.site[3]) * (depth_mm / _DEPTH_MM - 0.5)
    range_db = 46 * np.exp(0.25 * scene.site[4] + 0.03 * own[1])
    grey = np.clip(1 + (echo_db + gain_db - 9) / range_db, 0, 1)
    pixel_mm = scene.canvas.pixel_mm
    sector = cover(-depth_mm, pixel_mm) * cover(depth_mm - np.float32(_DEPTH_MM), pixel_mm)
    beside_mm = (np.abs(angle) - np.float32(half)) * (depth_mm + np.float32(_PROBE_MM))
    shown: Array = grey * sector * cover(beside_mm, pixel_mm)
    return shown


def _crosses(canvas: Canvas, lesions: Lesions) -> Array:
    """Draw the ends of a measurement."""
    lines = []
    for spot in lesions.spots:
        for x, y in spot.ends():
            lines.append(([(x - _ARM_MM, y), (x + _ARM_MM, y)], 0.7, 1.0))
            lines.append(([(x, y - _ARM_MM), (x, y + _ARM_MM)], 0.7, 1.0))
    return canvas.strokes(lines)
