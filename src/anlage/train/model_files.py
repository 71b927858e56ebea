"""A fine-tuned model on disk: its encoder's artefact, its head, and the task it answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from anlage.config import BaseConfig
from anlage.data.store import Store
from anlage.encoders import EncoderCard, load_encoder, save_encoder
from anlage.errors import DataError
from anlage.tasks import Task
from anlage.train import runs
from anlage.train.adapt import Fitted
from anlage.train.checkpoint import sha256_of
from anlage.train.loop import Outcome
from anlage.train.scene import Scene, scene_of
from anlage.train.settings import FinetuneConfig
from anlage.train.spacing import check_spacing, shown_spacing_mm
from anlage.train.start import Start, check_fits, write_seen
from anlage.transforms.views import Intensities

__all__ = ["ModelCard", "load_model", "read_model_card", "save_model"]

_PAST = ("method", "method_config", "store_fingerprint", "pretrained_on")


class ModelCard(BaseConfig):
    """What a stored model answers.

    Attributes:
        task: Name of the task plug-in.
        label: Label columns.
        task_options: Settings of the task, complete.
        classes: Names of the classes or structures, in output order.
        split: Name of the split whose training part it was tuned on.
        scene: What it was shown.
        spacing_mm: Pixel or voxel edge per axis at which it was shown; None where unknown.
        head_sha256: Checksum of head.safetensors, in hex.
    """

    task: str
    label: tuple[str, ...]
    task_options: dict[str, Any]
    classes: tuple[str, ...]
    split: str
    scene: Scene
    spacing_mm: tuple[float, ...] | None = None
    head_sha256: str


def save_model(
    folder: Path,
    fitted: Fitted,
    *,
    start: Start,
    store: Store,
    task: Task,
    rows: npt.NDArray[np.int64],
    config: FinetuneConfig,
) -> None:
    """Write a model: ``encoder/``, ``head.safetensors``, ``pretrained_on.json``, ``model.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    spacing_mm = shown_spacing_mm(store, fitted.scene, rows)
    card = EncoderCard.of(
        fitted.network.encoder,
        modality=store.meta.modality,
        field=fitted.scene.field,
        spacing_mm=spacing_mm,
        unit_range=(fitted.intensities.low, fitted.intensities.high),
        mean=fitted.intensities.mean,
        std=fitted.intensities.std,
        **{name: getattr(start.card, name) for name in _PAST if start.card},
        steps=fitted.outcome.step,
        seed=config.adapt.seed,
        anlage_version=runs.environment()["anlage"],
        commit=runs.environment()["commit"],
        created=runs.now(),
    )
    save_encoder(folder / "encoder", fitted.network.encoder, card)
    head = {k: v.detach().cpu().contiguous() for k, v in fitted.network.head.state_dict().items()}
    save_file(head, folder / "head.safetensors")
    write_seen(folder, store, rows, before=start.folder)
    model = ModelCard(
        task=config.task,
        label=config.label,
        task_options=task.config.model_dump(mode="json"),
        classes=task.classes,
        split=config.split,
        scene=fitted.scene,
        spacing_mm=spacing_mm,
        head_sha256=sha256_of(folder / "head.safetensors"),
    )
    runs.write_json(folder / "model.json", model.model_dump(mode="json"))


def read_model_card(folder: Path) -> ModelCard:
    """Read what a stored model answers.

    Raises:
        DataError: If the folder holds no model, or its card is damaged.
    """
    path = folder / "model.json"
    if not path.is_file():
        raise DataError(
            f"a model must be a folder made by anlage finetune, {folder} has no model.json. Give "
            "the run folder of a finished fine-tuning."
        )
    try:
        return ModelCard.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except ValueError:
        raise DataError(
            f"{path} must be what anlage finetune wrote, but is damaged. Copy the run again."
        ) from None


def load_model(
    folder: Path, task: Task, store: Store, *, allow_other_spacing: bool = False
) -> Fitted:
    """Load a model for the images of some store.

    Args:
        folder: Where it lies.
        task: What it answers, built on that store with the model's own classes.
        store: The images.
        allow_other_spacing: Go on although it would be shown pixels of quite another size than
            it was trained on.

    Raises:
        ConfigError: If the store holds another kind of image than the model was trained on, or
            of quite another spacing.
        DataError: If a file is missing or damaged.
    """
    card = read_model_card(folder)
    encoder, described = load_encoder(folder / "encoder")
    check_fits(described, store)
    check_spacing(
        card.spacing_mm,
        store,
        size=card.scene.size,
        field=card.scene.field,
        allow_other=allow_other_spacing,
    )
    network = task.network(encoder)
    path = folder / "head.safetensors"
    try:
        is_whole = sha256_of(path) == card.head_sha256
        weights = load_file(path) if is_whole else {}
        network.head.load_state_dict(weights)
    except (OSError, RuntimeError, SafetensorError):
        raise DataError(
            f"{path} must hold the weights that anlage finetune wrote, but is missing or damaged. "
            "Copy the run again."
        ) from None
    return Fitted(
        network=network.eval(),
        scene=scene_of(store, size=card.scene.size, field=card.scene.field),
        intensities=Intensities(
            low=described.unit_range[0],
            high=described.unit_range[1],
            mean=described.mean,
            std=described.std,
        ),
        outcome=Outcome(
            status="finished", step=described.steps, exit_code=0, reason="loaded", seconds=0.0
        ),
    )
