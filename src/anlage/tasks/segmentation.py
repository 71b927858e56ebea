"""Segmentation: which pixel or voxel belongs to which structure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from anlage.config import BaseConfig
from anlage.data.store import Store
from anlage.encoders import Encoder, UNetDecoder
from anlage.errors import ConfigError
from anlage.metrics import CaseMetric, Statistic
from anlage.metrics.statistics.case_mean import case_mean
from anlage.plugins import load
from anlage.tasks import Task, TaskNetwork
from anlage.tensors import Images, MethodOutput
from anlage.types import TaskProfile

__all__ = ["Segmentation"]

_METRICS = ("dice", "nsd", "hd95_mm", "volume_error")
_MERGED = ("structure",)
_MAX_STRUCTURES = 255


class Segmentation(Task):
    """Soft Dice plus cross-entropy on a U-Net decoder.

    Class 0 is background; the structures are the other numbers that occur in the store's label
    maps, in rising order.
    """

    class Config(BaseConfig):
        """Weights of the two losses, surface tolerance, and whether sides are told apart.

        ``tolerance_mm`` of the surface Dice: None takes twice the median voxel edge.
        ``is_merged`` makes one structure of all.
        """

        dice: float = Field(default=1.0, ge=0)
        cross_entropy: float = Field(default=1.0, ge=0)
        tolerance_mm: float | None = Field(default=None, gt=0)
        is_merged: bool = False
        has_side: bool = False
        width_cap: int = Field(default=128, ge=8)

    def __init__(
        self,
        store: Store,
        *,
        labels: Sequence[str] = (),
        config: BaseConfig | None = None,
        classes: Sequence[str] | None = None,
    ) -> None:
        given = config or self.Config()
        assert isinstance(given, self.Config), "the caller parses this task's own config"
        if labels:
            raise ConfigError(
                f"segmentation takes its targets from label maps, got --label {labels[0]}. Leave "
                "--label out."
            )
        self._store = store
        self.is_labelled = store.has_mask
        if not self.is_labelled.any():
            raise ConfigError(
                "segmentation needs label maps, this store has none. Prepare it with a mask "
                "column, or from a dataset that has them."
            )
        numbers, has_foreground = _structures(store)
        self.classes, self._class_of = _classes(numbers, classes, is_merged=given.is_merged)
        self.outputs = len(self.classes) + 1
        self.strata = np.where(self.is_labelled, has_foreground.astype(np.int64), -1)
        self.headline = "dice"
        self.rungs = ("frozen", "finetune")
        tolerance = given.tolerance_mm or 2 * float(np.median(store.spacing_mm))
        self.config: Segmentation.Config = given.model_copy(update={"tolerance_mm": tolerance})
        sides = {"flip_lr": "left and right structures have different class numbers"}
        self.profile = TaskProfile(
            task="segmentation", signal="dense", label_changing=sides if given.has_side else {}
        )

    def network(self, encoder: Encoder, decoder: UNetDecoder | None = None) -> TaskNetwork:
        """Put a U-Net decoder behind the encoder: the given one, or a fresh one.

        Raises:
            ConfigError: If the encoder's images are too small to be decoded.
        """
        if decoder is None:
            decoder = UNetDecoder(
                encoder, out_channels=self.outputs, width_cap=self.config.width_cap
            )
        coarse = decoder.levels[1]
        if max(encoder.image_size) <= coarse:
            raise ConfigError(
                f"segmentation with {encoder.architecture} needs images with an edge above "
                f"{coarse} pixels, got {encoder.image_size}. Give a larger image size."
            )
        return _Segmenter(encoder, decoder)

    def activate(self, output: Tensor) -> Tensor:
        """Return the softmax over structures and background."""
        return output.softmax(dim=1)

    def fit(self, rows: npt.NDArray[np.int64]) -> None:
        """Nothing is learnt before training."""

    def loss(self, output: Tensor, rows: Tensor, label_maps: Tensor | None) -> MethodOutput:
        """Return soft Dice plus cross-entropy."""
        assert label_maps is not None, "the feed reads label maps for dense tasks"
        target = self._target(label_maps)
        logits = output.float()
        return MethodOutput.from_parts(
            dice=self.config.dice * soft_dice_loss(logits, target),
            cross_entropy=self.config.cross_entropy * F.cross_entropy(logits, target),
        )

    def prior(self, rows: npt.NDArray[np.int64]) -> Callable[[int], npt.NDArray[np.float32]]:
        """Answer with the mean of the training label maps, laid centre on centre."""
        spaces = np.array([self._store.shape(row)[1:] for row in range(len(self._store))])
        canvas = tuple(int(edge) for edge in spaces.max(axis=0))
        total = np.zeros((self.outputs, *canvas), dtype=np.float32)
        for row in rows.tolist():
            hot = np.arange(self.outputs).reshape(-1, *[1] * len(canvas)) == self._truth(row)
            total[(slice(None), *_middle(self._store.shape(row)[1:], canvas))] += hot
        share: npt.NDArray[np.float32] = (total / len(rows)).astype(np.float32)
        share[0] = 1 - share[1:].sum(axis=0)
        return lambda row: share[(slice(None), *_middle(self._store.shape(row)[1:], canvas))]

    def record(self, row: int, output: npt.NDArray[np.float32] | None) -> Mapping[str, float]:
        """Return every metric of every structure of one case; one with a NaN has failed."""
        truth = self._truth(row)
        is_failed = output is None or not np.isfinite(output).all()
        guess = None if output is None or is_failed else output.argmax(axis=0)
        spacing = tuple(float(edge) for edge in self._store.spacing_mm[row])
        found: dict[str, float] = {"failed": float(is_failed)}
        for number in range(1, self.outputs):
            pair = (truth == number, None if guess is None else guess == number)
            for name in _METRICS:
                metric: CaseMetric[...] = load("metrics", name)
                found[f"{name}:{number}"] = metric(*pair, **self._options(name, spacing))
            found[f"size:{number}"] = float(pair[0].sum())
        return found

    def metrics(self, records: pl.DataFrame) -> dict[str, Statistic]:
        """Return the mean of every metric over cases, then over structures."""
        failed = records["failed"].to_numpy().astype(bool)
        found = {}
        for name in _METRICS:
            metric: CaseMetric[...] = load("metrics", name)
            columns = [f"{name}:{number}" for number in range(1, self.outputs)]
            found[name] = case_mean(
                records.select(columns).to_numpy(), metric=metric, is_failed=failed
            )
        return found

    def badness(self, records: pl.DataFrame) -> npt.NDArray[np.float64]:
        """Return 1 minus the mean Dice of each case."""
        columns = [f"dice:{number}" for number in range(1, self.outputs)]
        dice: npt.NDArray[np.float64] = records.select(columns).to_numpy().mean(axis=1)
        return 1 - dice

    def caption(self, row: int, output: npt.NDArray[np.float32]) -> str:
        """Return the Dice of all structures together, and their true size."""
        truth, guess = self._truth(row) > 0, output.argmax(axis=0) > 0
        share = 2 * int((truth & guess).sum()) / max(int(truth.sum() + guess.sum()), 1)
        return f"Dice {share:.2f}, {int(truth.sum())} px"

    def _options(self, name: str, spacing: tuple[float, ...]) -> dict[str, object]:
        if name in {"dice", "volume_error"}:
            return {}
        if name == "nsd":
            return {"spacing_mm": spacing, "tolerance_mm": self.config.tolerance_mm}
        return {"spacing_mm": spacing}

    def _target(self, label_maps: Tensor) -> Tensor:
        return torch.from_numpy(self._class_of).to(label_maps.device)[label_maps.long()]

    def _truth(self, row: int) -> npt.NDArray[np.int64]:
        mask = self._store.mask(row)
        assert mask is not None, "only labelled rows are asked for"
        return self._class_of[np.asarray(mask, dtype=np.int64)]


class _Segmenter(TaskNetwork):
    def __init__(self, encoder: Encoder, decoder: UNetDecoder) -> None:
        super().__init__()
        self.encoder, self.head = encoder, decoder

    def forward(self, images: Images) -> Tensor:
        logits: Tensor = self.head(images, self.encoder(images))
        return logits


def soft_dice_loss(logits: Tensor, target: Tensor, *, smooth: float = 1.0) -> Tensor:
    """Return 1 - soft Dice, over the whole batch per structure, averaged over structures.

    Taking the batch as one image keeps the gradient of images without a structure sensible.

    Args:
        logits: (B, K, *S), class 0 is background.
        target: Class numbers, (B, *S).
        smooth: Added to both sides of the fraction, in pixels.

    Source:
        Milletari, Navab and Ahmadi, V-Net, 3DV 2016, arXiv:1606.04797; batch Dice as in
        Isensee et al., Nature Methods 2021.
    """
    p = logits.softmax(dim=1)[:, 1:]
    truth = F.one_hot(target, logits.shape[1]).movedim(-1, 1)[:, 1:].to(p.dtype)
    axes = [0, *range(2, p.ndim)]
    shared = (p * truth).sum(dim=axes)
    sizes = p.sum(dim=axes) + truth.sum(dim=axes)
    return 1 - ((2 * shared + smooth) / (sizes + smooth)).mean()


def _middle(space: Sequence[int], canvas: Sequence[int]) -> tuple[slice, ...]:
    starts = [(room - edge) // 2 for edge, room in zip(space, canvas, strict=True)]
    return tuple(slice(start, start + edge) for start, edge in zip(starts, space, strict=True))


def _structures(store: Store) -> tuple[set[int], npt.NDArray[np.bool_]]:
    """Return the structures' numbers, and which rows show any."""
    numbers: set[int] = set()
    has_foreground = np.zeros(len(store), dtype=bool)
    for row in np.flatnonzero(store.has_mask).tolist():
        mask = store.mask(row)
        assert mask is not None, "has_mask says so"
        present = set(np.unique(np.asarray(mask)).tolist()) - {0}
        numbers |= present
        has_foreground[row] = bool(present)
    return numbers, has_foreground


def _classes(
    numbers: set[int], known: Sequence[str] | None, *, is_merged: bool
) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """Return the structures' names, and the class of every number in the label maps."""
    if not numbers and known is None:
        raise ConfigError(
            "segmentation needs label maps with at least one structure, all of these are empty. "
            "Check the masks."
        )
    if is_merged:
        return _MERGED, np.minimum(np.arange(max(numbers, default=0) + 1), 1)
    if len(numbers) > _MAX_STRUCTURES:
        raise ConfigError(
            f"segmentation takes up to {_MAX_STRUCTURES} structures, these label maps hold "
            f"{len(numbers):,}. Number classes, not single objects, or set is_merged."
        )
    names = tuple(known or (f"class {number}" for number in sorted(numbers)))
    places = {name: place for place, name in enumerate(names, start=1)}
    strange = [number for number in sorted(numbers) if f"class {number}" not in places]
    if strange:
        raise ConfigError(
            f"label maps must hold structures that the model knows ({', '.join(names[:8])}), got "
            f"the numbers {strange[:5]}. Number the structures alike."
        )
    class_of = np.zeros(max(numbers, default=0) + 1, dtype=np.int64)
    for number in numbers:
        class_of[number] = places[f"class {number}"]
    return names, class_of
