"""The trunk of a virtual patient in CT, from the lower chest to the kidneys, in Hounsfield units.

Organs are ellipsoids on a bent grid, put in one after the other: what comes later lies in front.
The lungs end at two domes, under the right of which lies the liver.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anlage.data.phantoms._fields import UNIT_VARIANCE, evaluate, lattice
from anlage.data.phantoms._organs import Array, Axes, Painter, bent, depth

__all__ = ["FOV_MM", "Body", "draw_body"]

FOV_MM = 360.0

_AIR, _LUNG, _FAT, _MUSCLE = -1000.0, -840.0, -100.0, 55.0
_PORTAL = {"liver": 110.0, "spleen": 120.0, "blood": 150.0, "kidney": 170.0}  # after contrast agent


@dataclass(frozen=True, kw_only=True)
class Body:
    """A trunk on a grid, (X, Y, Z) in RAS+.

    Attributes:
        hu: Hounsfield units without lesion and scanner.
        liver_mm: Depth inside the liver; below 0 outside.
        lung_mm: Depth inside the lungs; below 0 outside.
    """

    hu: Array
    liver_mm: Array
    lung_mm: Array


def draw_body(rng: np.random.Generator, axes_mm: Axes) -> Body:
    """Draw a patient's trunk on the grid that three axes span, in mm from its middle."""
    size, fat_mm = rng.normal(1, 0.05), rng.uniform(8, 24)
    x, y, z = bent(rng, axes_mm, float(np.clip(size, 0.88, 1.1)), extent_mm=FOV_MM)
    pixel_mm = float(axes_mm[0][1] - axes_mm[0][0])
    painter = Painter(np.full(x.shape, _AIR, np.float32), pixel_mm)
    skin = depth(x, y, z, (0, 0, 0), (158, 116, 4000), power=2.3)
    painter.fill(skin, _FAT)
    painter.fill(skin - np.float32(fat_mm), _MUSCLE)
    inner = skin - np.float32(fat_mm + 15)
    painter.fill(inner, _FAT + 15)
    _ribs(painter, inner, z, x, y)
    domes = _domes(rng, x, y)
    cavity = np.minimum(inner - 3, depth(x, y, z, (0, 0, 40), (150, 105, 190)))
    liver_mm = np.minimum.reduce(
        [depth(x, y, z, (62, 12, -40), (88, 84, 108)), inner - 2, domes - z - 4]
    )
    _abdomen(painter, rng, (x, y, z), np.minimum(inner - 2, domes - z - 4))
    painter.fill(liver_mm, _PORTAL["liver"] + rng.normal(0, 6))
    texture = evaluate(rng.standard_normal(lattice(FOV_MM, 9), np.float32), axes_mm, 9)
    painter.values += (liver_mm > 0) * np.float32(5 * UNIT_VARIANCE) * texture
    _liver_vessels(painter, rng, (x, y, z), liver_mm)
    lung_mm = np.minimum(cavity, z - domes)
    lung_mm = np.minimum(lung_mm, np.abs(x) - 16)
    heart = depth(x, y, z, (-26, 34, 52), (54, 46, 50))
    lung_mm = np.minimum(lung_mm, -heart)
    painter.fill(lung_mm, _LUNG)
    branches = evaluate(rng.standard_normal(lattice(FOV_MM, 11), np.float32), axes_mm, 11)
    vessels = np.clip(np.float32(UNIT_VARIANCE) * branches - 1.5, 0, 1)
    painter.values += (lung_mm > 3) * (450 * vessels + 12 * branches)
    painter.fill(np.minimum(heart, domes + 60 - z), _MUSCLE + 10)
    painter.fill(heart - 8, _PORTAL["blood"] - 20)
    _spine(painter, rng, x, y, z)
    return Body(hu=painter.values, liver_mm=liver_mm, lung_mm=lung_mm)


def _domes(rng: np.random.Generator, x: Array, y: Array) -> Array:
    """Return the height of the diaphragm."""
    right, left = rng.normal(42, 6), rng.normal(26, 6)
    top = np.where(x > 0, right, left).astype(np.float32)
    away = np.square((np.abs(x) - 62) / 62) + np.square((y - 6) / 74)
    height: Array = top - 52 * np.minimum(away, 2.6)
    return height


