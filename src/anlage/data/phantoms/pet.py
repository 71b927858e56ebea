"""Virtual PET of the body with FDG, in standardised uptake values (SUV).

2D pictures are coronal slices through brain, lungs, liver and bladder: the head is up, the
patient's left is on the right. Volumes are in RAS+.

- ``liver``: a hot lesion in the liver, as metastases are
- ``lung``: a hot nodule in a lung

Kinds differ in where they lie, as in patients; slices are taken alike for all of them. Sites
differ in the blur of their reconstruction, in counts, and in the scaling to SUV.

Source: uptakes as in ``_pet_body.py``, lesions shaped as in ``_blobs.py``. A blur of 4 to 7 mm
is what reconstructions of clinical scanners have, a calibration within 10 % and the noise of the
liver are what they are asked for (Boellaard et al., "FDG PET/CT: EANM procedure guidelines for
tumour imaging: version 2.0", EJNMMI 2015, 10.1007/s00259-014-2961-x). That the variance of
iterative reconstructions grows with the uptake is from Barrett, Wilson and Tsui, Physics in
Medicine and Biology 39(5), 1994.
Departures: noise is Gaussian with the variance of counts, and as smooth as the image, since
drawing counts would change all noise of a patient with each lesion. Scatter, attenuation,
breathing and arms are left out.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from anlage.data.importers import Box
from anlage.data.phantoms import Case, CohortConfig, Phantom, Picture
from anlage.data.phantoms._balls import place_balls
from anlage.data.phantoms._organs import Array, Axes
from anlage.data.phantoms._pet_body import FOV_MM, draw_uptakes
from anlage.data.phantoms._plan import (
    Plan,
    box_of,
    check_dials,
    check_diameters,
    draw_plan,
    generator,
    lesion_labels,
)
from anlage.data.phantoms._scene import signature

__all__ = ["Pet"]

Value = TypeVar("Value", np.float32, np.uint8)

_SUV = {"liver": 9.0, "lung": 7.0}
_LARGEST_MM = 64.0
_PLANES_MM = (-6.0, 20.0)  # of slices and lesions, to the front of the body's middle
_REACH = 0.25  # of the diameter: how far from the lesion's middle a slice may lie
_FWHM_MM, _SITE_FWHM_MM = 5.5, 1.5
_FWHM_TO_SIGMA = 1 / 2.3548
_NOISE, _SITE_NOISE = 0.13, 0.09  # deviation at SUV 1; it grows as the root of the uptake
_SITE_SCALE = 0.1
_STEP = 0.001  # what is stored is rounded to this


class Pet(Phantom):
    """PET of virtual patients; labels as in 2D phantoms, sizes are those of balls."""

    usual_mm = (24.0, 52.0)
    extra_dials = frozenset({"lesions", "with_clean"})

    @property
    def kinds(self) -> tuple[str, ...]:
        """Lesion kinds, in the order of the mask's values."""
        return tuple(_SUV)

    def draw(self, config: CohortConfig, patient: int) -> Case:
        """Draw one patient; see :class:`Phantom`."""
        check_dials(self, config)
        pixel_mm = FOV_MM / config.size
        range_mm = config.lesion_mm or self.usual_mm
        check_diameters(config, range_mm, pixel_mm=pixel_mm, largest_mm=_LARGEST_MM)
        plan = draw_plan(config, self.kinds, patient, range_mm)
        planes = generator(config.seed, "pet planes", patient)
        plane_mm = float(planes.uniform(*_PLANES_MM))
        reach_mm = _REACH * plan.diameter_mm
        axis = ((np.arange(config.size) - (config.size - 1) / 2) * pixel_mm).astype(np.float32)
        offsets = planes.uniform(-reach_mm, reach_mm, config.images_per_patient)
        slices_mm = (plane_mm + offsets)[:, None].astype(np.float32)
        pictures = [
            _picture(config, plan, (patient, index), (axis, axis, depths), plane_mm)
            for index, depths in enumerate([axis] if config.dims == 3 else slices_mm)
        ]
        affine = np.diag([pixel_mm] * 3 + [1.0])
        affine[:3, 3] = axis[0]
        return Case(
            pictures=tuple(pictures),
            labels=lesion_labels(plan, dims=3),
            site=f"site-{plan.site + 1}",
            unit="suv",
            spacing_mm=(pixel_mm,) * config.dims,
            affine=affine if config.dims == 3 else None,
        )


