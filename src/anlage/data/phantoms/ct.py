"""Virtual CT of the trunk in Hounsfield units, with contrast agent in the portal phase.

2D pictures are axial slices through the domes of the diaphragm, where lungs and liver both
show: the front is up, the patient's left is on the right. Volumes are in RAS+.

- ``liver``: a dark lesion in the liver, as metastases are
- ``lung``: a soft nodule in a lung

Kinds differ in where they lie, as in patients; slices are taken alike for all of them.

Source: lesions are shaped as in ``_blobs.py``; typical Hounsfield units after Kalender,
Computed Tomography, 3rd edition, 2011. Noise is blurred white noise, which leaves out that of
real scans is streaky.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from anlage.data.importers import Box
from anlage.data.phantoms import Case, CohortConfig, Phantom, Picture
from anlage.data.phantoms._balls import place_balls
from anlage.data.phantoms._ct_body import FOV_MM, draw_body
from anlage.data.phantoms._organs import Array, Axes
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

__all__ = ["Ct"]

_HU = {"liver": 38.0, "lung": 35.0}
_LARGEST_MM = 60.0
_HEIGHTS_MM = (-10.0, 24.0)  # of slices and lesions, from the body's middle
_REACH = 0.25  # of the diameter: how far from the lesion's middle a slice may lie
_NOISE_HU, _SITE_NOISE_HU = 14.0, 12.0
_BLUR_MM, _SITE_BLUR_MM = 1.6, 1.4
_SITE_SHIFT_HU = 12.0
_COUCH_MM = -128.0


@dataclass(frozen=True)
class _Scan:
    """Which image of which patient: its grid, and the height of the planned lesions."""

    patient: int
    index: int
    axes_mm: Axes
    height_mm: float


class Ct(Phantom):
    """CT of virtual patients; labels as in 2D phantoms, sizes are those of balls."""

    usual_mm = (16.0, 44.0)
    extra_dials = frozenset({"lesions", "with_clean"})

    @property
    def kinds(self) -> tuple[str, ...]:
        """Lesion kinds, in the order of the mask's values."""
        return tuple(_HU)

    def draw(self, config: CohortConfig, patient: int) -> Case:
        """Draw one patient; see :class:`Phantom`."""
        check_dials(self, config)
        pixel_mm = FOV_MM / config.size
        range_mm = config.lesion_mm or self.usual_mm
        check_diameters(config, range_mm, pixel_mm=pixel_mm, largest_mm=_LARGEST_MM)
        plan = draw_plan(config, self.kinds, patient, range_mm)
        heights = generator(config.seed, "ct heights", patient)
        height_mm = float(heights.uniform(*_HEIGHTS_MM))
        reach_mm = _REACH * plan.diameter_mm
        middle = (config.size - 1) / 2
        axis = ((np.arange(config.size) - middle) * pixel_mm).astype(np.float32)
        offsets = heights.uniform(-reach_mm, reach_mm, config.images_per_patient)
        slices_mm = (height_mm + offsets)[:, None].astype(np.float32)
        pictures = [
            self._picture(config, plan, _Scan(patient, index, (axis, axis, levels), height_mm))
            for index, levels in enumerate([axis] if config.dims == 3 else slices_mm)
        ]
        affine = np.diag([pixel_mm] * 3 + [1.0])
        affine[:3, 3] = axis[0]
        return Case(
            pictures=tuple(pictures),
            labels=lesion_labels(plan, dims=3),
            site=f"site-{plan.site + 1}",
            unit="hu",
            spacing_mm=(pixel_mm,) * config.dims,
            affine=affine if config.dims == 3 else None,
        )

    def _picture(self, config: CohortConfig, plan: Plan, scan: _Scan) -> Picture:
        axes_mm = scan.axes_mm
        body = draw_body(generator(config.seed, "ct body", scan.patient), axes_mm)
        rng = generator(config.seed, "ct lesion", scan.patient)
        depth_mm = body.liver_mm if plan.kind == "liver" else body.lung_mm
        wholes = place_balls(rng, depth_mm, axes_mm, plan, scan.height_mm, dims=config.dims)
        whole = np.max(wholes, axis=0)
        contrast = config.lesion_contrast if plan.has_lesion else 0.0
        hu = body.hu + np.float32(contrast) * whole * (np.float32(_HU[plan.kind]) - body.hu)
        noise = generator(config.seed, "ct scan", scan.patient, scan.index)
        image, clean = _scanned(noise, signature(config, "ct", plan.site), hu, axes_mm)
        mask = np.zeros(hu.shape, np.uint8)
        boxes: list[Box] = []
        for one in wholes if plan.has_lesion else ():
            mask[one >= 0.5] = self.kinds.index(plan.kind) + 1
            seen = _laid((one >= 0.5).astype(np.uint8), config.dims)
            boxes += box_of(seen, plan.kind)
        return Picture(
            pixels=_stored(image, config.dims),
            mask=_laid(mask, config.dims),
            boxes=tuple(boxes),
            clean=_stored(clean, config.dims) if config.with_clean else None,
        )


def _scanned(
    rng: np.random.Generator, site: npt.NDArray[np.float64], hu: Array, axes_mm: Axes
) -> tuple[Array, Array]:
    """Return the scan and the same without noise: kernel, dose, calibration and couch differ."""
    pixel_mm = float(axes_mm[0][1] - axes_mm[0][0])
    _, y, _ = axes_mm
    couch = np.abs(y - np.float32(_COUCH_MM - 10 * site[3])) < max(2.0, 0.5 * pixel_mm)
    lying = hu + np.where(hu < -900, 1, 0) * couch[None, :, None] * np.float32(700)
    sigma = max(_BLUR_MM + _SITE_BLUR_MM * site[0], 0.1) / pixel_mm
    flat = (sigma, sigma, 0.0 if hu.shape[2] == 1 else sigma)
    clean = ndimage.gaussian_filter(lying, flat, mode="nearest")
    clean = clean + np.float32(_SITE_SHIFT_HU * site[1])
    white = rng.standard_normal(hu.shape, np.float32)
    grain = ndimage.gaussian_filter(white, flat, mode="wrap") if sigma > 0.3 else white
    noise_hu = np.float32((_NOISE_HU + _SITE_NOISE_HU * site[2]) * rng.uniform(0.9, 1.1))
    return clean + noise_hu * grain / grain.std(), clean


def _stored(hu: Array, dims: int) -> npt.NDArray[np.int16]:
    whole = np.rint(np.clip(hu, -1024, 3071)).astype(np.int16)
    return np.ascontiguousarray(whole[None] if dims == 3 else whole[::-1, ::-1, 0].T[None])


def _laid(mask: npt.NDArray[np.uint8], dims: int) -> npt.NDArray[np.uint8]:
    """Lay a mask as its picture: a slice with the front up and the patient's left on the right."""
    return mask if dims == 3 else np.ascontiguousarray(mask[::-1, ::-1, 0].T)