def _ribs(painter: Painter, inner_mm: Array, z: Array, x: Array, y: Array) -> None:
    """Put rings of bone into the wall; they fall to the front, so a slice cuts several."""
    turn = z + 0.45 * np.abs(x) - 0.55 * y
    phase = np.abs(turn / 26 - np.rint(turn / 26)) * 26
    wall = 5.0 - np.abs(inner_mm + 6)
    rib = np.minimum(wall, 5.0 - phase)
    painter.fill(np.minimum(rib, z + 110), 330)
    painter.fill(np.minimum(rib - 2, z + 110), 170)


def _abdomen(
    painter: Painter, rng: np.random.Generator, place: tuple[Array, Array, Array], within: Array
) -> None:
    """Put in spleen, kidneys, stomach and gut."""
    x, y, z = place
    gut = rng.uniform(-12, 12, 2)
    stomach = np.minimum(depth(x, y, z, (-58, 34, -16), (44, 38, 52)), within)
    painter.fill(stomach, _MUSCLE)
    painter.fill(stomach - 5, 12 + gut[0])
    painter.fill(np.minimum(stomach - 5, y - 46 - gut[1] / 2), _AIR + 60)
    for side in (-1, 1):
        kidney = np.minimum(depth(x, y, z, (side * 62, -46, -92), (29, 27, 52)), within)
        painter.fill(kidney, _PORTAL["kidney"])
        painter.fill(depth(x, y, z, (side * 50, -44, -92), (13, 11, 24)), -40)
    spleen = np.minimum(depth(x, y, z, (-104, -34, -22), (30, 42, 50)), within)
    painter.fill(spleen, _PORTAL["spleen"] + rng.normal(0, 6))


def _liver_vessels(
    painter: Painter, rng: np.random.Generator, place: tuple[Array, Array, Array], liver_mm: Array
) -> None:
    """Put three hepatic veins into the liver, which run together behind, and the vena cava."""
    x, y, z = place
    for turn in rng.uniform(-0.2, 0.2, 3) + np.array([0.2, 0.9, 1.6]):
        dx, dy = x - 24, y + 16
        along = dx * np.float32(np.cos(turn)) + dy * np.float32(np.sin(turn))
        beside = dy * np.float32(np.cos(turn)) - dx * np.float32(np.sin(turn))
        wide = 5.5 - 0.035 * along
        vein = wide - np.hypot(beside + 5 * np.sin(along / 24), z - 10 + 0.3 * along)
        painter.fill(np.minimum.reduce([vein, along, liver_mm - 4]), _PORTAL["blood"])
    painter.fill(depth(x, y, z, (22, -26, 0), (13, 10, 4000)), _PORTAL["blood"] - 5)


def _spine(painter: Painter, rng: np.random.Generator, x: Array, y: Array, z: Array) -> None:
    """Put in vertebrae with their canal, the muscles beside them, and the aorta."""
    for side in (-1, 1):
        painter.fill(depth(x, y, z, (side * 30, -86, 0), (26, 18, 4000)), _MUSCLE)
    disc = np.abs(z / 30 - np.rint(z / 30)) * 30
    bone = np.where(disc < 11, 210, 120) + rng.normal(0, 15)
    body = depth(x, y, z, (0, -54, 0), (21, 17, 4000))
    painter.fill(np.minimum(depth(x, y, z, (0, -82, 0), (9, 26, 4000)), 12 - disc), 260)
    for side in (-1, 1):
        painter.fill(depth(x, y, z, (side * 18, -78, 0), (24, 5, 4000)), 230)
    painter.fill(body, 420)
    share = np.clip((body - 2.5) / painter.pixel_mm + np.float32(0.5), 0, 1)
    painter.values += share * (bone.astype(np.float32) - painter.values)
    painter.fill(depth(x, y, z, (0, -76, 0), (10, 8, 4000)), 30)
    painter.fill(depth(x, y, z, (-16, -28, 0), (12, 12, 4000)), _PORTAL["blood"] + 15)
