"""From a study's config to its jobs: what is trained, on which labels, in which order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from anlage import plugins
from anlage.config import fingerprint, layered
from anlage.data.store import Store
from anlage.errors import ConfigError
from anlage.report.judgement import FEWEST_RUNS
from anlage.report.words import joined, several
from anlage.study.config import StudyConfig, TaskChoice
from anlage.study.labels import (
    Labels,
    draw_labels,
    rarest_notes,
    shortage_notes,
    test_cases,
)
from anlage.tasks import Task
from anlage.train.finetune import build_task
from anlage.train.settings import AdaptConfig, PretrainConfig

__all__ = [
    "TWINS",
    "Adaptation",
    "Pretraining",
    "StudyPlan",
    "TaskPlan",
    "make_plan",
    "rivals",
]

# the arm without pretraining that a strategy is compared with, by rung
TWINS = {
    "finetune": "scratch",
    "frozen": "random_frozen",
    "linear": "random_frozen",
    "knn": "random_frozen",
}

# what trains little besides the encoder, and is therefore also compared with a whole training
_CHEAP = {"linear", "frozen"}

Rows = npt.NDArray[np.int64]

_SAME_RESULT = {"device", "log_every", "checkpoint_s", "checkpoint_every", "quick_audit"}
_LONGEST = 40
# how a random encoder is made and what a linear probe is scaled by: part of their jobs' names
_TWIN = {"twin": "calibrated"}
_PROBE = {"scaled_by": "all training images"}


@dataclass(frozen=True, kw_only=True)
class Pretraining:
    """One pretraining: a strategy and a seed.

    Attributes:
        strategy: Title of the strategy.
        seed: Number of the pretraining, from 0.
        config: Its settings.
        images: Fingerprint of the images it sees.
    """

    strategy: str
    seed: int
    config: PretrainConfig
    images: str

    @property
    def key(self) -> str:
        """Name of its folder."""
        settings = self.config.model_dump(mode="json", exclude=_SAME_RESULT)
        stamp = fingerprint({**settings, "images": self.images})[:8]
        return f"{_word(self.strategy)}-seed{self.seed}-{stamp}"


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """One adaptation: a task, an arm, a rung, a budget, a draw, a pretraining seed.

    Attributes:
        task: Title of the task.
        arm: Strategy or control.
        rung: ``knn``, ``linear``, ``frozen``, ``finetune`` or ``prior``.
        labels: What it may learn from.
        seed: Seed of pretraining, and of fresh weights.
        pretraining: What it starts from; None for controls.
        adapt: How the network is trained; the rung and the learning rate come on top.
        settings: Everything else that its result depends on.
    """

    task: str
    arm: str
    rung: str
    labels: Labels
    seed: int
    pretraining: Pretraining | None
    adapt: AdaptConfig
    settings: dict[str, Any]

    @property
    def key(self) -> str:
        """Name of its folder."""
        stamp = fingerprint(
            {
                **self.settings,
                "adapt": self.adapt.model_dump(mode="json"),
                "pretraining": self.pretraining.key if self.pretraining else None,
                "train": self.labels.train.tolist(),
                "validation": self.labels.validation.tolist(),
            }
        )[:8]
        budget = self.labels.budget.replace("%", "pct")
        place = f"{_word(self.task)}-{_word(self.arm)}-{self.rung}"
        return f"{place}-{budget}-draw{self.labels.draw}-seed{self.seed}-{stamp}"


@dataclass(frozen=True, kw_only=True)
class TaskPlan:
    """One task of a study, how it is trained, and the test cases that it is judged on."""

    title: str
    task: Task
    test: Rows
    adapt: AdaptConfig


@dataclass(frozen=True, kw_only=True)
class StudyPlan:
    """All jobs of a study."""

    tasks: dict[str, TaskPlan]
    pretrainings: tuple[Pretraining, ...]
    adaptations: tuple[Adaptation, ...]
    notes: tuple[str, ...]


def rivals(arm: str, rung: str) -> tuple[tuple[str, str], ...]:
    """Return the arms without pretraining that an arm is compared with, and on which rung.

    The first is its twin, which differs in nothing but pretraining. A pretrained encoder that is
    kept as it is also meets the network that was trained from scratch as a whole: the question of
    somebody who has few labels is which of the two to use, and with few labels a linear probe
    can be the better use of a pretrained encoder.
    """
    twin = TWINS.get(rung)
    if twin is None or arm in {twin, "pixels"}:  # no claim is about pixels
        return ()
    whole = (("scratch", "finetune"),) if rung in _CHEAP else ()
    return ((twin, rung), *whole)


def make_plan(store: Store, config: StudyConfig) -> StudyPlan:
    """List the jobs of a study.

    Raises:
        ConfigError: If no rung suits a task, or the store lacks a task's targets.
        DataError: If the split leaves no labelled training images, or test images of fewer than
            two patients.
    """
    pretrainings = tuple(_pretrainings(store, config))
    tasks: dict[str, TaskPlan] = {}
    adaptations: list[Adaptation] = []
    notes = list(_guided_by_labels(pretrainings))
    for choice in config.tasks:
        task = build_task(store, choice.task, choice.label, choice.options)
        rungs = _rungs(config, task)
        test, remarks = test_cases(store, config, task, choice.title)
        adapt = AdaptConfig.parse(
            layered(config.adapt.model_dump(mode="json"), choice.adapt),
            where=f"adapt of {choice.title}",
        )
        place = TaskPlan(title=choice.title, task=task, test=test, adapt=adapt)
        tasks[choice.title] = place
        notes += [*remarks, *rarest_notes(store, task, test, choice.title)]
        settings = _settings(config, choice, test)
        drawn = list(draw_labels(store, config, task, choice.title))
        notes += shortage_notes(store, config, task, drawn, choice.title)
        for labels in drawn:
            adaptations += _adaptations(
                config,
                place,
                labels,
                rungs=rungs,
                pretrainings=pretrainings,
                settings=settings,
            )
    notes += [*_few_runs(adaptations), *_no_pixels(config, tasks.values())]
    return StudyPlan(
        tasks=tasks,
        pretrainings=pretrainings,
        adaptations=tuple(adaptations),
        notes=tuple(notes),
    )


def _few_runs(adaptations: Iterable[Adaptation]) -> Iterator[str]:
    """Name the budgets at which strategies have too few runs (draws x seeds) for a claim."""
    runs: dict[str, set[tuple[int, int]]] = {}
    for job in adaptations:
        if job.pretraining is not None:
            runs.setdefault(job.labels.budget, set()).add((job.labels.draw, job.seed))
    for number in sorted({len(found) for found in runs.values()}):
        budgets = [budget for budget, found in runs.items() if len(found) == number]
        if number < FEWEST_RUNS:
            remedy = "pretrain_seeds" if "100%" in budgets else "draws or pretrain_seeds"
            yield (
                f"{several(number, 'run')} of each arm at {joined(budgets)} (draws x seeds): no "
                f"claim is made below {FEWEST_RUNS} runs; raise {remedy}."
            )


def _no_pixels(config: StudyConfig, places: Iterable[TaskPlan]) -> Iterator[str]:
    """Say where the chosen rungs leave a control out."""
    is_wanted = "pixels" in config.controls and any("knn" in p.task.rungs for p in places)
    if is_wanted and config.rungs is not None and "knn" not in config.rungs:
        yield "control pixels left out: it needs the rung knn"


def _rungs(config: StudyConfig, task: Task) -> tuple[str, ...]:
    if config.rungs is None:
        return task.rungs
    rungs = tuple(rung for rung in config.rungs if rung in task.rungs)
    if not rungs:
        raise ConfigError(
            f"rungs of {task.profile.task} must be among {', '.join(task.rungs)}, got "
            f"{', '.join(config.rungs)}. Name one of them."
        )
    return rungs


def _pretrainings(store: Store, config: StudyConfig) -> Iterator[Pretraining]:
    common = config.pretrain.model_dump(mode="json")
    images = fingerprint({"rows": store.split(config.split)["train"].tolist()})
    for strategy in config.strategies:
        plugins.load("methods", strategy.method)  # refuses an unknown name before work begins
        settings = {
            **layered(common, strategy.settings),
            "method": strategy.method,
            "split": config.split,
            "device": config.device,
        }
        for seed in range(config.pretrain_seeds):
            job = PretrainConfig.parse(
                {**settings, "seed": config.pretrain.seed + seed},
                where=f"strategy {strategy.title}",
            )
            yield Pretraining(strategy=strategy.title, seed=seed, config=job, images=images)


def _guided_by_labels(pretrainings: tuple[Pretraining, ...]) -> Iterator[str]:
    for name, kind in {
        job.strategy: job.config.augmentation.mask.kind for job in pretrainings
    }.items():
        if plugins.load("transforms/masks", kind).guide == "labels":
            yield (
                f"strategy {name} hides what the label maps of all training images say: it "
                "has seen more labels than a small budget holds, and its twin has not."
            )


def _adaptations(
    config: StudyConfig,
    place: TaskPlan,
    labels: Labels,
    *,
    rungs: tuple[str, ...],
    pretrainings: tuple[Pretraining, ...],
    settings: dict[str, Any],
) -> Iterator[Adaptation]:
    """List what is done with one draw of one budget, cheap before dear."""

    def job(arm: str, rung: str, seed: int, start: Pretraining | None = None) -> Adaptation:
        return Adaptation(
            task=place.title,
            arm=arm,
            rung=rung,
            labels=labels,
            seed=seed,
            pretraining=start,
            adapt=place.adapt,
            settings={
                **settings,
                **(_TWIN if arm == "random_frozen" else {}),
                **(_PROBE if rung == "linear" else {}),
            },
        )

    if "prior" in config.controls:
        yield job("prior", "prior", 0)
    if "pixels" in config.controls and "knn" in rungs:
        yield job("pixels", "knn", 0)
    seeds = _seeds(config, labels)
    for rung in rungs:
        for control in _controls(config, rung):
            for seed in seeds:
                yield job(control, rung, seed)
        for pretraining in pretrainings:
            if pretraining.seed in seeds:
                yield job(pretraining.strategy, rung, pretraining.seed, pretraining)


def _settings(config: StudyConfig, choice: TaskChoice, test: Rows) -> dict[str, Any]:
    """Return what a result depends on besides its labels, its start and its training."""
    return {
        "task": choice.task,
        "label": list(choice.label),
        "task_options": choice.options,
        "learning_rates": list(config.learning_rates),
        "encoder": config.pretrain.encoder,
        "encoder_options": config.pretrain.encoder_options,
        "image_size": config.pretrain.image_size,
        "field": config.pretrain.field,
        "window": config.pretrain.augmentation.window,
        "split": config.split,
        "test": fingerprint({"rows": test.tolist()}),
    }


def _seeds(config: StudyConfig, labels: Labels) -> tuple[int, ...]:
    """Return the pretraining seeds that a draw of labels meets."""
    if config.is_crossed or labels.budget == "100%":
        return tuple(range(config.pretrain_seeds))
    return (labels.draw % config.pretrain_seeds,)


def _controls(config: StudyConfig, rung: str) -> Iterator[str]:
    if TWINS[rung] in config.controls:
        yield TWINS[rung]
    if "imagenet" in config.controls:
        yield "imagenet"


def _word(title: str) -> str:
    """Return a title as part of a file name; the key's stamp tells equal ones apart."""
    return re.sub(r"[^\w.+]", "_", title)[:_LONGEST]
