"""Downstream tasks: one labelled problem per file, with its head, loss and way of judging.

A task knows the store's labels and the encoder's Features, but no method. Every case it
predicts becomes one flat record of numbers, kept for good: all metrics, intervals and
comparisons are computed from those records.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl
from torch import Tensor, nn

from anlage.config import BaseConfig
from anlage.data.store import Store
from anlage.encoders import Encoder, UNetDecoder
from anlage.metrics import Statistic
from anlage.tensors import Images, MethodOutput
from anlage.types import TaskProfile

__all__ = ["Task", "TaskNetwork"]


class TaskNetwork(nn.Module, ABC):
    """An encoder with what the task puts behind it.

    Attributes:
        encoder: The pretrained, or freshly drawn, encoder.
        head: Everything behind it.
    """

    encoder: Encoder
    head: nn.Module

    @abstractmethod
    def forward(self, images: Images) -> Tensor:
        """Return the task's raw output for a batch of images."""


class Task(ABC):
    """One downstream problem on one store.

    A plug-in's constructor is ``__init__(self, store, *, labels, config, classes)``.

    Attributes:
        config: Its settings; what depends on the store is filled in, so that they mean the same
            on another store.
        profile: What it needs from an encoder.
        classes: Names of the classes or structures, in output order.
        outputs: Channels of the raw output, K.
        is_labelled: Which rows of the store have a target, (n,).
        strata: A value per row to stratify budgets and bootstrap by, (n,); -1 without a target.
            For tasks that can be probed (``knn``, ``linear``) it is the class.
        headline: The metric that verdicts are made on.
        rungs: Ways of adaptation that make sense, cheap to dear.
    """

    Config: ClassVar[type[BaseConfig]]
    config: BaseConfig
    profile: TaskProfile
    classes: tuple[str, ...]
    outputs: int
    is_labelled: npt.NDArray[np.bool_]
    strata: npt.NDArray[np.int64]
    headline: str
    rungs: tuple[str, ...]

    @abstractmethod
    def __init__(
        self,
        store: Store,
        *,
        labels: Sequence[str],
        config: BaseConfig,
        classes: Sequence[str] | None = None,
    ) -> None:
        """Read the targets.

        Args:
            store: The images and their targets.
            labels: Label columns.
            config: Settings.
            classes: Those that a trained model answers with, in its order; None: all that the
                store has.

        Raises:
            ConfigError: If the store lacks what the task needs, or has a class of its own.
        """

    @abstractmethod
    def network(self, encoder: Encoder, decoder: UNetDecoder | None = None) -> TaskNetwork:
        """Put a head behind an encoder.

        Args:
            encoder: The encoder.
            decoder: A pretrained decoder with ``outputs`` channels, for dense tasks; None makes a
                fresh one.
        """

    @abstractmethod
    def loss(self, output: Tensor, rows: Tensor, label_maps: Tensor | None) -> MethodOutput:
        """Return the loss of a batch.

        Args:
            output: Raw output of the network.
            rows: Store row of each image, (B,).
            label_maps: Label maps on the images' grid, (B, *S), for dense tasks.
        """

    @abstractmethod
    def activate(self, output: Tensor) -> Tensor:
        """Turn raw outputs, (B, K, ...), into probabilities."""

    @abstractmethod
    def fit(self, rows: npt.NDArray[np.int64]) -> None:
        """Learn what the loss needs from the training targets alone, such as class weights."""

    @abstractmethod
    def prior(self, rows: npt.NDArray[np.int64]) -> Callable[[int], npt.NDArray[np.float32]]:
        """Learn to answer without looking: from training targets, row -> probabilities."""

    @abstractmethod
    def record(self, row: int, output: npt.NDArray[np.float32] | None) -> Mapping[str, float]:
        """Return one case as numbers.

        Args:
            row: Its store row.
            output: Probabilities: (K,), or (K, *S) on the stored grid for dense tasks. None for a
                case that failed; it gets the worst values.
        """

    @abstractmethod
    def metrics(self, records: pl.DataFrame) -> dict[str, Statistic]:
        """Return every metric of this task on some cases, the headline first."""

    @abstractmethod
    def badness(self, records: pl.DataFrame) -> npt.NDArray[np.float64]:
        """Return how wrong each case is, to sort pictures by, (M,)."""

    @abstractmethod
    def caption(self, row: int, output: npt.NDArray[np.float32]) -> str:
        """Say in a few words what is true of a case and what the network answers."""
