"""Follow lesions through the views of a plan: what each view keeps, hides and fades.

Views are made by the view maker itself with the run's own random numbers. Lesions are followed
on a finer grid than the view's, so that small ones are measured and not merely hit or missed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from anlage.alignment.erasure import (
    LEFT,
    Lesions,
    contrast_left,
    hidden_shares,
    lesions_of,
    retained_shares,
)
from anlage.alignment.material import Material
from anlage.alignment.preservation import unit_plan
from anlage.tensors import Masks
from anlage.transforms.masking import ErrorMap
from anlage.transforms.views import CropBatch, ViewPlan, make_views
from anlage.types import ViewSpec

__all__ = ["Followed", "contrasts", "follow", "found_lesions"]

Floats = npt.NDArray[np.float64]

_FINE = {2: 384, 3: 64}  # longest edge of the grid that lesions are followed on


@dataclass(frozen=True, kw_only=True)
class Followed:
    """What happened to each lesion of each image, over draws and views.

    Attributes:
        retained: Share of a lesion inside a view, (draws, V, n, K); NaN: no such lesion.
        hidden: Share of its part in the view that is hidden, alike; NaN without masks.
    """

    retained: Float[Tensor, "D V n K"]
    hidden: Float[Tensor, "D V n K"]

    def erased(self) -> Floats:
        """Return how often less than half of a lesion remains in a view, per image, (n,)."""
        return _mean_of((self.retained < LEFT).double(), self.retained)

    def erased_of_lesions(self) -> Float[Tensor, "n K"]:
        """Return how often less than half of each lesion remains."""
        lost = (self.retained < LEFT).double()
        mean = lost.mean(dim=(0, 1))
        return torch.where(self.retained[0, 0].isnan(), torch.nan, mean)

    def hidden_whole_of_lesions(self) -> Float[Tensor, "n K"]:
        """Return how often each lesion's part in a view is hidden whole; NaN without masks."""
        seen = torch.where(self.hidden.isnan(), torch.nan, (self.hidden >= 1).double())
        return seen.flatten(0, 1).nanmean(dim=0)

    def erased_in_pairs(self) -> Floats:
        """Return how often one of an image's first two views erases a lesion, per image."""
        worst = self.retained[:, :2].amin(dim=1, keepdim=True)
        return _mean_of((worst < LEFT).double(), worst)

    def hidden_whole(self) -> Floats:
        """Return how often all of a lesion's part in a view is hidden, per image."""
        return _mean_of((self.hidden >= 1).double(), self.hidden)

    def hidden_mostly(self) -> Floats:
        """Return how often more than half of it is hidden, per image."""
        return _mean_of((self.hidden > LEFT).double(), self.hidden)


def found_lesions(material: Material) -> Lesions | None:
    """Return the lesions of the images; None where there are no label maps."""
    if material.label_maps is None or not (material.label_maps > 0).any():
        return None
    return lesions_of(material.label_maps, material.spacing_mm)


def follow(
    material: Material,
    lesions: Lesions,
    plan: ViewPlan,
    spec: ViewSpec,
    *,
    seed: int,
    draws: int,
    errors: ErrorMap | None = None,
) -> Followed:
    """Make views of all images that have lesions, and measure what is left of these.

    Args:
        material: The images.
        lesions: Their lesions.
        plan: What is done to the images.
        spec: What the method asks for.
        seed: Seed of the views.
        draws: How many times.
        errors: The method's error, for masks that it guides.
    """
    shape = (draws, spec.num_views, *lesions.measure.shape)
    retained = torch.full(shape, torch.nan, dtype=torch.float64)
    hidden = retained.clone()
    spatial = replace(spec, intensity=False, is_masked=False)
    for chosen in _with_lesions(material, lesions):
        fine = _fine(material.batch(chosen, label_maps=lesions.numbers[chosen]), plan)
        measure = lesions.measure[chosen]
        for number in range(draws):
            own = material.draws(chosen, seed=seed, number=number)
            seen = make_views(*fine, spatial, draws=own)
            masks: tuple[Masks, ...] = ()
            if plan.masking is not None and spec.is_masked:
                masks = make_views(
                    material.batch(chosen), plan, spec, draws=own, errors=errors
                ).masks
            for view, numbers in enumerate(seen.label_maps):
                geometry = seen.geometry[view]
                retained[number, view, chosen] = retained_shares(numbers, geometry, measure)
                if masks:
                    found = hidden_shares(numbers, masks[view], measure.shape[1])
                    hidden[number, view, chosen] = found
    return Followed(retained=retained, hidden=hidden)


def contrasts(
    material: Material,
    lesions: Lesions,
    plan: ViewPlan,
    *,
    seed: int,
    draws: int,
) -> Floats:
    """Return how often a change of intensity takes half of a lesion's contrast, per image.

    Args: as ``follow``.

    Returns:
        Shares, (n,); NaN where no lesion stood out from its surroundings.
    """
    plain, spec = replace(unit_plan(plan), masking=None), ViewSpec(num_views=1)
    found = torch.full((draws, len(material)), torch.nan)
    for chosen in _with_lesions(material, lesions):
        batch = material.batch(chosen)
        for number in range(draws):
            own = material.draws(chosen, seed=seed, number=number)
            before = make_views(batch, plain, replace(spec, intensity=False), draws=own)
            after = make_views(batch, plain, spec, draws=own)
            found[number, chosen] = contrast_left(
                before.images[0], after.images[0], before.label_maps[0]
            )
    lost = torch.where(found.isnan(), torch.nan, (found < LEFT).float())
    return lost.nanmean(dim=0).double().numpy()


def _with_lesions(material: Material, lesions: Lesions) -> list[npt.NDArray[np.int64]]:
    has = (lesions.measure > 0).any(dim=1).numpy()
    parts = [chosen[has[chosen]] for chosen in material.chunks()]
    return [chosen for chosen in parts if len(chosen)]


def _fine(batch: CropBatch, plan: ViewPlan) -> tuple[CropBatch, ViewPlan]:
    """Return a blank batch and a plan of the same geometry on a finer grid, without masks."""
    space = tuple(batch.images.shape[2:])
    widest = plan.crop_scale[1] ** (1 / len(space))
    times = [
        max(1, min(math.ceil(edge * widest / size), _FINE[len(space)] // size))
        for edge, size in zip(space, plan.size, strict=True)
    ]
    size = tuple(size * more for size, more in zip(plan.size, times, strict=True))
    intensities = replace(plan.intensities, mean=(0.0,), std=(1.0,))
    blank = torch.zeros(len(batch.images), 1, *space)
    spatial = replace(plan, size=size, intensities=intensities, masking=None)
    return replace(batch, images=blank), spatial


def _mean_of(happens: Tensor, defined: Tensor) -> Floats:
    """Return the mean over draws, views and lesions of an image, NaN where none is defined."""
    known = ~defined.isnan()
    count = known.sum(dim=(0, 1, 3)).double()
    total = torch.where(known, happens, 0.0).sum(dim=(0, 1, 3))
    return torch.where(count > 0, total / count, torch.nan).numpy()
