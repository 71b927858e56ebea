"""One virtual patient's head: the template turned, scaled, bent, aged and folded anew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial.transform import Rotation

from anlage.data.phantoms._fields import FOLD_LIMIT, UNIT_VARIANCE, evaluate, lattice
from anlage.data.phantoms._mni152 import TISSUE_T1, TISSUES, Anatomy
from anlage.data.phantoms._plan import generator

__all__ = ["CENTRE_MM", "FOV_MM", "Grid", "Head", "draw_head"]

Array = npt.NDArray[np.float32]

FOV_MM = 192.0
CENTRE_MM = np.array([0, -17, 3], np.float32)
"""Middle of the template's brain in MNI space; also the middle of every image."""

_BEND_MM = 32.0  # knot spacing of the deformation
_FOLD_MM = 7.0  # knot spacing of the changed folding
_FOLD_STRENGTH = 0.7  # of log probability
_SHARPNESS = 1.5  # one brain has sharper borders than the mean of 152
_SCALE = (0.9, 0.035)  # mean and spread; the template is larger than most heads
_STRETCH = 0.025
_TURN_DEGREES = 4.0
_SHIFT_MM = 2.5
_CONTRAST = np.array([0, 0.03, 0.02, 0.015], np.float32)  # spread of the tissues' T1
_CSF_SHIFT = -0.13  # CSF of one brain is darker than that of the mean of 152
_AGEING = 9.0  # log probability that CSF gains beside ventricles from 20 to 90 years
_AGEING_SULCI = 1.1
_AGEING_SPREAD = 0.1  # between people of one age


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The points at which a head is drawn: a volume, or some axial slices of it.

    Attributes:
        axes_mm: Positions along x, y and z, growing to the right, front and top, in mm from the
            image's middle.
        pixel_mm: Pixel edge.
        dims: 3 for a volume, 2 for slices.
    """

    axes_mm: tuple[Array, Array, Array]
    pixel_mm: float
    dims: int


@dataclass(frozen=True, kw_only=True)
class Head:
    """What a patient's head is at each point of a grid, (X, Y, Z) in RAS+.

    Attributes:
        t1: T1 intensity without lesion or scanner; 0 outside the brain, white matter near 0.8.
        tissues: (4, X, Y, Z) share of each tissue.
        ventricles: Nearness to a ventricle, 0 to 1.
        depth_mm: Distance to the brain's surface in the template.
        right_mm: Distance from the midline in the template: above 0 is the patient's right.
        texture: Smooth noise of variance 1.
    """

    t1: Array
    tissues: Array
    ventricles: Array
    depth_mm: Array
    right_mm: Array
    texture: Array


def draw_head(anatomy: Anatomy, grid: Grid, *, seed: int, patient: int, age: float) -> Head:
    """Draw a patient's head on a grid."""
    rng = generator(seed, "mri head", patient)
    template_mm = _warp(rng, grid)  # (3, X, Y, Z)
    index = (template_mm - anatomy.origin_mm[:, None, None, None]) / anatomy.voxel_mm
    maps = (*anatomy.tissues, anatomy.detail, anatomy.ventricles, anatomy.depth_mm)
    *logs, detail, ventricles, depth_mm = (
        ndimage.map_coordinates(one, index, order=1, mode="nearest", output=np.float32)
        for one in maps
    )
    noise = rng.standard_normal((len(TISSUES), *lattice(FOV_MM, _FOLD_MM)), np.float32)
    fields = evaluate(noise, grid.axes_mm, _FOLD_MM) * np.float32(UNIT_VARIANCE)
    atrophy = _atrophy(rng, age)
    logits = np.stack(logs)
    logits[1:] += np.float32(_FOLD_STRENGTH) * fields[1:]
    logits[1] += np.float32(atrophy) * (_AGEING_SULCI + _AGEING * ventricles)
    tissues = _softmax(np.float32(_SHARPNESS) * logits)
    mean_t1 = TISSUE_T1 + _CONTRAST * rng.standard_normal(len(TISSUES)).astype(np.float32)
    mean_t1[TISSUES.index("csf")] += np.float32(_CSF_SHIFT)
    brain = 1 - tissues[0]
    return Head(
        t1=np.tensordot(mean_t1, tissues, 1) + brain * detail,
        tissues=tissues,
        ventricles=ventricles,
        depth_mm=depth_mm,
        right_mm=template_mm[0],
        texture=fields[0],
    )


def _warp(rng: np.random.Generator, grid: Grid) -> Array:
    """Return which point of the template, in MNI mm, lies at each point of the grid."""
    scale = np.clip(rng.normal(*_SCALE), 0.8, 1) * rng.normal(1, _STRETCH, 3)
    turn = Rotation.from_euler("xyz", rng.normal(0, _TURN_DEGREES, 3), degrees=True).as_matrix()
    linear = (turn / scale).astype(np.float32)
    shift_mm = rng.normal(0, _SHIFT_MM, 3).astype(np.float32)
    limit = FOLD_LIMIT * _BEND_MM
    knots = rng.uniform(-limit, limit, (3, *lattice(FOV_MM, _BEND_MM))).astype(np.float32)
    bend = evaluate(knots, grid.axes_mm, _BEND_MM)
    points = np.stack(np.meshgrid(*grid.axes_mm, indexing="ij")) + bend
    straight = np.tensordot(linear, points, 1)
    warped: Array = straight + (CENTRE_MM + shift_mm)[:, None, None, None]
    return warped


def _atrophy(rng: np.random.Generator, age: float) -> float:
    """Return how far a brain has aged: about 0 at 20 years, 1 at 90, faster late in life."""
    return float(((age - 20) / 70) ** 1.3 + rng.normal(0, _AGEING_SPREAD))


def _softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(axis=0))
    shares: Array = powers / powers.sum(axis=0)
    return shares
