"""A rehearsal: what a linear stand-in for a pretraining gains on these images, before it is run.

The stand-in learns linear maps of fixed image features, which has a solution in closed form:

- a method that draws views together learns the directions that two views of an image share, each
  weighted by how far they share it: canonical correlation across views, which is what contrastive
  and predictive losses find among linear maps (HaoChen et al., "Provable guarantees for
  self-supervised deep learning with spectral contrastive loss", NeurIPS 2021; Balestriero and
  LeCun, "Contrastive and non-contrastive self-supervised learning recover global and local
  spectral embedding methods", NeurIPS 2022);
- a method that fills in what a mask hides learns the directions of what is visible that predict
  the view, weighted by how much of it they predict: reduced-rank regression (Izenman, "Reduced-rank
  regression for the multivariate linear model", J. Multivariate Analysis 1975), which follows
  variance as reconstruction does (Balestriero and LeCun, "Learning by reconstruction produces
  uninformative features for perception", 2024);
- a method that does both gets both, side by side.

A probe is then fitted on a few labelled patients and tested on the others, once on what the
stand-in learnt and once on the fixed features. The difference is the rehearsed gain. It sees what
views and masks destroy, what they leave, and what a method makes of it; it does not see depth,
optimisation or fine-tuning. What it has foretold, and what not, is in benchmarks/audit.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float

from anlage.alignment.features import image_features
from anlage.alignment.intervals import interval, patient_weights
from anlage.alignment.material import Material, Target
from anlage.alignment.preservation import unit_plan, views_of
from anlage.alignment.probe import scores
from anlage.tensors import Images, Masks
from anlage.transforms.views import ViewPlan, make_views
from anlage.types import ViewSpec

__all__ = ["IMAGES", "Rehearsal", "predicting", "rehearse", "shared"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

IMAGES = 500  # looked at by default, with and without labels
_SHOTS = 10  # labelled patients per class
_VIEWS = 6
_COMPONENTS = 40  # per block of features
_RANK = 64
_RIDGE = 0.1  # share of the mean variance
_PROBE_RIDGE = 1.0  # share of the mean squared length
_DRAWS = 50
_REPLICATES = 200


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What the stand-in gained.

    Attributes:
        gain: Points (hundredths) of AUROC, or of the correlation with a quantity.
        low: Lower end of its 95 % interval over test patients; label draws are averaged and the
            maps taken as they are.
        high: Its upper end.
        kind: ``AUROC`` of classes, ``correlation`` of a quantity.
        plain: Score of the probe on fixed features.
        shots: Labelled patients per class, at most; of a quantity twice as many in all.
        images: How many images the stand-in learnt from.
    """

    gain: float
    low: float | None
    high: float | None
    kind: Literal["AUROC", "correlation"]
    plain: float
    shots: int
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
    shots: int = _SHOTS,
) -> Rehearsal | None:
    """Rehearse a pretraining on some images and few labels.

    Args:
        material: Training images, with and without labels.
        plan: What pretraining does to them.
        spec: What its method asks for.
        target: What the task reads; images without it are learnt from all the same.
        seed: Seed of views, label draws and intervals.
        shots: Labelled patients per class.

    Returns:
        None for a method that neither draws views together nor fills in, for masks that follow the
        method's own error, and where fewer than two classes have two patients.
    """
    is_filling = spec.is_masked and plan.masking is not None
    is_drawing = spec.num_views > 1
    by_error = plan.masking is not None and plan.masking.mask.guide == "errors"
    if not (is_filling or is_drawing) or (is_filling and by_error):
        return None
    values = _testable(target, material.patient)
    if values is None:
        return None
    shown = plan if is_filling else replace(plan, masking=None)
    features = _Features(material, shown, spec, seed=seed)
    maps = [shared(features.visible)] if is_drawing else []
    maps += [predicting(features.visible, features.whole)] if is_filling else []
    learnt = np.concatenate([_unit(features.plain @ one) for one in maps], axis=1)
    plain = features.plain / np.maximum(features.plain.std(axis=0), 1e-9)
    return _compared(
        _unit(plain), _unit(learnt), values, target, material.patient, shots=shots, seed=seed
    )


def shared(
    views: Float[Floats, "V n F"], *, rank: int = _RANK, ridge: float = _RIDGE
) -> Float[Floats, "F k"]:
    """Return the directions that views of an image share, longest first.

    Each has unit variance over all views (with ridge), times the root of the share of it that two
    views of an image have in common; directions that share nothing have length 0.

    Args:
        views: Features of V views of n images.
        rank: How many directions at most.
        ridge: Added to all variances, as a share of their mean.
    """
    centred = views - views.mean(axis=(0, 1))
    count, images, width = views.shape
    every = np.einsum("vni,vnj->ij", centred, centred) / (count * images)
    mean = centred.mean(axis=0)
    # the mean over pairs of different views
    across = (count * (mean.T @ mean) / images - every) / (count - 1)
    ridged = every + ridge * np.trace(every) / width * np.eye(width)
    whitening = _inverse_root(ridged)
    shares, directions = np.linalg.eigh(whitening @ across @ whitening)
    order = np.argsort(shares)[::-1][:rank]
    found: Floats = whitening @ directions[:, order] * np.sqrt(np.clip(shares[order], 0, None))
    return found


