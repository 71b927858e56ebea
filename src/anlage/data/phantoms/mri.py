"""Virtual brain MRI: the MNI152 head, bent into patients, with a simulated lesion.

The picture is T1-weighted and skull-stripped. Ventricles and sulci widen with age. Lesions are
drawn in the patient's own space, after the deformation, so size and mask are exact.

- ``bright``: a hyperintense focus in white matter
- ``ring``: a dark core with a bright rim, where grey meets white matter
- ``dark``: a hypointense cavity near the cortex

2D pictures are axial slices as radiologists see them: the front is up, the patient's left is
on the right. Volumes are in RAS+.

Source: lesions after the resection simulator of Perez-Garcia et al., IJCARS 2021,
10.1007/s11548-021-02420-2; see ``_blobs.py`` for their shape.
Departures: the lesion does not push the tissue around it (no mass effect); lesions lie at
heights drawn alike for every kind and for patients without one, so that the height of a slice
does not tell the class.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from anlage.data.phantoms import Case, CohortConfig, Phantom, Picture
from anlage.data.phantoms._mni152 import load_anatomy
from anlage.data.phantoms._mri_head import CENTRE_MM, FOV_MM, Grid, draw_head
from anlage.data.phantoms._mri_lesion import KINDS, draw_lesion
from anlage.data.phantoms._mri_scanner import draw_scanner
from anlage.data.phantoms._plan import (
    NO_LESION,
    box_of,
    check_dials,
    check_diameters,
    draw_plan,
    generator,
)

__all__ = ["Mri"]

Array = npt.NDArray[np.float32]

_LARGEST_MM = 50.0
_HEIGHTS_MM = (-18.0, 42.0)  # of lesions, from the image's middle
_SLICE_REACH = 0.25  # of the diameter: how far from the lesion's middle a slice may lie
_GAIN = 0.82  # puts white matter at about 0.66 and leaves room for bright lesions
_MIDDLE_AGE = (45, 65)  # years
_VOLUME_RANGE = 1000  # stored value of intensity 1


class Mri(Phantom):
    """Brain MRI of virtual patients: labels lesion, lesion_mm, side, age and age_group."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Lesion kinds, in the order of the mask's values."""
        return KINDS

    def draw(self, config: CohortConfig, patient: int) -> Case:
        """Draw one patient; see :class:`Phantom`."""
        check_dials(self, config)
        pixel_mm = FOV_MM / config.size
        range_mm = config.lesion_mm or self.usual_mm
        check_diameters(config, range_mm, pixel_mm=pixel_mm, largest_mm=_LARGEST_MM)
        plan = draw_plan(config, KINDS, patient, range_mm)
        lesion_rng = generator(config.seed, "mri lesion", patient)
        height_mm = float(lesion_rng.uniform(*_HEIGHTS_MM))
        reach_mm = _SLICE_REACH * plan.diameter_mm
        slice_rng = generator(config.seed, "mri slices", patient)
        offsets_mm = slice_rng.uniform(-reach_mm, reach_mm, config.images_per_patient)
        grid = _grid(config, height_mm + offsets_mm)
        anatomy = load_anatomy(int(np.clip(round(pixel_mm), 1, 4)))
        head = draw_head(anatomy, grid, seed=config.seed, patient=patient, age=plan.age)
        lesion = draw_lesion(
            lesion_rng,
            head,
            grid,
            kind=plan.kind,
            diameter_mm=plan.diameter_mm,
            height_mm=height_mm,
        )
        t1 = lesion.blend(head, config.lesion_contrast) if plan.has_lesion else head.t1
        mask = lesion.mask if plan.has_lesion else np.zeros_like(lesion.mask)
        scan_rng = generator(config.seed, "mri scan", patient)
        scanner = draw_scanner(
            scan_rng,
            seed=config.seed,
            site=plan.site,
            site_strength=config.site_strength,
            dims=config.dims,
        )
        image = scanner.acquire(np.float32(_GAIN) * t1, grid, scan_rng)
        return Case(
            pictures=_pictures(image, mask, plan.lesion, config.dims),
            labels={
                "lesion": plan.lesion,
                "lesion_mm": plan.lesion_mm,
                "side": lesion.side if plan.has_lesion else NO_LESION,
                "age": plan.age,
                "age_group": _age_group(plan.age),
            },
            site=f"site-{plan.site + 1}",
            unit="display" if config.dims == 2 else "arbitrary",
            spacing_mm=(pixel_mm,) * config.dims,
            affine=_affine(grid) if config.dims == 3 else None,
        )


def _age_group(age: float) -> str:
    if age < _MIDDLE_AGE[0]:
        return f"under {_MIDDLE_AGE[0]}"
    if age < _MIDDLE_AGE[1]:
        return f"{_MIDDLE_AGE[0]} to {_MIDDLE_AGE[1] - 1}"
    return f"{_MIDDLE_AGE[1]} and over"


def _grid(config: CohortConfig, slices_mm: npt.NDArray[np.float64]) -> Grid:
    pixel_mm = FOV_MM / config.size
    middle = (config.size - 1) / 2
    axis = ((np.arange(config.size) - middle) * pixel_mm).astype(np.float32)
    heights = axis if config.dims == 3 else slices_mm.astype(np.float32)
    return Grid(axes_mm=(axis, axis, heights), pixel_mm=pixel_mm, dims=config.dims)


def _affine(grid: Grid) -> npt.NDArray[np.float64]:
    affine = np.diag([grid.pixel_mm] * 3 + [1.0])
    affine[:3, 3] = [axis[0] for axis in grid.axes_mm] + CENTRE_MM
    return affine


def _pictures(
    image: Array, mask: npt.NDArray[np.uint8], lesion: str, dims: int
) -> tuple[Picture, ...]:
    if dims == 3:
        stored = np.rint(image * _VOLUME_RANGE).astype(np.int16)
        return (Picture(pixels=stored[None], mask=mask, boxes=box_of(mask, lesion)),)
    shown = np.rint(image * 255).astype(np.uint8)
    pictures = []
    for index in range(image.shape[2]):
        seen = _as_radiologists(mask[:, :, index])
        pixels = _as_radiologists(shown[:, :, index])[None]
        pictures.append(Picture(pixels=pixels, mask=seen, boxes=box_of(seen, lesion)))
    return tuple(pictures)


def _as_radiologists(slice_xy: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Turn an axial slice (X, Y) in RAS+ into rows and columns: front up, left on the right."""
    return np.ascontiguousarray(slice_xy[::-1, ::-1].T)
