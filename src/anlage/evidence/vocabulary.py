"""The words of the evidence base: modalities, tasks, metrics, baselines, label bands.

Every word of a row comes from here (methods and data sets are open), so that a filter either
finds what it names or says what is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from anlage.errors import ConfigError
from anlage.plugins import nearest
from anlage.types import Paradigm

__all__ = [
    "BANDS",
    "BASELINES",
    "CONTROLS",
    "DIMS",
    "METRICS",
    "MODALITIES",
    "PARADIGMS",
    "PROTOCOLS",
    "STATUSES",
    "TASKS",
    "Direction",
    "Metric",
    "Scale",
    "known_word",
]

Direction = Literal["higher", "lower", "unstated"]
Scale = Literal["points", "ratio"]

PARADIGMS: tuple[str, ...] = get_args(Paradigm)
MODALITIES = (
    "cxr",
    "ct",
    "mri",
    "ultrasound",
    "histology",
    "microscopy",
    "dermoscopy",
    "fundus",
    "oct",
    "endoscopy",
    "mammography",
    "pet",
    "generic",
)
TASKS = (
    "classification",
    "segmentation",
    "detection",
    "reconstruction",
    "regression",
    "retrieval",
    "anomaly",
)
DIMS = ("2d", "2.5d", "2d+t", "3d", "3d+t", "surface")
PROTOCOLS = ("finetune", "linear", "probe")

STATUSES = {
    "read": "both figures were read in the paper, its abstract or its authors' repository",
    "derived": "one figure was read, the other follows from the gain that the source states",
    "secondary": "both figures were read in somebody else's copy of the paper's table",
    "partial": "one figure or a stated gain was read; enters no number",
    "unread": "no figure was read; enters no number",
}
BASELINES = {
    "scratch": "the same network without pretraining",
    "imagenet": "weights from supervised ImageNet",
    "transfer": "weights from another supervised data set (Kinetics, COCO, medical)",
    "supervised": "a supervised network whose start is not stated, or another network",
    "natural_ssl": "self-supervised weights from natural images or video",
    "ssl": "another self-supervised method",
    "ablation": "the same method with a part changed",
    "other_method": "a method of another kind (classical, generative, earlier state of the art)",
    "human": "human readers",
}
CONTROLS = ("scratch", "imagenet", "transfer", "supervised")
"""Baselines without self-supervision: what "does it help at all?" is measured against."""

BANDS = {
    "none": "no labels",
    "few": "at most 1% of the labels; where no share is stated, at most 100 labelled cases",
    "some": "at most 10% of the labels; where no share is stated, more than 100 cases",
    "most": "more than 10% and less than all labels",
    "all": "all labels",
    "unknown": "not stated",
}


@dataclass(frozen=True, kw_only=True)
class Metric:
    """How a metric is read.

    Attributes:
        label: Name in a table.
        direction: Whether higher or lower is better.
        scale: ``points`` for a bounded metric (a difference is comparable), ``ratio`` for an
            error above zero (a ratio is), None where no scale is shared.
        bounds: Least and greatest value.
    """

    label: str
    direction: Direction
    scale: Scale | None
    bounds: tuple[float, float] = (0.0, 1.0)


_NO_BOUND = (0.0, float("inf"))

METRICS = {
    "auroc": Metric(label="AUROC", direction="higher", scale="points"),
    "auprc": Metric(label="AUPRC", direction="higher", scale="points"),
    "accuracy": Metric(label="accuracy", direction="higher", scale="points"),
    "balanced_accuracy": Metric(label="balanced accuracy", direction="higher", scale="points"),
    "sensitivity": Metric(label="sensitivity", direction="higher", scale="points"),
    "f1": Metric(label="F1", direction="higher", scale="points"),
    "kappa": Metric(label="kappa", direction="higher", scale="points", bounds=(-1.0, 1.0)),
    "dice": Metric(label="Dice", direction="higher", scale="points"),
    "iou": Metric(label="IoU", direction="higher", scale="points"),
    "map": Metric(label="mAP", direction="higher", scale="points"),
    "ssim": Metric(label="SSIM", direction="higher", scale="points"),
    "error_rate": Metric(label="error rate", direction="lower", scale="points"),
    "mae": Metric(label="MAE", direction="lower", scale="ratio", bounds=_NO_BOUND),
    "rmse": Metric(label="RMSE", direction="lower", scale="ratio", bounds=_NO_BOUND),
    "nmse": Metric(label="NMSE", direction="lower", scale="ratio", bounds=_NO_BOUND),
    "psnr": Metric(label="PSNR (dB)", direction="higher", scale=None, bounds=_NO_BOUND),
    "unstated": Metric(
        label="not stated", direction="unstated", scale=None, bounds=(-_NO_BOUND[1], _NO_BOUND[1])
    ),
}


def known_word(kind: str, word: str, known: Iterable[str]) -> str:
    """Return the word as the base spells it.

    Raises:
        ConfigError: If the base does not know it; the message names the nearest known word.
    """
    words = sorted(known)
    spelt = word.strip().lower().replace("-", "_") if word not in words else word
    if spelt not in words:
        shown = ", ".join(words) if len(words) <= 60 else f"{', '.join(words[:60])}, ..."
        raise ConfigError(
            f"the evidence base must know the {kind}, it has no {word!r}.{nearest(spelt, words)} "
            f"Choose one of: {shown}."
        )
    return spelt
