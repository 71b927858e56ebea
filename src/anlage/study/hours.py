"""How long a study takes, from steps that were measured: the advisor's table of costs.

Counted are pretrainings, and adaptations that train a network; probes on kept features take
seconds. It is a guess: the table's device is not yours, and other work on it counts too. Encoders
were measured with their default settings; others are taken to be as much dearer as they multiply
more. All strategies of a study share encoder and image size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from anlage.advisor.cost import Costs, costs
from anlage.data.store import Store
from anlage.encoders import build_encoder
from anlage.study.plan import StudyPlan
from anlage.train.adapt import num_steps
from anlage.train.scene import scene_of
from anlage.train.settings import PretrainConfig

__all__ = ["told_hours"]

_TRAINED = {"finetune", "frozen"}


def told_hours(store: Store, plan: StudyPlan, table: Costs | None = None) -> str:
    """Return how long everything takes that a plan holds, in a sentence."""
    table = table or costs()
    dims, first = store.meta.dims, plan.pretrainings[0].config
    shown = scene_of(store, size=first.image_size, field=first.field).size
    edge = round(math.prod(shown) ** (1 / dims))
    dearer = _dearer(store, first, shown)

    def hours(step: str, images: float) -> float | None:
        speed = table.images_per_s(step, first.encoder, dims, edge)
        return None if speed is None else images * dearer / speed / 3600

    methods = [job.config.method for job in plan.pretrainings]
    pretraining = [
        hours(method, _images(store, job.config))
        for method, job in zip(methods, plan.pretrainings, strict=True)
    ]
    adaptation = [hours(step, images) for step, images in _trained(plan)]
    if None in (*pretraining, *adaptation):
        return f"Time: not known, {first.encoder} was not measured in {dims}D."
    before, after = (sum(one for one in found if one) for found in (pretraining, adaptation))
    lacking = sorted({name for name in methods if not table.has(name, first.encoder, dims)})
    note = f"; {', '.join(lacking)} not measured, taken as the dearest method" if lacking else ""
    return (
        f"Time: {_told(before + after, 'roughly ')} on {table.device}; {_told(before)} to "
        f"pretrain, {_told(after)} to adapt{note}. More cores or a GPU need less."
    )


def _images(store: Store, config: PretrainConfig) -> float:
    """Return how many images one pretraining is shown."""
    split = store.split(config.split)
    images = sum(len(split[part]) for part in config.parts)
    if config.steps is not None:
        return config.steps * min(config.batch_size, images)
    return config.epochs * images


def _trained(plan: StudyPlan) -> Iterator[tuple[str, int]]:
    """Yield the kind of step of each adaptation that trains, and how many images it is shown."""
    for job in plan.adaptations:
        if job.rung in _TRAINED:
            is_dense = plan.tasks[job.task].task.profile.signal == "dense"
            rates = len(job.settings["learning_rates"]) if len(job.labels.validation) else 1
            images = num_steps(job.adapt, len(job.labels.train)) * job.adapt.batch_size * rates
            yield "finetune_dense" if is_dense else "finetune", images


def _dearer(store: Store, config: PretrainConfig, size: Sequence[int]) -> float:
    """Return how many times more an encoder multiplies than with its default settings."""

    def work(options: dict[str, Any]) -> int:
        shape = (store.meta.channels, *size)
        with torch.device("meta"), torch.no_grad():  # shapes alone, nothing is computed
            encoder = build_encoder(
                config.encoder,
                dims=store.meta.dims,
                channels=store.meta.channels,
                image_size=tuple(size),
                options=options,
            )
            with FlopCounterMode(display=False) as counter:
                encoder(torch.empty(2, *shape))
        return int(counter.get_total_flops())

    return work(config.encoder_options) / work({}) if config.encoder_options else 1.0


def _told(hours: float, about: str = "") -> str:
    if hours < 1 / 60:
        return "under a minute"
    if hours < 1:
        return f"{about}{60 * hours:.0f} min"
    return f"{about}{hours:.1f} h" if hours < 48 else f"{about}{hours / 24:.1f} days"
