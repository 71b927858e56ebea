"""How much of the task's signal is left in views: what a probe reads in them against in images.

kept = (score on views - chance) / (score on images - chance), with the same folds and the same
draws of patients above and below, so that what the two share cancels. The probe is fitted on
views of some patients and tested on views of others: what counts is whether the answer can still
be learnt from views, not whether a probe of plain images survives the change. Every draw of views
has its own probe, fitted on as many cases as that of plain images; scores are averaged over draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from anlage.alignment.features import image_features, place_features
from anlage.alignment.intervals import ProbeScore, Share, interval
from anlage.alignment.material import Material, Target
from anlage.alignment.probe import chance_of, kernel_of, out_of_fold, scores
from anlage.tensors import Images, LabelMaps
from anlage.transforms.views import Intensities, ViewPlan, one_view

__all__ = [
    "Kept",
    "Reading",
    "Viewed",
    "kept_signal",
    "read_images",
    "read_places",
    "reading_of",
    "unit_plan",
    "views_of",
]

Floats = npt.NDArray[np.float64]
Viewed = Iterator[tuple[npt.NDArray[np.int64], Images, LabelMaps | None]]

_PLACES = 2  # lesion pixels per image that a dense probe looks at, and as many others
_DARK = 0.02


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a probe reads: its score on all cases and under every draw of patients.

    Attributes:
        score: On all cases.
        replicates: Under every draw, (R,).
        chance: Score of a probe that knows nothing.
    """

    score: float
    replicates: Float[Floats, " R"]
    chance: float

    @property
    def is_above_chance(self) -> bool:
        """Whether the whole interval lies above chance."""
        ends = interval(self.replicates)
        return ends is not None and ends[0] > self.chance

    def share(self) -> ProbeScore:
        """Return the score with its interval, its kind and chance."""
        low, high = interval(self.replicates) or (None, None)
        kind: Literal["AUROC", "correlation"] = "AUROC" if self.chance else "correlation"
        return ProbeScore(value=self.score, low=low, high=high, kind=kind, chance=self.chance)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Share of the signal that is left, with its replicates."""

    share: Share
    replicates: Float[Floats, " R"]


def kept_signal(clean: Reading, view: Reading) -> Kept | None:
    """Return the share of the signal that views keep; None if images have none to measure."""
    if not clean.is_above_chance:
        return None
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = (view.replicates - view.chance) / (clean.replicates - clean.chance)
    ratios = np.where(clean.replicates > clean.chance, ratios, np.nan)
    value = (view.score - view.chance) / (clean.score - clean.chance)
    low, high = interval(ratios) or (None, None)
    return Kept(share=Share(value=value, low=low, high=high), replicates=ratios)


def unit_plan(plan: ViewPlan) -> ViewPlan:
    """Return a plan whose images stay in the unit interval."""
    channels = len(plan.intensities.mean)
    plain: Intensities = replace(plan.intensities, mean=(0.0,) * channels, std=(1.0,) * channels)
    return replace(plan, intensities=plain)


def views_of(material: Material, plan: ViewPlan, *, seed: int, number: int | None) -> Viewed:
    """Yield places of images with one view of each in the unit interval, and its label map.

    Args:
        material: The images.
        plan: What is done to them.
        seed: Seed of the views.
        number: Which draw; None shows images as they are.
    """
    plain = unit_plan(plan)
    for chosen in material.chunks():
        draws = None if number is None else material.draws(chosen, seed=seed, number=number)
        unit, maps = one_view(material.batch(chosen), plain, draws=draws)
        yield chosen, unit, maps


def read_images(
    views: Callable[[int], Viewed],
    material: Material,
    target: Target,
    weights: Float[Floats, "R n"],
    *,
    draws: int,
    seed: int,
) -> Reading | None:
    """Read an image's label from its views; draws are read apart, and their scores averaged.

    Args:
        views: Gives the views of one draw.
        material: The images.
        target: What is to be read.
        weights: Draws of patients.
        draws: Views per image.
        seed: Seed of the folds.
    """
    found = []
    for number in range(draws):
        blocks, rows = [], []
        for chosen, unit, _ in views(number):
            known = np.isfinite(target.values[chosen])
            if known.any():
                blocks.append(image_features(unit[torch.from_numpy(known)]))
                rows.append(chosen[known])
        row = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
        one = reading_of(
            [torch.cat(parts) for parts in zip(*blocks, strict=True)],
            target.values[row],
            row,
            material,
            weights=weights,
            num_classes=len(target.classes),
            seed=seed,
        )
        if one is None:
            return None
        found.append(one)
    return _averaged(found)


def read_places(
    views: Callable[[int], Viewed],
    material: Material,
    weights: Float[Floats, "R n"],
    *,
    seed: int,
) -> Reading | None:
    """Read at some pixels of one draw of views whether they are lesion, from what is around them.

    Args: as ``read_images``; images without a label map are left out.
    """
    features, values, rows = [], [], []
    generator = torch.Generator().manual_seed(seed)
    for chosen, unit, maps in views(0):
        if maps is None:
            continue
        places, is_lesion = _places(unit, maps, generator)
        wanted = torch.from_numpy(material.has_map[chosen])[:, None] & (places >= 0)
        found = place_features(unit, places.clamp_min(0))[wanted]
        features.append(found)
        values.append(is_lesion[wanted].double().numpy())
        rows.append(np.broadcast_to(chosen[:, None], wanted.shape)[wanted.numpy()])
    if not features:
        return None
    stacked = torch.cat(features)
    spread = stacked.std(dim=0).clamp_min(1e-6)
    scaled = (stacked - stacked.mean(dim=0)) / spread
    row = np.concatenate(rows)
    return reading_of(
        [scaled],
        np.concatenate(values),
        row,
        material,
        weights=weights,
        num_classes=2,
        seed=seed,
    )


def reading_of(
    blocks: list[Tensor],
    values: Floats,
    row: npt.NDArray[np.int64],
    material: Material,
    *,
    weights: Floats,
    num_classes: int,
    seed: int,
) -> Reading | None:
    """Fit and test a probe; None for fewer than four patients or a single class.

    Args:
        blocks: Features of every case, (cases, _) each.
        values: Class numbers or quantities, (cases,).
        row: Which image each case comes from.
        material: The images.
        weights: Draws of patients.
        num_classes: 0 for a quantity.
        seed: Seed of the folds.
    """
    patients = material.patient[row]
    if len(np.unique(patients)) < 4 or len(np.unique(values)) < 2:
        return None
    predicted = out_of_fold(kernel_of(blocks), values, patients, num_classes=num_classes, seed=seed)
    all_and_drawn = np.concatenate([np.ones((1, len(row))), weights[:, row]])
    found = scores(predicted, values, all_and_drawn, num_classes=num_classes)
    return Reading(score=float(found[0]), replicates=found[1:], chance=chance_of(num_classes))


def _averaged(readings: Sequence[Reading]) -> Reading:
    return Reading(
        score=float(np.mean([one.score for one in readings])),
        replicates=np.mean([one.replicates for one in readings], axis=0),
        chance=readings[0].chance,
    )


def _places(unit: Images, maps: LabelMaps, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw pixels inside and outside lesions, (B, 2 P); -1 where there is no such pixel.

    Those outside are not black, if any are not: air is no lesion, and says nothing.
    """
    lesion = maps.flatten(1) > 0
    tissue = ~lesion & (unit.mean(dim=1).flatten(1) > _DARK)
    outside = torch.where(tissue.any(dim=1, keepdim=True), tissue, ~lesion)
    parts = []
    for wanted in (lesion, outside):
        keys = torch.rand(wanted.shape, generator=generator) * wanted
        found = keys.topk(_PLACES, dim=1)
        parts.append(torch.where(found.values > 0, found.indices, -1))
    places = torch.cat(parts, dim=1)
    is_lesion = torch.zeros_like(places, dtype=torch.bool)
    is_lesion[:, :_PLACES] = True
    return places, is_lesion
