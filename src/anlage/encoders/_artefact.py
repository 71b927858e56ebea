"""The artefact of pretraining: a folder with weights, their card, and sometimes a decoder.

    <folder>/encoder.safetensors   the encoder's tensors
    <folder>/decoder.safetensors   a U-Net decoder's, where the method trained one
    <folder>/card.json             what they are (EncoderCard), with their checksums

The folder appears whole or not at all: it is written beside its place, flushed, and renamed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from anlage.encoders._card import CARD, DecoderCard, EncoderCard, described, read_card
from anlage.encoders._decoder import UNetDecoder
from anlage.encoders._encoder import Encoder, build_encoder
from anlage.encoders._tensor_file import read_tensors, sync, write_tensors
from anlage.encoders._transfer import TransferReport, transfer
from anlage.errors import ConfigError, DataError

__all__ = ["load_decoder", "load_encoder", "load_weights", "save_encoder"]

_ENCODER, _DECODER = "encoder.safetensors", "decoder.safetensors"
_COVERAGE = 0.95


def save_encoder(
    folder: Path, encoder: Encoder, card: EncoderCard, *, decoder: UNetDecoder | None = None
) -> EncoderCard:
    """Write an encoder and its card; an older artefact in the same place is replaced.

    Args:
        folder: Where to put it.
        encoder: The encoder.
        card: Its card; checksums and the decoder's entry are filled in here.
        decoder: A decoder to keep with it.

    Returns:
        The card as written.

    Raises:
        ConfigError: If the card describes another encoder, or the folder holds something else.
    """
    _check_card(card, encoder)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / CARD).is_file():
        raise ConfigError(
            f"an encoder needs a folder of its own, but {folder.name} holds other files. Choose "
            "another folder."
        )
    draft = folder.parent / f".{folder.name}.{os.getpid()}.new"
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        card = _write(draft, encoder, card, decoder)
        _put(draft, folder)
    except OSError as error:
        raise DataError(
            f"the encoder could not be written to {folder.name}: {error.strerror}. Make room or "
            "choose another folder, and save again."
        ) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return card


def load_encoder(
    folder: str | Path,
    *,
    dims: int | None = None,
    channels: int | None = None,
    image_size: Sequence[int] | None = None,
) -> tuple[Encoder, EncoderCard]:
    """Build the encoder of an artefact with its weights.

    Args:
        folder: The artefact.
        dims: Dimensions it must have; None if any will do.
        channels: Channels it must take; None if any will do.
        image_size: Edges of the images to come; a transformer's position embedding is resized
            to them once. None: those it was trained on.

    Raises:
        ConfigError: If dims or channels differ from the card's.
        DataError: If a file is missing or damaged, or the weights cover less than 95 % of the
            network.
    """
    folder = Path(folder)
    card = read_card(folder)
    for name, asked, has in (("dims", dims, card.dims), ("channels", channels, card.channels)):
        if asked is not None and asked != has:
            raise ConfigError(
                f"encoder {folder.name} was trained with {name}={has}, but {name}={asked} was "
                "asked for. Choose an encoder that was trained on images of this kind."
            )
    encoder = build_encoder(
        card.architecture,
        dims=card.dims,
        channels=card.channels,
        image_size=card.image_size if image_size is None else image_size,
        options=card.options,
    )
    load_weights(folder, encoder)
    return encoder, card


def load_weights(folder: Path, encoder: Encoder) -> TransferReport:
    """Load an artefact's weights into an encoder that is already built, and report.

    Raises:
        DataError: If a file is missing or damaged, or the weights cover less than 95 % of the
            network; the encoder is then unchanged.
    """
    what = f"weights of {folder.name}"
    weights = read_tensors(folder / _ENCODER, what=what, sha256=read_card(folder).sha256)
    return transfer(weights, encoder, least=_COVERAGE, what=what)


def load_decoder(
    folder: Path, encoder: Encoder, *, out_channels: int
) -> tuple[UNetDecoder, TransferReport]:
    """Build the decoder of an artefact for an encoder like its own, with its weights.

    With another number of output channels than stored, ``head`` keeps random weights; the
    report names it.

    Raises:
        ConfigError: If the artefact has no decoder.
        DataError: If a file is missing or damaged, or anything but the head does not fit.
    """
    card = read_card(folder).decoder
    if card is None:
        raise ConfigError(
            f"encoder {folder.name} has no decoder: its method trained none. Start the decoder "
            "from random weights."
        )
    what = f"decoder weights of {folder.name}"
    weights = read_tensors(folder / _DECODER, what=what, sha256=card.sha256)
    decoder = UNetDecoder(encoder, out_channels=out_channels, width_cap=card.width_cap)
    report = transfer(weights, decoder)
    if not all(name.startswith("head.") for name in (*report.missing, *report.mismatched)):
        report.require(1.0, what=what)
    return decoder, report


def _write(
    draft: Path, encoder: Encoder, card: EncoderCard, decoder: UNetDecoder | None
) -> EncoderCard:
    """Write all files of an artefact, flushed to disk, and return its completed card."""
    sha256 = write_tensors(draft / _ENCODER, encoder.state_dict())
    decoder_card = None
    if decoder is not None:
        decoder_card = DecoderCard(
            out_channels=decoder.out_channels,
            width_cap=decoder.width_cap,
            sha256=write_tensors(draft / _DECODER, decoder.state_dict()),
        )
    card = card.model_copy(update={"sha256": sha256, "decoder": decoder_card})
    (draft / CARD).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    sync(draft / CARD)
    sync(draft)
    return card


def _check_card(card: EncoderCard, encoder: Encoder) -> None:
    says = card.model_dump(mode="json")
    for name, value in described(encoder).items():
        own = list(value) if isinstance(value, tuple) else value
        if says[name] != own:
            raise ConfigError(
                f"the card must describe the encoder that it is saved with, but says {name} "
                f"{says[name]} where the encoder has {own}. Make it with EncoderCard.of(encoder)."
            )


def _put(draft: Path, folder: Path) -> None:
    """Move a finished folder to its place; what was there is removed only afterwards."""
    old = draft.with_suffix(".old")
    if folder.exists():
        folder.rename(old)
    try:
        draft.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)
