"""Classification: one of two, one of many, or several labels at once per image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from anlage.config import BaseConfig
from anlage.data.store import Store
from anlage.encoders import Encoder, UNetDecoder
from anlage.errors import ConfigError
from anlage.metrics import Metric, Statistic
from anlage.plugins import load
from anlage.tasks import Task, TaskNetwork
from anlage.tensors import Images, MethodOutput
from anlage.types import TaskProfile

__all__ = ["Classification"]

_MAX_CLASSES = 100
_SINGLE = ("balanced_accuracy", "auroc", "average_precision", "macro_f1", "accuracy", "brier")
_MULTI = ("auroc", "average_precision")


class Classification(Task):
    """Cross-entropy or focal loss on the pooled embedding.

    One label column: binary or multiclass, its sorted values are the classes. Several columns:
    multilabel, each column 0 or 1.
    """

    class Config(BaseConfig):
        """Loss, its weighting, and whether the label names a side of the body.

        ``class_weights``: ``balanced`` weighs classes by their inverse frequency among the
        training labels. ``focal_gamma``: above 0, easy cases count less (Lin et al., ICCV 2017,
        arXiv:1708.02002).
        """

        class_weights: Literal["balanced", "none"] = "balanced"
        focal_gamma: float = Field(default=0.0, ge=0)
        dropout: float = Field(default=0.0, ge=0, lt=1)
        has_side: bool = False

    def __init__(
        self,
        store: Store,
        *,
        labels: Sequence[str],
        config: BaseConfig | None = None,
        classes: Sequence[str] | None = None,
    ) -> None:
        given = config or self.Config()
        assert isinstance(given, self.Config), "the caller parses this task's own config"
        if not labels:
            raise ConfigError(
                "classification needs a label column, got none. Name one with --label; this "
                f"store has: {', '.join(store.label_names) or 'none'}."
            )
        self.config: Classification.Config = given
        self.is_multilabel = len(labels) > 1
        self.targets, self.classes = (
            _multilabel_targets(store, labels)
            if self.is_multilabel
            else _class_targets(store, labels[0], classes)
        )
        self.outputs = len(self.classes)
        self.is_labelled = np.asarray((self.targets >= 0).all(axis=1))
        held = _rarest_label(self.targets) if self.is_multilabel else self.targets[:, 0]
        self.strata = np.where(self.is_labelled, held, -1)
        self.headline = "auroc" if self.is_multilabel else "balanced_accuracy"
        self.rungs = ("frozen", "finetune") if self.is_multilabel else ("knn", "linear", "finetune")
        sides = {"flip_lr": "the label names a side of the body, which a mirror swaps"}
        self.profile = TaskProfile(
            task="classification",
            signal="global",
            label_changing=sides if given.has_side else {},
        )
        self._weights: Tensor | None = None

    def network(self, encoder: Encoder, decoder: UNetDecoder | None = None) -> TaskNetwork:
        """Put dropout and one linear layer behind the pooled embedding."""
        return _Classifier(encoder, self.outputs, self.config.dropout)

    def activate(self, output: Tensor) -> Tensor:
        """Return the softmax over classes, or each label's own probability."""
        return output.sigmoid() if self.is_multilabel else output.softmax(dim=1)

    def fit(self, rows: npt.NDArray[np.int64]) -> None:
        """Take class weights from the training targets.

        Raises:
            ConfigError: If all training images have the same target.
        """
        targets = self.targets[rows]
        if not self.is_multilabel:
            counts = np.bincount(targets[:, 0], minlength=self.outputs)
            if np.count_nonzero(counts) < 2:
                raise ConfigError(
                    "classification needs training images of at least two classes, got only "
                    f"{self.classes[int(counts.argmax())]!r}. Use a larger budget or another label."
                )
            weights = counts.sum() / np.maximum(counts, 1) / np.count_nonzero(counts)
        else:
            positive = targets.sum(axis=0)
            weights = np.maximum(len(targets) - positive, 1) / np.maximum(positive, 1)
        is_used = self.config.class_weights == "balanced"
        self._weights = torch.tensor(weights, dtype=torch.float32) if is_used else None

    def loss(self, output: Tensor, rows: Tensor, label_maps: Tensor | None) -> MethodOutput:
        """Return the weighted cross-entropy, made focal if asked for."""
        target = torch.from_numpy(self.targets)[rows.cpu()].to(output.device)
        weights = None if self._weights is None else self._weights.to(output.device)
        logits = output.float()
        if self.is_multilabel:
            loss = multilabel_loss(
                logits, target, positive_weights=weights, gamma=self.config.focal_gamma
            )
        else:
            loss = class_loss(
                logits, target[:, 0], class_weights=weights, gamma=self.config.focal_gamma
            )
        return MethodOutput.from_parts(classification=loss)

    def prior(self, rows: npt.NDArray[np.int64]) -> Callable[[int], npt.NDArray[np.float32]]:
        """Answer with the frequency of each class or label among the training targets."""
        targets = self.targets[rows]
        if self.is_multilabel:
            shares = targets.mean(axis=0)
        else:
            shares = np.bincount(targets[:, 0], minlength=self.outputs) / len(targets)
        return lambda _row: shares.astype(np.float32)

    def record(self, row: int, output: npt.NDArray[np.float32] | None) -> Mapping[str, float]:
        """Return the targets and the probabilities of one case."""
        values = [float("nan")] * self.outputs if output is None else output.tolist()
        scores = {f"p{number}": float(value) for number, value in enumerate(values)}
        targets = {f"t{number}": float(value) for number, value in enumerate(self.targets[row])}
        return {**targets, **scores}

    def metrics(self, records: pl.DataFrame) -> dict[str, Statistic]:
        """Return balanced accuracy, AUROC and what belongs beside them."""
        score = records.select([f"p{k}" for k in range(self.outputs)]).to_numpy()
        columns = [name for name in records.columns if name.startswith("t")]
        target = records.select(columns).to_numpy().astype(np.int64)
        found = {}
        for name in _MULTI if self.is_multilabel else _SINGLE:
            plugin: Metric[npt.ArrayLike, npt.ArrayLike] = load("metrics", name)
            found[name] = plugin.prepare(target if self.is_multilabel else target[:, 0], score)
        return found

    def badness(self, records: pl.DataFrame) -> npt.NDArray[np.float64]:
        """Return the probability that was given to wrong answers; 1 for a failed case."""
        score = records.select([f"p{k}" for k in range(self.outputs)]).to_numpy()
        rows = records["row"].to_numpy()
        if self.is_multilabel:
            wrong = np.abs(score - self.targets[rows]).max(axis=1)
        else:
            wrong = 1 - score[np.arange(len(rows)), self.targets[rows, 0]]
        return np.where(np.isnan(wrong), 1.0, wrong)

    def caption(self, row: int, output: npt.NDArray[np.float32]) -> str:
        """Name the likeliest class and the true one; of several labels the worst answered."""
        if self.is_multilabel:
            worst = int(np.abs(output - self.targets[row]).argmax())
            truth = "yes" if self.targets[row, worst] else "no"
            return f"{self.classes[worst][:12]} {output[worst]:.0%}, is {truth}"
        guess, true = int(output.argmax()), self.classes[self.targets[row, 0]]
        return f"{self.classes[guess][:12]} {output[guess]:.0%}, is {true[:12]}"


