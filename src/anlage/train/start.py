"""Where adaptation starts from: a pretrained folder, public ImageNet weights, or scratch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from anlage.data.store import Store
from anlage.encoders import (
    Encoder,
    EncoderCard,
    TransferReport,
    build_encoder,
    load_imagenet,
    load_weights,
    read_card,
)
from anlage.errors import ConfigError, DataError
from anlage.modalities import unit_range
from anlage.train.runs import write_json
from anlage.train.scene import measure_intensities, resolve_size
from anlage.train.spacing import check_spacing
from anlage.transforms.views import Intensities

__all__ = ["Start", "check_fits", "load_start", "seen_by", "write_seen"]

_SEEN = "pretrained_on.json"
_NOT_HU = {(0.0, 255.0), (0.0, 1.0), (-5.0, 5.0)}


@dataclass(frozen=True, kw_only=True)
class Start:
    """An encoder and how it wants its images.

    Attributes:
        name: ``scratch``, ``imagenet``, or the pretraining method.
        encoder: With its weights.
        folder: Its folder, where a pretrained decoder may lie beside it; None without one.
        image_size: Edges of what it is shown.
        field: Whether it is shown whole images or windows.
        intensities: Calibration and standardisation it was trained with.
        card: Its card, for a pretrained one.
        report: Which of its tensors were loaded, for a pretrained one.
    """

    name: str
    encoder: Encoder
    folder: Path | None
    image_size: tuple[int, ...]
    field: Literal["auto", "image", "window"]
    intensities: Intensities
    card: EncoderCard | None = None
    report: TransferReport | None = None

    def describe(self) -> str:
        """Return one line on what was loaded, missing and unexpected."""
        if self.report is None:
            return f"encoder: {self.name}"
        report = self.report
        lost = {
            "missing": report.missing,
            "unexpected": report.unexpected,
            "of another shape": report.mismatched,
            "resized": report.resized,
        }
        faults = "; ".join(f"{what}: {', '.join(names)}" for what, names in lost.items() if names)
        return (
            f"encoder: {len(report.loaded)} tensors loaded, {report.coverage:.1%} of the network; "
            f"{faults or 'none missing, none unexpected'}"
        )


def load_start(
    start: str | Path,
    store: Store,
    rows: npt.NDArray[np.int64],
    *,
    encoder: str = "resnet18",
    encoder_options: dict[str, Any] | None = None,
    image_size: Sequence[int] | None = None,
    field: Literal["auto", "image", "window"] = "auto",
    window: str | None = None,
    allow_other_spacing: bool = False,
    seed: int = 0,
) -> Start:
    """Load what adaptation starts from.

    Args:
        start: ``scratch``, ``imagenet``, or the folder of a pretraining run or its encoder.
        store: The images of the downstream task.
        rows: Training rows, for intensities where no pretraining has measured them.
        encoder: Encoder plug-in for scratch and imagenet.
        encoder_options: Its settings.
        image_size: Edges of its images; None for what it was trained with, or a default.
        field: Whether it is shown whole images or windows; ``auto``: as it was pretrained, and
            what suits the store for scratch and imagenet.
        window: Intensity window for scratch and imagenet.
        allow_other_spacing: Go on although a pretrained encoder would be shown pixels of quite
            another size than it was trained on.
        seed: Seed of fresh weights.

    Raises:
        ConfigError: If the encoder does not fit the store or its spacing, or there are no
            ImageNet weights.
        DataError: If the folder holds no encoder, or a damaged one.
    """
    torch.manual_seed(seed)
    size = _size(store, image_size)
    if str(start) not in {"scratch", "imagenet"}:
        found = _pretrained(Path(start), store, size if image_size else None, field)
        check_spacing(
            found.card.spacing_mm if found.card else None,
            store,
            size=found.image_size,
            field=found.field,
            allow_other=allow_other_spacing,
            rows=rows,
        )
        return found
    fresh = build_encoder(
        encoder,
        dims=store.meta.dims,
        channels=store.meta.channels,
        image_size=size,
        options=encoder_options,
    )
    if str(start) == "imagenet":
        load_imagenet(fresh)
    return Start(
        name=str(start),
        encoder=fresh,
        folder=None,
        image_size=size,
        field=field,
        intensities=measure_intensities(store, rows, window=window),
    )


def check_fits(card: EncoderCard, store: Store) -> None:
    """Refuse an encoder that was trained on another kind of image than a store holds.

    Raises:
        ConfigError: If dims, channels, modality or the calibration of stored values differ.
    """
    meta = store.meta
    for name, has, wants in (
        ("dims", card.dims, meta.dims),
        ("channels", card.channels, meta.channels),
        ("modality", card.modality, meta.modality),
    ):
        if has != wants:
            raise ConfigError(
                f"an encoder must have been trained on images of the store's kind, this one has "
                f"{name} {has} and the store {wants}. Choose another encoder, or prepare the store "
                "anew if that is what the images are."
            )
    if not _is_calibrated_alike(card, store):
        low, high = card.unit_range
        raise ConfigError(
            f"an encoder must be shown values calibrated as in its pretraining, from {low:g} to "
            f"{high:g}, this store keeps {meta.kind} values as {meta.dtype}. Prepare both stores "
            "from the same kind of file."
        )


def seen_by(start: str | Path, store: Store, rows: npt.NDArray[np.int64]) -> int | None:
    """Count how many of some rows an encoder or model has seen, by the hash of their pixels.

    Args:
        start: ``scratch``, ``imagenet``, the folder of a pretraining run, of its encoder, or of
            a fine-tuned model.
        store: The images.
        rows: Which of them.

    Returns:
        Their number; None where nothing tells what the encoder has seen.
    """
    if str(start) in {"scratch", "imagenet"}:
        return 0
    seen = _seen_hashes(Path(start))
    if seen is None:
        return None
    hashes = store.index["sha256"].to_list()
    return sum(hashes[row] in seen for row in rows.tolist())


def write_seen(
    folder: Path, store: Store, rows: npt.NDArray[np.int64], *, before: Path | None
) -> None:
    """Keep the hashes of the images that a model was trained on beside it.

    Args:
        folder: The model's folder.
        store: The images.
        rows: What it was fine-tuned on.
        before: The folder of the encoder it started from, whose images count too.
    """
    hashes = set(store.index["sha256"].gather(rows.tolist()).to_list())
    earlier = _seen_hashes(before) if before is not None else None
    write_json(folder / _SEEN, {"sha256": sorted(hashes | (earlier or set()))})


def _seen_hashes(folder: Path) -> set[str] | None:
    """Read the list that lies in a run's folder, beside the encoder's own."""
    for place in (folder, folder.parent):
        if (place / _SEEN).is_file():
            return set(json.loads((place / _SEEN).read_text())["sha256"])
    return None


def _pretrained(
    start: Path,
    store: Store,
    size: tuple[int, ...] | None,
    field: Literal["auto", "image", "window"],
) -> Start:
    if not start.exists():
        raise DataError(
            f"a start must be scratch, imagenet or a folder that anlage pretrain wrote, the folder "
            f"{start} does not exist. Check the path."
        )
    folder = start / "encoder" if (start / "encoder").is_dir() else start
    card = read_card(folder)
    check_fits(card, store)
    encoder = build_encoder(
        card.architecture,
        dims=card.dims,
        channels=card.channels,
        image_size=size or card.image_size,
        options=card.options,
    )
    return Start(
        name=card.method or "unknown",
        encoder=encoder,
        folder=folder,
        image_size=size or card.image_size,
        field=card.field if field == "auto" else field,
        intensities=Intensities(
            low=card.unit_range[0], high=card.unit_range[1], mean=card.mean, std=card.std
        ),
        card=card,
        report=load_weights(folder, encoder),
    )


def _is_calibrated_alike(card: EncoderCard, store: Store) -> bool:
    """Whether stored values mean what they meant; of Hounsfield units any window will do."""
    meta = store.meta
    if meta.dtype == "int16" or meta.kind == "suv":
        return card.unit_range not in _NOT_HU
    return card.unit_range == unit_range(kind=meta.kind, storage=meta.dtype, window=None)


def _size(store: Store, wanted: Sequence[int] | None) -> tuple[int, ...]:
    shapes = [store.shape(row)[1:] for row in range(len(store))]
    largest = tuple(max(shape[axis] for shape in shapes) for axis in range(store.meta.dims))
    return resolve_size(wanted, dims=store.meta.dims, largest=largest)
