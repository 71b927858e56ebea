"""What an audit looks at: what a pretraining would do, and some of its training images."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor

from anlage import plugins
from anlage.alignment.auditor import Strategy
from anlage.alignment.few_labels import SHOTS
from anlage.alignment.material import read_material, sampled_rows, target_of
from anlage.alignment.rehearsal import IMAGES, Rehearsal, rehearse
from anlage.data.store import Store
from anlage.methods import MapsErrors
from anlage.tensors import Images, Masks
from anlage.train.pretrain_job import PretrainJob
from anlage.transforms.masking import ErrorMap
from anlage.types import Signal

__all__ = [
    "HELD_BYTES",
    "PIXELS",
    "audited_rows",
    "has_lesion_marks",
    "rehearsal_of",
    "strategy_of",
]

_JOINT = {"contrastive", "predictive"}
_LEAST = 10
PIXELS = 8_000_000  # of all views of one draw: what fits into three minutes on two cores
HELD_BYTES = 1 << 30


def strategy_of(job: PretrainJob, signal: Signal | None) -> Strategy:
    """Return what a pretraining would do to images.

    Masks that follow the method's error ask a copy of the method: looking must not change what
    is trained.
    """
    return Strategy(
        plan=job.plan,
        spec=job.method.spec,
        modality=job.store.meta.modality,
        region=job.scene.region,
        patch=job.encoder.patch,
        is_joint=plugins.family("methods", job.config.method) in _JOINT,
        is_calibrated=job.store.meta.kind in {"hu", "suv", "adc"},
        signal=signal,
        errors=_errors(job) if job.guide == "errors" else None,
    )


def has_lesion_marks(store: Store, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return which images have a label map or boxes, (n,)."""
    boxes = store.index["boxes"].gather(rows.tolist()).to_list()
    boxed = np.array([bool(json.loads(found or "[]")) for found in boxes], dtype=bool)
    marked: npt.NDArray[np.bool_] = store.has_mask[rows] | boxed
    return marked


def audited_rows(
    job: PretrainJob,
    rows: npt.NDArray[np.int64],
    labels: Sequence[str],
    *,
    count: int,
    pixels: int,
    held_bytes: int,
    seed: int,
) -> npt.NDArray[np.int64]:
    """Choose images: no more than can be looked at in time and held in memory, but at least 10.

    Args:
        job: The pretraining.
        rows: Its training images.
        labels: Label columns; of the first, all classes are taken in turn, with and without
            lesions. Without any, images with lesions go first.
        count: How many at most.
        pixels: Of one view of all of them, at most.
        held_bytes: Memory that all of them may take.
        seed: Seed of the choice.
    """
    store, region = job.store, math.prod(job.scene.region)
    held = region * (store.meta.channels * np.dtype(store.meta.dtype).itemsize + 10)
    most = max(_LEAST, min(count, pixels // math.prod(job.scene.size), held_bytes // held))
    marked = has_lesion_marks(store, rows)
    strata, known = np.zeros(len(rows)), marked
    if labels:
        target = target_of(store, rows, labels[0])
        known = np.isfinite(target.values)
        strata = target.values if target.classes else strata
    names = [f"{value} {mark}" for value, mark in zip(strata, marked, strict=True)]
    return sampled_rows(rows, count=most, seed=seed, strata=names, preferred=known)


def rehearsal_of(
    job: PretrainJob, label: str, *, seed: int, shots: int = SHOTS
) -> Rehearsal | None:
    """Rehearse a pretraining on its training images, as many as are wanted and fit in memory.

    Args:
        job: The pretraining.
        label: Label column of the task.
        seed: Seed of images, views and label draws.
        shots: Labelled patients per class.
    """
    chosen = audited_rows(
        job, job.rows, [label], count=IMAGES, pixels=PIXELS, held_bytes=HELD_BYTES, seed=seed
    )
    material = read_material(job.store, chosen, region=job.scene.region, seed=seed)
    target = target_of(job.store, chosen, label)
    return rehearse(material, job.plan, job.method.spec, target, seed=seed, shots=shots)


def _errors(job: PretrainJob) -> ErrorMap:
    method = copy.deepcopy(job.method).cpu()

    def errors(shown: Images, masks: Masks) -> Tensor:
        assert isinstance(method, MapsErrors), "a guide that was not checked"
        return method.error_map(shown, masks)

    return errors