class _Classifier(TaskNetwork):
    def __init__(self, encoder: Encoder, outputs: int, dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        linear = nn.Linear(encoder.width, outputs)
        nn.init.normal_(linear.weight, std=0.01)
        nn.init.zeros_(linear.bias)
        self.head = nn.Sequential(nn.Dropout(dropout), linear)

    def forward(self, images: Images) -> Tensor:
        logits: Tensor = self.head(self.encoder(images).embedding)
        return logits


def class_loss(
    logits: Tensor, target: Tensor, *, class_weights: Tensor | None, gamma: float
) -> Tensor:
    """Return the class-weighted focal cross-entropy; gamma 0 is plain cross-entropy.

    Args:
        logits: (B, K).
        target: Class numbers, (B,).
        class_weights: (K,); the mean is weighted by them, as torch does.
        gamma: Focusing power.
    """
    log_p = F.log_softmax(logits, dim=1).gather(1, target[:, None])[:, 0]
    focus = (1 - log_p.exp()).clamp_min(0) ** gamma if gamma > 0 else torch.ones_like(log_p)
    weight = torch.ones_like(log_p) if class_weights is None else class_weights[target]
    return -(weight * focus * log_p).sum() / weight.sum().clamp_min(1e-12)


def multilabel_loss(
    logits: Tensor, target: Tensor, *, positive_weights: Tensor | None, gamma: float
) -> Tensor:
    """Return the focal binary cross-entropy, averaged over images and labels.

    Args:
        logits: (B, K).
        target: 0 or 1, (B, K).
        positive_weights: Weight of positives against negatives, (K,).
        gamma: Focusing power.
    """
    hard = target.to(logits.dtype)
    plain = F.binary_cross_entropy_with_logits(
        logits, hard, pos_weight=positive_weights, reduction="none"
    )
    if gamma > 0:
        p = torch.sigmoid(logits)
        plain = plain * (hard * (1 - p) + (1 - hard) * p) ** gamma
    return plain.mean()


def _class_targets(
    store: Store, name: str, classes: Sequence[str] | None
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    values = store.labels(name)
    found = tuple(_text(value) for value in sorted({v for v in values if v is not None}))
    known = found if classes is None else tuple(classes)
    strange = [text for text in found if text not in known]
    if strange:
        raise ConfigError(
            f"label {name!r} must hold classes that the model knows ({', '.join(known[:8])}), got "
            f"{strange[:5]}. Give the classes the same names."
        )
    if len(known) < 2:
        raise ConfigError(
            f"classification needs at least two classes in label {name!r}, got {list(known)}. "
            "Choose another label."
        )
    if len(known) > _MAX_CLASSES:
        raise ConfigError(
            f"classification takes up to {_MAX_CLASSES} classes, label {name!r} has {len(known)} "
            "values. For a measured quantity use a regression task."
        )
    numbers = {text: number for number, text in enumerate(known)}
    targets = [[-1 if value is None else numbers[_text(value)]] for value in values]
    return np.array(targets, dtype=np.int64), known


def _multilabel_targets(
    store: Store, names: Sequence[str]
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    columns = []
    for name in names:
        values = store.labels(name)
        odd = sorted({_text(value) for value in values if value not in (0.0, 1.0, None)})
        if odd:
            raise ConfigError(
                f"several labels at once must each be 0 or 1, label {name!r} also has "
                f"{odd[:5]}. Name one label for one of many classes."
            )
        columns.append([-1 if value is None else int(value) for value in values])
    return np.array(columns, dtype=np.int64).T, tuple(names)


def _rarest_label(targets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the number of each image's rarest label, from 1; 0 for an image without any."""
    has = targets == 1
    counts = np.where(has, has.sum(axis=0), np.iinfo(np.int64).max)
    return np.where(has.any(axis=1), counts.argmin(axis=1) + 1, 0)


def _text(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)
