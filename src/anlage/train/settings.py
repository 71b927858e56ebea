"""What a run can be told: settings of pretraining, of adaptation and of fine-tuning.

Imports no torch, so that a misspelt setting is refused at once.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from anlage.config import BaseConfig
from anlage.data.budgets import parse_budget
from anlage.modalities import Augmentation
from anlage.types import Split

__all__ = ["AdaptConfig", "FinetuneConfig", "PretrainConfig"]


class PretrainConfig(BaseConfig):
    """A pretraining run; what is None is chosen from the store and said on the run's card.

    Attributes:
        method: Name of a method plug-in.
        method_options: Its settings.
        encoder: Name of an encoder plug-in.
        encoder_options: Its settings.
        image_size: Edges of a view.
        field: Whether views show whole images or windows of large ones.
        augmentation: Changes to the modality's policy.
        split: Name of the split.
        parts: Parts of it whose images are used; with ``test`` the run is transductive.
        epochs: Passes over the images; ignored if ``steps`` is given.
        steps: Weight updates.
        batch_size: Images per update, over all processes.
        accumulate: Micro-batches per update.
        learning_rate: Peak rate; None: 1e-3 for CNNs, 5e-4 for transformers.
        weight_decay: Of matrices and kernels.
        teacher_momentum: Where a teacher's momentum starts.
        precision: ``bf16``, ``fp32``, or ``auto`` for what is fast and right.
        compile: See LoopConfig.
        device: ``auto``, ``cpu`` or ``cuda``.
        seed: Seed of weights, order and views.
        log_every: Steps between log lines.
        checkpoint_s: Seconds between checkpoints.
        checkpoint_every: Steps between checkpoints.
        quick_audit: Whether to look first, on a few training images, at what views and masks
            leave of lesions, and to warn in a line; it changes nothing of what is trained.
    """

    method: str = "simclr"
    method_options: dict[str, Any] = {}
    encoder: str = "resnet18"
    encoder_options: dict[str, Any] = {}
    image_size: tuple[int, ...] | None = None
    field: Literal["auto", "image", "window"] = "auto"
    augmentation: Augmentation = Augmentation()
    split: str = "default"
    parts: tuple[Split, ...] = ("train",)
    epochs: float = Field(default=100.0, gt=0)
    steps: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=64, ge=2)
    accumulate: int = Field(default=1, ge=1)
    learning_rate: float | None = Field(default=None, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    teacher_momentum: float = Field(default=0.99, ge=0, le=1)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    compile: bool = False
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int = Field(default=0, ge=0, lt=2**32)
    log_every: int = Field(default=10, ge=1)
    checkpoint_s: float = Field(default=120.0, gt=0)
    checkpoint_every: int | None = Field(default=None, ge=1)
    quick_audit: bool = True


class AdaptConfig(BaseConfig):
    """How an encoder is adapted; the same for a pretrained encoder and its scratch twin.

    Attributes:
        mode: ``finetune`` trains everything, ``frozen`` only what is behind the encoder.
        decoder: ``pretrained`` starts a dense task from the decoder that was pretrained beside the
            encoder, where there is one that fits; ``fresh`` does not. Fresh learns faster when
            training is short: see LOG.md, 2026-11-21.
        augmentation: Changes to the modality's policy.
        epochs: Passes over the labelled images, within the two bounds below.
        min_steps: Fewest weight updates.
        max_steps: Most weight updates.
        batch_size: Images per update, over all processes.
        learning_rate: Peak rate.
        weight_decay: Of matrices and kernels.
        average: Momentum of the average of all weights that is kept; None keeps the last.
        precision: ``bf16``, ``fp32``, or ``auto`` for what is fast and right.
        seed: Seed of the head, order and views.
    """

    mode: Literal["finetune", "frozen"] = "finetune"
    decoder: Literal["fresh", "pretrained"] = "fresh"
    augmentation: Augmentation = Augmentation()
    epochs: float = Field(default=40.0, gt=0)
    min_steps: int = Field(default=200, ge=1)
    max_steps: int = Field(default=600, ge=1)
    batch_size: int = Field(default=32, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    average: float | None = Field(default=0.98, ge=0, lt=1)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    seed: int = Field(default=0, ge=0, lt=2**32)

    @model_validator(mode="after")
    def _some_steps(self) -> AdaptConfig:
        if self.min_steps > self.max_steps:
            raise ValueError(
                f"min_steps must not exceed max_steps, got {self.min_steps} and {self.max_steps}"
            )
        return self


class FinetuneConfig(BaseConfig):
    """A fine-tuning run.

    Attributes:
        start: ``scratch``, ``imagenet``, or the folder of a pretraining run.
        task: Name of a task plug-in.
        label: Label columns.
        task_options: Settings of the task.
        budget: How many of the training labels to use: "100%", "10%" or "5-shot".
        draw: Number of the draw of labels.
        encoder: Encoder plug-in for scratch and imagenet.
        encoder_options: Its settings.
        image_size: Edges of its images; None for what it was trained with.
        field: Whether it is shown whole images or windows of large ones; ``auto``: as it was
            pretrained; scratch and imagenet see whole images if the task is about whole images,
            else what suits the store. Tasks about whole images answer windows with their mean.
        adapt: How it is adapted.
        split: Name of the split.
        allow_seen: Go on although the encoder has seen test images, unlabelled.
        allow_other_spacing: Go on although the encoder would be shown pixels more than 1.5 times
            larger or smaller than those it was pretrained on.
        device: ``auto``, ``cpu`` or ``cuda``.
    """

    start: str
    task: str
    label: tuple[str, ...] = ()
    task_options: dict[str, Any] = {}
    budget: str = "100%"
    draw: int = 0
    encoder: str = "resnet18"
    encoder_options: dict[str, Any] = {}
    image_size: tuple[int, ...] | None = None
    field: Literal["auto", "image", "window"] = "auto"
    adapt: AdaptConfig = AdaptConfig()
    split: str = "default"
    allow_seen: bool = False
    allow_other_spacing: bool = False
    device: Literal["auto", "cpu", "cuda"] = "auto"

    @field_validator("budget")
    @classmethod
    def _one_way_to_write_it(cls, budget: str) -> str:
        return parse_budget(budget).name
