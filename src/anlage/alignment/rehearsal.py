"""A rehearsal: how a linear stand-in for a pretraining does on these images, before it is run.

The stand-in (``stand_in``) learns linear maps of fixed image features in closed form, from views
and masks as the strategy makes them; a method that both draws views together and fills in gets
both maps, each of the same mean length. A probe of few labels (``few_labels``) then reads what it
learnt, and what the same stand-in learns where views change nothing and masks hide nothing. The
difference is the rehearsed gain, which is the audit's alignment score.

It sees what views and masks destroy, what they leave, and what a method makes of it. It does not
see depth, optimisation, fine-tuning, or how far two views of a pair must overlap. Maps are learnt
from all images, those of tested patients among them, without labels. What it has foretold, and
what not, is in benchmarks/audit.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from anlage.alignment.features import image_features
from anlage.alignment.few_labels import SHOTS, compared
from anlage.alignment.material import Material, Target
from anlage.alignment.preservation import unit_plan, views_of
from anlage.alignment.stand_in import predicting, shared
from anlage.tensors import Images, Masks
from anlage.transforms.views import ViewPlan, make_views
from anlage.types import ViewSpec

__all__ = ["IMAGES", "Rehearsal", "blanked", "rehearse"]

Floats = npt.NDArray[np.float64]

IMAGES = 500  # looked at, with and without labels, where memory allows
_VIEWS = 6
_COMPONENTS = 40  # per block of features


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """How the stand-in did.

    Attributes:
        gain: Points (hundredths) of AUROC, or of the correlation with a quantity, more than where
            nothing is changed or hidden.
        low: Lower end of its 95 % interval over patients, see ``few_labels``; None where there
            are too few.
        high: Its upper end.
        kind: ``AUROC`` of classes, ``correlation`` of a quantity.
        plain: Score of the probe where nothing is changed or hidden.
        labels: Labelled patients per class that the probe was fitted on, at most; of a quantity
            in all.
        images: How many images the stand-in learnt from.
    """

    gain: float
    low: float | None
    high: float | None
    kind: Literal["AUROC", "correlation"]
    plain: float
    labels: int
    images: int

    def as_json(self) -> dict[str, float | int | str | None]:
        """Return it rounded to four places."""
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}


def rehearse(
    material: Material,
    plan: ViewPlan,
    spec: ViewSpec,
    target: Target,
    *,
    seed: int,
    shots: int = SHOTS,
) -> Rehearsal | None:
    """Rehearse a pretraining on some images and few labels.

    Args:
        material: Training images, with and without labels.
        plan: What pretraining does to them.
        spec: What its method asks for.
        target: What the task reads; images without it are learnt from all the same.
        seed: Seed of views and label draws.
        shots: Labelled patients per class.

    Returns:
        None for a method that neither draws views together nor fills in, for masks that follow the
        method's own error, for images that are all alike, and for too few labelled patients (see
        ``few_labels.compared``).
    """
    is_filling = spec.is_masked and plan.masking is not None
    is_drawing = spec.num_views > 1
    by_error = plan.masking is not None and plan.masking.mask.guide == "errors"
    if not (is_filling or is_drawing) or (is_filling and by_error):
        return None
    shown = plan if is_filling else replace(plan, masking=None)
    features = _Features(material, shown, spec, seed=seed)
    if features.plain.shape[1] == 0:
        return None

    def learnt(visible: Floats, whole: Floats) -> Floats:
        maps = [shared(visible)] if is_drawing else []
        maps += [predicting(visible, whole)] if is_filling else []
        return np.concatenate([_same_length(features.plain @ one) for one in maps], axis=1)

    unchanged = np.stack([features.plain, features.plain])
    found = compared(
        learnt(unchanged, unchanged),
        learnt(features.visible, features.whole),
        target,
        material.patient,
        shots=shots,
        seed=seed,
    )
    if found is None:
        return None
    return Rehearsal(
        gain=100 * found.value,
        low=None if found.low is None else 100 * found.low,
        high=None if found.high is None else 100 * found.high,
        kind="AUROC" if target.classes else "correlation",
        plain=found.first,
        labels=found.fitted,
        images=len(material),
    )


class _Features:
    """Fixed features of images, of their views, and of the visible part of these.

    Blocks are centred, given the same total variance and reduced to their main directions, all as
    the images themselves have them.
    """

    def __init__(self, material: Material, plan: ViewPlan, spec: ViewSpec, *, seed: int) -> None:
        images = (unit for _, unit, _ in views_of(material, plan, seed=seed, number=None))
        blocks = _blocks(images)
        self._scales = [_main(block) for block in blocks]
        self.plain = self._reduced(blocks)
        whole, visible = [], []
        for number in range(_VIEWS):
            made = list(_views(material, plan, spec, seed=seed, number=number))
            whole.append(self._reduced(_blocks(view for view, _ in made)))
            if spec.is_masked:
                visible.append(self._reduced(_blocks(blanked(*one) for one in made)))
        self.whole = np.stack(whole)
        self.visible = np.stack(visible) if visible else self.whole

    def _reduced(self, blocks: Sequence[Floats]) -> Floats:
        parts = [
            (block - mean) @ directions
            for block, (mean, directions) in zip(blocks, self._scales, strict=True)
        ]
        return np.concatenate(parts, axis=1)


def blanked(images: Images, masks: Masks | None) -> Images:
    """Return images with hidden positions at the mean of what is visible of each image.

    Args:
        images: (B, C, *S).
        masks: (B, *G), True is hidden; None hides nothing.
    """
    if masks is None:
        return images
    hidden = masks
    for axis, edge in enumerate(images.shape[2:], start=1):
        hidden = hidden.repeat_interleave(edge // hidden.shape[axis], dim=axis)
    hidden = hidden.unsqueeze(1)
    axes = tuple(range(2, images.ndim))
    visible = (~hidden).sum(dim=axes, keepdim=True).clamp_min(1)
    mean = torch.where(hidden, 0, images).sum(dim=axes, keepdim=True) / visible
    return torch.where(hidden, mean, images)


def _views(
    material: Material, plan: ViewPlan, spec: ViewSpec, *, seed: int, number: int
) -> Iterator[tuple[Images, Masks | None]]:
    plain, alone = unit_plan(plan), replace(spec, num_views=1)
    for chosen in material.chunks():
        draws = material.draws(chosen, seed=seed, number=number)
        made = make_views(material.batch(chosen), plain, alone, draws=draws)
        yield made.images[0], made.masks[0] if made.masks else None


def _blocks(images: Iterator[Images]) -> list[Floats]:
    found = [image_features(unit) for unit in images]
    return [torch.cat(parts).double().numpy() for parts in zip(*found, strict=True)]


def _main(block: Floats) -> tuple[Floats, Floats]:
    """Return mean and main directions of a block, scaled to a total variance of one.

    A block that is the same in all images has no direction.
    """
    mean = block.mean(axis=0)
    centred = block - mean
    length = np.sqrt(np.square(centred).sum(axis=1).mean())
    if length < 1e-9:
        return mean, np.zeros((block.shape[1], 0))
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return mean, directions[:_COMPONENTS].T / length


def _same_length(features: Floats) -> Floats:
    """Give features a mean squared length of one."""
    centred = features - features.mean(axis=0)
    return features / max(float(np.sqrt(np.square(centred).sum(axis=1).mean())), 1e-12)