def _picture(
    config: CohortConfig, plan: Plan, which: tuple[int, int], axes_mm: Axes, plane_mm: float
) -> Picture:
    """Draw one picture or volume on the axes x, z and y.

    Args:
        config: The cohort's dials.
        plan: The patient's truth.
        which: Number of the patient, and of the picture.
        axes_mm: Positions along x, z and y, in mm.
        plane_mm: Where on y the lesions have their middles.
    """
    body = draw_uptakes(generator(config.seed, "pet body", which[0]), axes_mm)
    rng = generator(config.seed, "pet lesion", which[0])
    depth_mm = body.liver_mm if plan.kind == "liver" else body.lung_mm
    wholes = place_balls(rng, depth_mm, axes_mm, plan, plane_mm, dims=config.dims)
    contrast = config.lesion_contrast if plan.has_lesion else 0.0
    share = np.float32(contrast) * np.max(wholes, axis=0)
    suv = body.suv + share * (np.float32(_SUV[plan.kind]) - body.suv)
    noise = generator(config.seed, "pet scan", *which)
    pixel_mm = float(axes_mm[0][1] - axes_mm[0][0])
    image = _scanned(noise, signature(config, "pet", plan.site), suv, pixel_mm)
    mask = np.zeros(suv.shape, np.uint8)
    boxes: list[Box] = []
    for one in wholes if plan.has_lesion else ():
        mask[one >= 0.5] = tuple(_SUV).index(plan.kind) + 1
        boxes += box_of(_laid((one >= 0.5).astype(np.uint8), config.dims), plan.kind)
    return Picture(
        pixels=_stored(image, config.dims),
        mask=_laid(mask, config.dims),
        boxes=tuple(boxes),
        clean=_stored(suv, config.dims) if config.with_clean else None,
    )


def _scanned(
    rng: np.random.Generator, site: npt.NDArray[np.float64], suv: Array, pixel_mm: float
) -> Array:
    """Return what a scanner makes of uptakes: blur, noise of counts, and a scale."""
    sigma = (_FWHM_MM + _SITE_FWHM_MM * site[0]) * _FWHM_TO_SIGMA / pixel_mm
    sigmas = (sigma, sigma, 0.0 if suv.shape[2] == 1 else sigma)
    blurred = ndimage.gaussian_filter(suv, sigmas, mode="nearest")
    grain = ndimage.gaussian_filter(rng.standard_normal(suv.shape, np.float32), sigmas, mode="wrap")
    noise = (_NOISE + _SITE_NOISE * site[1]) * rng.uniform(0.9, 1.1)
    scale = 1 + _SITE_SCALE * site[2]
    noisy = blurred + np.float32(noise) * np.sqrt(blurred + np.float32(0.02)) * grain / grain.std()
    scanned: Array = np.float32(scale) * np.maximum(noisy, 0)
    return scanned


def _stored(suv: Array, dims: int) -> npt.NDArray[np.float32]:
    return _laid((np.rint(suv / _STEP) * _STEP).astype(np.float32), dims)[None]


def _laid(image: npt.NDArray[Value], dims: int) -> npt.NDArray[Value]:
    """Lay (X, Z, Y) in RAS+, or as a slice with the head up and the left on the right."""
    turned = np.swapaxes(image, 1, 2) if dims == 3 else image[::-1, ::-1, 0].T
    return np.ascontiguousarray(turned)