def predicting(
    visible: Float[Floats, "V n F"],
    whole: Float[Floats, "V n F"],
    *,
    rank: int = _RANK,
    ridge: float = _RIDGE,
) -> Float[Floats, "F k"]:
    """Return the directions of what is visible that predict the whole view, longest first.

    Each has unit variance (with ridge), times the deviation of the whole that it predicts.

    Args:
        visible: Features of V views of n images with hidden places blanked.
        whole: Features of the same views with nothing hidden.
        rank: How many directions at most.
        ridge: Added to all variances, as a share of their mean.
    """
    width = visible.shape[2]
    seen = (visible - visible.mean(axis=(0, 1))).reshape(-1, width)
    wanted = (whole - whole.mean(axis=(0, 1))).reshape(-1, width)
    every = seen.T @ seen / len(seen)
    whitening = _inverse_root(every + ridge * np.trace(every) / width * np.eye(width))
    directions, lengths, _ = np.linalg.svd(whitening @ (seen.T @ wanted / len(seen)))
    found: Floats = whitening @ directions[:, :rank] * lengths[:rank]
    return found


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


def _unit(features: Floats) -> Floats:
    """Centre features and give them a mean squared length of one."""
    centred = features - features.mean(axis=0)
    length = np.sqrt(np.square(centred).sum(axis=1).mean())
    found: Floats = centred / max(length, 1e-12)
    return found


def _inverse_root(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    found: Floats = vectors / np.sqrt(np.maximum(values, 1e-12)) @ vectors.T
    return found


def _testable(target: Target, patients: Rows) -> Floats | None:
    """Return the values, without classes of a single patient; None if too little is left."""
    values = target.values.copy()
    for number in range(len(target.classes)):
        own = values == number
        if own.any() and len(np.unique(patients[own])) < 2:
            values[own] = np.nan
    known = np.isfinite(values)
    if len(np.unique(patients[known])) < 4 or len(np.unique(values[known])) < 2:
        return None
    return values


def _compared(
    plain: Floats,
    learnt: Floats,
    values: Floats,
    target: Target,
    patients: Rows,
    *,
    shots: int,
    seed: int,
) -> Rehearsal | None:
    """Fit and test a probe on both, over draws of labelled patients."""
    rng = np.random.default_rng(seed)
    weights = patient_weights(patients, replicates=_REPLICATES, seed=seed)
    weights = np.concatenate([np.ones((1, len(patients))), weights])
    gains, scored = [], []
    for _ in range(_DRAWS):
        fit, test = _drawn(values, patients, shots=shots, is_class=bool(target.classes), rng=rng)
        both = [
            scores(
                _probed(one, fit, test, values, num_classes=len(target.classes)),
                values[test],
                weights[:, test],
                num_classes=len(target.classes),
            )
            for one in (plain, learnt)
        ]
        gains.append(both[1] - both[0])
        scored.append(both[0][0])
    if not np.isfinite(scored).any():
        return None
    held = np.array(gains)
    counts = np.isfinite(held).sum(axis=0)
    found = np.where(np.isfinite(held), held, 0).sum(axis=0) / np.where(counts > 0, counts, np.nan)
    low, high = (None if end is None else 100 * end for end in interval(found[1:]) or (None, None))
    return Rehearsal(
        gain=100 * float(found[0]),
        low=low,
        high=high,
        kind="AUROC" if target.classes else "correlation",
        plain=float(np.nanmean(scored)),
        shots=shots,
        images=len(patients),
    )


def _drawn(
    values: Floats, patients: Rows, *, shots: int, is_class: bool, rng: np.random.Generator
) -> tuple[Rows, Rows]:
    """Draw one image each of a few patients per class; test on all labelled others."""
    known = np.flatnonzero(np.isfinite(values))
    order = known[rng.permutation(len(known))]
    _, first = np.unique(patients[order], return_index=True)
    one_each = order[np.sort(first)]
    groups = [one_each[values[one_each] == one] for one in np.unique(values[known])]
    if not is_class:
        groups, shots = [one_each], 2 * shots
    fit = np.concatenate([group[: min(shots, len(group) // 2)] for group in groups])
    test = known[~np.isin(patients[known], patients[fit])]
    return fit, test


def _probed(features: Floats, fit: Rows, test: Rows, values: Floats, *, num_classes: int) -> Floats:
    """Fit ridge regression on some images and return its answers for others, (n, K)."""
    wanted = np.eye(num_classes)[values[fit].astype(int)] if num_classes else values[fit, None]
    kernel = features[fit] @ features[fit].T
    ridge = _PROBE_RIDGE * np.trace(kernel) / len(fit)
    inner = kernel + ridge * np.eye(len(fit))
    found: Floats = features[test] @ (
        features[fit].T @ np.linalg.solve(inner, wanted - wanted.mean(axis=0))
    )
    return found
