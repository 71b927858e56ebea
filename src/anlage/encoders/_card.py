"""The card of an encoder: what it is, how its images must be prepared, where it comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from anlage.config import BaseConfig
from anlage.encoders._encoder import Encoder
from anlage.errors import DataError

__all__ = ["CARD", "DecoderCard", "EncoderCard", "PretrainedOn", "described", "read_card"]

CARD = "card.json"
_VERSION = 1
_MAX_BYTES = 1_000_000


class PretrainedOn(BaseConfig):
    """The images that an encoder was pretrained on.

    Attributes:
        images: Their number.
        patients: Number of patients they come from.
        split: Name of the split they are the training part of.
        is_transductive: True if test images were among them, unlabelled; such an encoder has
            no place in a main result.
        used_label_maps: True if masks were guided by label maps of these images, so that the
            encoder has seen more labels than a small budget holds.
    """

    images: NonNegativeInt
    patients: NonNegativeInt
    split: str
    is_transductive: bool = False
    used_label_maps: bool = False


class DecoderCard(BaseConfig):
    """What is needed to build the stored decoder again.

    Attributes:
        out_channels: Channels of its output.
        width_cap: Largest width of its levels.
        sha256: Checksum of decoder.safetensors, in hex.
    """

    out_channels: PositiveInt
    width_cap: PositiveInt
    sha256: str


class EncoderCard(BaseConfig):
    """Everything that a user of stored weights must know.

    Attributes:
        format_version: Version of this format.
        architecture: Name of the encoder plug-in.
        options: Its settings, complete.
        dims: 2 or 3.
        channels: Channels C of its images.
        image_size: Edges of the images it was trained on.
        field: ``image`` if it was shown whole images, ``window`` if parts of large ones.
        spacing_mm: Pixel or voxel edge per axis at which it was shown images, in mm, the resizing
            of whole images included; None where unknown.
        modality: Name of the imaging modality.
        unit_range: Stored values that become 0 and 1 before anything else happens.
        mean: Per channel, subtracted from values in the unit interval.
        std: Per channel, then divided by; above zero.
        method: Name of the pretraining method; None for an encoder that is not pretrained.
        method_config: Settings of the method.
        store_fingerprint: Fingerprint of the store it was pretrained on.
        pretrained_on: The images of that store; None for an encoder that is not pretrained.
        steps: Number of weight updates.
        seed: Seed of the run.
        anlage_version: Version of this package.
        commit: Commit of the code, where known.
        created: Time of writing, ISO 8601 with zone.
        sha256: Checksum of encoder.safetensors, in hex; filled in when it is saved.
        decoder: The decoder beside it, if there is one; filled in when it is saved.
    """

    format_version: Literal[1] = 1
    architecture: str
    options: dict[str, Any] = {}
    dims: Literal[2, 3]
    channels: PositiveInt
    image_size: tuple[PositiveInt, ...]
    field: Literal["image", "window"] = "image"
    spacing_mm: tuple[PositiveFloat, ...] | None = None
    modality: str
    unit_range: tuple[float, float]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    method: str | None = None
    method_config: dict[str, Any] = {}
    store_fingerprint: str | None = None
    pretrained_on: PretrainedOn | None = None
    steps: NonNegativeInt = 0
    seed: int = 0
    anlage_version: str
    commit: str | None = None
    created: str
    sha256: str = Field(default="", pattern="^([0-9a-f]{64})?$")
    decoder: DecoderCard | None = None

    @model_validator(mode="after")
    def _agree(self) -> EncoderCard:
        if len(self.image_size) != self.dims:
            raise ValueError(f"image_size must have {self.dims} edges")
        if self.spacing_mm is not None and len(self.spacing_mm) != self.dims:
            raise ValueError(f"spacing_mm must have {self.dims} edges")
        if len(self.mean) != self.channels or len(self.std) != self.channels:
            raise ValueError(f"mean and std must have {self.channels} values, one per channel")
        if min(self.std) <= 0:
            raise ValueError("std must be above 0")
        return self

    @classmethod
    def of(cls, encoder: Encoder, **facts: Any) -> EncoderCard:
        """Return a card with the encoder's own description and the facts given.

        Raises:
            ConfigError: If a fact is missing, unknown or out of range.
        """
        return cls.parse({**described(encoder), **facts}, where="encoder card")


def described(encoder: Encoder) -> dict[str, Any]:
    """Return what an encoder says of itself, under the names of its card."""
    return {
        "architecture": encoder.architecture,
        "options": encoder.config.model_dump(mode="json"),
        "dims": encoder.dims,
        "channels": encoder.channels,
        "image_size": encoder.image_size,
    }


def read_card(folder: Path) -> EncoderCard:
    """Read the card of a stored encoder; its weights are not touched.

    Raises:
        DataError: If there is no card, it is damaged, or it comes from a newer version.
    """
    path = folder / CARD
    if not path.is_file() or path.stat().st_size > _MAX_BYTES:
        raise DataError(
            f"an encoder must be a folder with a {CARD} of at most 1 MB, but {folder.name} has "
            "none. Give the folder that `anlage pretrain` wrote."
        )
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(
            f"the card of {folder.name} is damaged: {error}. Copy the folder again."
        ) from None
    version = values.get("format_version") if isinstance(values, dict) else None
    if isinstance(version, int) and version > _VERSION:
        raise DataError(
            f"the card of {folder.name} has format {version}, this Anlage reads up to {_VERSION}. "
            "Install a newer version of Anlage."
        )
    try:
        return EncoderCard.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "as a whole"
        raise DataError(
            f"the card of {folder.name} is damaged: {place}: {first['msg']}. Copy the folder again."
        ) from None
