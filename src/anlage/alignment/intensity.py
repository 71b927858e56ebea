"""Whether values stay what they mean: how many are clipped, how far they move, and stains."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from anlage.alignment.material import Material
from anlage.alignment.preservation import unit_plan
from anlage.tensors import Images
from anlage.transforms import IntensityTransform
from anlage.transforms.views import Step, ViewPlan, one_view

__all__ = ["ValueChange", "off_plane", "stain_plane", "value_change"]

_EMPTY = 0.02  # of the unit interval: what is darker or brighter lies outside the image
_TISSUE = 0.15  # least optical density of tissue
_OFF = 0.35  # share of a pixel's optical density off the stains' plane that no stain explains


@dataclass(frozen=True, kw_only=True)
class ValueChange:
    """What one change of intensity does to values, over images.

    Attributes:
        clipped: Share of the image's pixels that it pushes out of the range that is kept.
        shift: How far the image's mean moves, in stored units: HU, SUV, z or grey values.
        shift_share: The same as a share of the range that is shown.
        off_stain: Share of tissue pixels whose colour no mixture of the images' own two stains
            explains, less that before the change; None unless asked for.
    """

    clipped: float
    shift: float
    shift_share: float
    off_stain: float | None = None


def value_change(
    material: Material, plan: ViewPlan, step: Step, *, seed: int, is_stained: bool = False
) -> ValueChange:
    """Apply one change to whole images without clipping, and compare.

    Args:
        material: The images.
        plan: The run's plan, for size and calibration.
        step: A change of intensity.
        seed: Seed of its parameters.
        is_stained: Whether colours are those of two stains, as in histology.

    Raises:
        TypeError: If the step changes geometry.
    """
    if not isinstance(step.transform, IntensityTransform):
        raise TypeError(f"{step.name} changes no values")
    plain = replace(unit_plan(plan), steps=(), masking=None)
    clipped, shifts, strays = [], [], []
    for chosen in material.chunks():
        before, _ = one_view(material.batch(chosen), plain, draws=None)
        own = material.draws(chosen, seed=seed, number=0).within(step.name)
        params = step.transform.draw(own, shape=before.shape)
        if "spacing_mm" in params:
            edges = torch.tensor(material.images.shape[2:]) / torch.tensor(plan.size)
            params["spacing_mm"] = material.spacing_mm[chosen] * edges
        after = step.transform.apply(before.clone(), params)
        inside = (before > _EMPTY) & (before < 1 - _EMPTY)
        lost = inside & ((after <= 0) | (after >= 1))
        after = after.clamp(0, 1)
        count = inside.flatten(1).sum(dim=1).clamp_min(1)
        clipped.append(lost.flatten(1).sum(dim=1) / count)
        moved = torch.where(inside, after - before, 0.0).flatten(1).sum(dim=1) / count
        shifts.append(moved.abs())
        if is_stained and before.shape[1] == 3:
            plane = stain_plane(before)
            strays.append(off_plane(after, plane) - off_plane(before, plane))
    width = plan.intensities.high - plan.intensities.low
    shift = float(torch.cat(shifts).mean())
    return ValueChange(
        clipped=float(torch.cat(clipped).mean()),
        shift=shift * width,
        shift_share=shift,
        off_stain=max(float(np.mean(strays)), 0.0) if strays else None,
    )


def stain_plane(rgb: Images) -> Float[Tensor, "3 2"]:
    """Return an orthonormal basis of the plane in which the optical densities of tissue lie.

    Source: Macenko et al., ISBI 2009: two stains span a plane, found by a singular value
    decomposition of the densities of tissue.
    """
    density, is_tissue = _density(rgb)
    tissue = density[is_tissue].double()
    vectors: Tensor = torch.linalg.svd(tissue.T @ tissue)[0]
    return vectors[:, :2].float()


def off_plane(rgb: Images, plane: Float[Tensor, "3 2"]) -> float:
    """Return the share of tissue pixels of which the plane leaves much unexplained, 0 to 1."""
    density, is_tissue = _density(rgb)
    found = density[is_tissue]
    if not len(found):
        return 0.0
    rest = found - found @ plane @ plane.T
    return float((rest.norm(dim=1) > _OFF * found.norm(dim=1)).float().mean())


def _density(rgb: Images) -> tuple[Float[Tensor, "pixels 3"], Bool[Tensor, " pixels"]]:
    density = -rgb.clamp_min(1 / 255).log().movedim(1, -1).reshape(-1, 3)
    return density, density.mean(dim=1) > _TISSUE
