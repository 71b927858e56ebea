"""What an encoder is shown, beyond what the audit measures, and what a rehearsal makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from anlage.alignment.features import image_features
from anlage.alignment.intervals import patient_weights
from anlage.alignment.material import Material, read_material, sampled_rows, target_of
from anlage.alignment.preservation import Viewed, kept_signal, read_images, unit_plan, views_of
from anlage.alignment.probe import kernel_of
from anlage.alignment.rehearsal import blanked
from anlage.data.store import Store
from anlage.train.audited import rehearsal_of
from anlage.train.distributed import World
from anlage.train.pretrain import PretrainConfig
from anlage.train.pretrain_job import PretrainJob
from anlage.transforms.views import ViewPlan, make_views
from anlage.types import ViewSpec

__all__ = ["alike", "rehearsed", "what_is_shown"]

_IMAGES = 240
_PIXELS = 4_000_000
_BYTES = 1 << 29


def what_is_shown(
    store: Path, recipe: Mapping[str, Any], label: str | None, *, seed: int
) -> dict[str, float]:
    """Measure what the audit does not: the signal in what is shown, and how alike two views are.

    Args:
        store: Folder of the store.
        recipe: Settings of a pretraining.
        label: Label column of the task; None leaves the signal out.
        seed: Of images, views and folds.
    """
    scene = _scene(store, recipe, label, seed=seed)
    plan, spec, material = scene.plan, scene.spec, scene.material
    if plan.masking is not None and plan.masking.mask.guide == "errors":
        return {}

    def shown(draw: int) -> Viewed:
        plain = unit_plan(plan)
        for chosen in material.chunks():
            own = material.draws(chosen, seed=seed, number=draw)
            views = make_views(material.batch(chosen), plain, replace(spec, num_views=1), draws=own)
            masks = views.masks[0] if views.masks else None
            yield chosen, blanked(views.images[0], masks), None

    found = {"different": 1 - alike(shown)}
    if label is not None:
        seen = _seen(shown, material, scene.store, label, plan, seed=seed)
        found |= {} if seen is None else {"seen": seen}
    return found


def rehearsed(
    store: Path, recipe: Mapping[str, Any], label: str, *, shots: int, seed: int
) -> dict[str, float]:
    """Rehearse a pretraining; empty where that cannot be done.

    Args:
        store: Folder of the store.
        recipe: Settings of a pretraining.
        label: Label column of the task.
        shots: Labelled patients per class.
        seed: Of images, views and label draws.
    """
    _, job = _job(store, recipe, seed)
    found = rehearsal_of(job, label, seed=seed, shots=shots)
    return {} if found is None else {"rehearsed": found.gain}


@dataclass(frozen=True, kw_only=True)
class _Scene:
    """What a recipe makes of a store, and some of its training images."""

    store: Store
    plan: ViewPlan
    spec: ViewSpec
    material: Material


def _job(store: Path, recipe: Mapping[str, Any], seed: int) -> tuple[Store, PretrainJob]:
    opened = Store.open(store)
    config = PretrainConfig.parse(recipe, where="recipe")
    own = {"device": "cpu", "seed": seed, "parts": ("train",)}
    job = PretrainJob(opened, config.model_copy(update=own), World())
    job.close()
    return opened, job


def _scene(store: Path, recipe: Mapping[str, Any], label: str | None, *, seed: int) -> _Scene:
    opened, job = _job(store, recipe, seed)
    plan, spec = job.plan, job.method.spec
    if not spec.is_masked:
        plan = replace(plan, masking=None)
    target = None if label is None else target_of(opened, job.rows, label)
    known = np.ones(len(job.rows), bool) if target is None else np.isfinite(target.values)
    strata = [""] * len(job.rows) if target is None else [str(value) for value in target.values]
    held = int(np.prod(job.scene.region)) * opened.meta.channels * 4
    most = max(10, min(_IMAGES, _PIXELS // int(np.prod(plan.size)), _BYTES // held))
    rows = sampled_rows(job.rows, count=most, seed=seed, strata=strata, preferred=known)
    material = read_material(opened, rows, region=job.scene.region, seed=seed)
    return _Scene(store=opened, plan=plan, spec=spec, material=material)


def alike(shown: Callable[[int], Viewed]) -> float:
    """Return how much more alike two views of an image are than views of two images, -1 to 1.

    2 AUC - 1, where AUC is the chance that the second view of an image resembles its first more
    than the second view of another image does.
    """
    draws = [[image_features(unit) for _, unit, _ in shown(number)] for number in (0, 1)]
    parts = zip(*(block for draw in draws for block in draw), strict=True)
    kernel = kernel_of([torch.cat(blocks) for blocks in parts])
    count = len(kernel) // 2
    across = kernel[:count, count:]
    own = np.diag(across)[:, None]
    below = (across < own).sum() + ((across == own).sum() - count) / 2
    return float(2 * below / (count * (count - 1)) - 1)


def _seen(
    shown: Callable[[int], Viewed],
    material: Material,
    store: Store,
    label: str,
    plan: ViewPlan,
    *,
    seed: int,
) -> float | None:
    target = target_of(store, material.sample, label)
    weights = patient_weights(material.patient, replicates=200, seed=seed)

    def plain(_: int) -> Viewed:
        return views_of(material, plan, seed=seed, number=None)

    clean = read_images(plain, material, target, weights, draws=1, seed=seed)
    views = read_images(shown, material, target, weights, draws=2, seed=seed)
    if clean is None or views is None:
        return None
    kept = kept_signal(clean, views)
    return None if kept is None else kept.share.value
