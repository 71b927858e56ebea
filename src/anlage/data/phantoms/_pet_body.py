"""The body of a virtual patient in PET, from the crown to the bladder: uptake of FDG in SUV.

Organs are ellipsoids on a bent grid, as in CT. A child's height, so that brain and bladder fit
into one field of view, with an adult's organs.

Source: usual uptake of brain, heart, liver, spleen, kidney, lung, muscle and bone from Dias et
al., "Normal values for 18F-FDG uptake in organs and tissues", EJNMMI Research 2022,
10.1186/s13550-022-00884-0, and of the liver from Liu et al., Iranian Journal of Radiology 2019,
10.5812/iranjradiol.84881 (1.9, deviation 0.4). The values are rounded, and those of the heart
and the urine, which depend on fasting and drinking, are drawn from wide ranges.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anlage.data.phantoms._fields import UNIT_VARIANCE, evaluate, lattice
from anlage.data.phantoms._organs import Array, Axes, Painter, bent, depth

__all__ = ["FOV_MM", "Uptakes", "draw_uptakes"]

FOV_MM = 600.0

_FAT, _MUSCLE, _LUNG, _BLOOD, _MARROW = 0.3, 0.7, 0.5, 1.6, 1.5
_GREY, _WHITE, _FLUID = 8.0, 3.5, 1.0
_LIVER, _SPLEEN, _STOMACH, _GUT, _KIDNEY = 2.1, 1.8, 1.4, 1.2, 3.0
_LOOPS_MM = 24.0
_HEART, _URINE = (1.5, 7.0), (8.0, 25.0)  # least and most, by patient


@dataclass(frozen=True, kw_only=True)
class Uptakes:
    """A body on a grid of three axes in any order.

    Attributes:
        suv: Uptake without lesion and scanner.
        liver_mm: Depth inside the liver; below 0 outside.
        lung_mm: Depth inside the lungs; below 0 outside.
    """

    suv: Array
    liver_mm: Array
    lung_mm: Array


def draw_uptakes(rng: np.random.Generator, axes_mm: Axes) -> Uptakes:
    """Draw a patient's uptake.

    Args:
        rng: Draws the patient.
        axes_mm: Positions to the right, up and to the front (x, z, y), in mm from the middle;
            the last axis may be a single coronal slice.
    """
    size = float(np.clip(rng.normal(1, 0.04), 0.9, 1.05))
    level: list[float] = rng.normal(1, 0.12, 4).clip(0.7, 1.3).tolist()  # brain, liver, gut, rest
    heart_suv, urine_suv = rng.uniform(*_HEART), rng.uniform(*_URINE)
    x, z, y = bent(rng, axes_mm, size, extent_mm=FOV_MM)
    painter = Painter(np.zeros(x.shape, np.float32), float(axes_mm[0][1] - axes_mm[0][0]))
    trunk = depth(x, y, z, (0, 0, -170), (164, 104, 300), power=2.8)
    neck = np.minimum(depth(x, y, z, (0, -8, 0), (46, 48, 4000)), 60 - np.abs(z - 130))
    head = depth(x, y, z, (0, 4, 210), (72, 92, 84))
    body = np.maximum.reduce([trunk, neck, head])
    painter.fill(body, _FAT)
    painter.fill(body - 9, _MUSCLE * level[3])
    _head(painter, (x, y, z), level[0])
    domes = _domes(rng, x, y)
    inner = trunk - 18
    painter.fill(depth(x, y, z, (0, -62, -150), (17, 15, 290)), _MARROW * level[3])
    middle = np.minimum(depth(x, y, z, (0, 8, 30), (18, 40, 90)), inner)
    painter.fill(middle, _BLOOD * level[3])
    within = np.minimum(inner, domes - z - 3)
    cavity = np.minimum(depth(x, y, z, (0, 14, -140), (122, 66, 118)), within)
    _gut(painter, rng, axes_mm, cavity, level[2])
    _abdomen(painter, rng, (x, y, z), within, level[3])
    liver_mm = np.minimum.reduce(
        [depth(x, y, z, (62, 4, -62), (86, 78, 74)), inner, domes - z - 4, x + 30]
    )
    painter.fill(liver_mm, _LIVER * level[1])
    heart = depth(x, y, z, (-30, 28, 14), (42, 38, 40))
    lung_mm = np.minimum.reduce(
        [depth(np.abs(x), y, z, (76, -2, 28), (60, 80, 100)), inner, z - domes, -heart]
    )
    painter.fill(lung_mm, _LUNG * level[3])
    painter.fill(heart, heart_suv)
    painter.fill(heart - 13, _BLOOD * level[3])
    painter.fill(depth(x, y, z, (0, 14, -250), (36, 34, 28)), urine_suv)
    return Uptakes(suv=painter.values, liver_mm=liver_mm, lung_mm=lung_mm)


def _head(painter: Painter, place: tuple[Array, Array, Array], level: float) -> None:
    """Put in a hot cortex around white matter, deep nuclei and ventricles."""
    x, y, z = place
    brain = depth(x, y, z, (0, 0, 226), (60, 78, 54))
    painter.fill(brain, _GREY * level)
    painter.fill(np.minimum(brain - 13, np.abs(x) - 3), _WHITE * level)
    nuclei = depth(np.abs(x), y, z, (20, 6, 222), (13, 20, 14))
    painter.fill(nuclei, _GREY * level)
    painter.fill(depth(np.abs(x), y, z, (7, 0, 234), (5, 26, 9)), _FLUID)


def _domes(rng: np.random.Generator, x: Array, y: Array) -> Array:
    """Return the height of the diaphragm."""
    right, left = rng.normal(0, 6), rng.normal(-12, 6)
    away = np.square((np.abs(x) - 62) / 62) + np.square((y - 4) / 74)
    height: Array = np.where(x > 0, right, left).astype(np.float32) - 36 * np.minimum(away, 2.4)
    return height


def _gut(
    painter: Painter, rng: np.random.Generator, axes_mm: Axes, cavity: Array, level: float
) -> None:
    """Put in gut, whose loops take up unevenly."""
    knots = rng.standard_normal(lattice(FOV_MM, _LOOPS_MM), np.float32) * np.float32(UNIT_VARIANCE)
    loops = np.clip(evaluate(knots, axes_mm, _LOOPS_MM), -0.8, 2)
    painter.fill(cavity, _GUT * level)
    painter.values += (cavity > 0) * np.float32(0.45 * level) * loops


def _abdomen(
    painter: Painter,
    rng: np.random.Generator,
    place: tuple[Array, Array, Array],
    within: Array,
    level: float,
) -> None:
    """Put in stomach, spleen, and kidneys with hot urine inside."""
    x, y, z = place
    stomach = depth(x, y, z, (-58, 24, -58), (40, 34, 40))
    painter.fill(np.minimum(stomach, within), _STOMACH * level)
    spleen = depth(x, y, z, (-92, -26, -56), (30, 42, 42))
    painter.fill(np.minimum(spleen, within), _SPLEEN * level)
    for side in (-1, 1):
        kidney = np.minimum(depth(x, y, z, (side * 58, -42, -118), (27, 25, 48)), within)
        painter.fill(kidney, _KIDNEY)
        painter.fill(depth(x, y, z, (side * 50, -40, -118), (10, 10, 20)), rng.uniform(4, 10))
