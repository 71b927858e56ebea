"""One image from its files to what the store keeps: read, check, resample, calibrate, hash.

Runs in worker processes, so everything here is a plain function of plain values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from scipy import ndimage

from anlage.config import BaseConfig
from anlage.data._label_map import Holds, read_label_map
from anlage.data.duplicates import Thumbnail, pixel_hash, thumbnail
from anlage.data.importers import Box, Record
from anlage.data.importers._kinds import counted
from anlage.data.readers import Limits, RawImage, read_image
from anlage.errors import DataError
from anlage.modalities import calibrate
from anlage.modalities._scaling import Kind, Storage, Unit

__all__ = ["Decoded", "Layout", "decode", "unit_of"]

Array = npt.NDArray[np.generic]

_LUMA = np.array((0.299, 0.587, 0.114), dtype=np.float32)  # ITU-R BT.601
_BURNED_IN = {"US", "SC", "XA", "RF", "ES", "OP", "XC"}


class Layout(BaseConfig):
    """What every image of a store is brought to.

    Attributes:
        dims: 2 or 3.
        channels: Channels C.
        kind: How values are calibrated.
        storage: Type of stored values.
        size: Edge of a square canvas in pixels, 2D only; None keeps every size.
        spacing_mm: Voxel edges to resample to, 3D only; None keeps every spacing.
        allow_burned_in: Whether to take DICOM images that may carry text in their pixels.
        limits: Bounds on what one file may cost.
    """

    dims: int
    channels: int
    kind: Kind
    storage: Storage
    size: int | None = None
    spacing_mm: tuple[float, ...] | None = None
    allow_burned_in: bool = False
    limits: Limits = Limits()


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """One image as the store keeps it.

    Attributes:
        image: (C, *S) of the store's type.
        mask: Label map (*S), uint8 or int16, or None.
        mask_holds: What the label map says about the meaning of 255.
        spacing_mm: Edges after resampling; 1 where the source states none.
        is_spacing_stated: Whether the source states any.
        boxes: Corners after resampling, as [low..., high..., label] lists.
        facts: Acquisition facts and notes.
        thumb: For the search for near-duplicates.
        sha256: Hash of the stored pixels, and of the label map.
    """

    image: Array
    mask: Array | None
    mask_holds: Holds | None
    spacing_mm: tuple[float, ...]
    is_spacing_stated: bool
    boxes: list[list[Any]]
    facts: dict[str, Any]
    thumb: Thumbnail
    sha256: tuple[str, str | None]


def decode(task: tuple[Record, Layout]) -> Decoded:
    """Read and calibrate one image with its label map.

    Raises:
        DataError: If the image cannot be read, does not fit the store, may carry burned-in text,
            or its label map lies on another grid.
    """
    record, layout = task
    raw = read_image(record.image, layout.limits)
    _refuse_burned_in(raw, layout)
    _refuse_other_uptake(raw, layout)
    pixels = _with_channels(raw.pixels, layout)
    found = None if record.mask is None else read_label_map(record.mask, raw, layout.limits)
    labels = None if found is None else found.classes
    spacing = raw.spacing_mm or (1.0,) * layout.dims
    image, labels, spacing, scale, shift = _resample(pixels, labels, spacing, layout)
    stored = calibrate(
        image, kind=layout.kind, storage=layout.storage, bits=raw.bits, unit=unit_of(raw, layout)
    )
    stored, labels = _canvas(stored, labels, shift, layout)
    stored = np.ascontiguousarray(stored)
    notes = [*raw.notes, *(found.notes if found else ())]
    return Decoded(
        image=stored,
        mask=labels,
        mask_holds=None if found is None else found.holds,
        spacing_mm=tuple(float(edge) for edge in spacing),
        is_spacing_stated=raw.spacing_mm is not None,
        boxes=[_moved(box, raw, scale, shift) for box in record.boxes],
        facts={**raw.facts, **({"notes": notes} if notes else {})},
        thumb=thumbnail(stored),
        sha256=(pixel_hash(stored), None if labels is None else pixel_hash(labels)),
    )


def unit_of(image: RawImage, layout: Layout) -> Unit:
    """Return what values mean once the modality is known: CT without a unit is taken as HU."""
    if layout.storage == "int16" and image.unit == "arbitrary":
        return "hu"
    return image.unit


def _moved(box: Box, raw: RawImage, scale: Sequence[float], shift: Sequence[int]) -> list[Any]:
    """Take a box from the file's pixels to the stored ones: turn, scale, shift."""
    space = raw.pixels.shape[1:]
    if len(box.low) != len(space):
        raise DataError(
            f"a box must have two corners on each axis of its image, got a {len(box.low)}D box on "
            f"a {len(space)}D image. Correct the columns of the corners."
        )
    low, high = (box.low, box.high) if raw.turn is None else raw.turn.box(box.low, box.high, space)
    return [
        *(float(edge * s + t) for edge, s, t in zip(low, scale, shift, strict=True)),
        *(float(edge * s + t) for edge, s, t in zip(high, scale, shift, strict=True)),
        box.label,
    ]


def _refuse_burned_in(raw: RawImage, layout: Layout) -> None:
    modality = raw.facts.get("Modality")
    stated = str(raw.facts.get("BurnedInAnnotation", "")).upper()
    if layout.allow_burned_in or (modality not in _BURNED_IN and stated != "YES"):
        return
    if stated != "NO":
        raise DataError(
            "images must not show a patient's name, but this DICOM image "
            f"(Modality {modality}) does not state that its pixels are free of text. Look at "
            "it, then prepare with --allow-burned-in."
        )


def _refuse_other_uptake(raw: RawImage, layout: Layout) -> None:
    if layout.kind == "suv" and raw.unit == "uptake":
        why = "; ".join(note for note in raw.notes if note.startswith("not SUV")) or "not SUV"
        raise DataError(
            f"PET must come in SUV by body weight, but this image does not ({why}). Convert it "
            "with what the site knows, and prepare the result."
        )


def _with_channels(pixels: Array, layout: Layout) -> Array:
    if pixels.ndim != layout.dims + 1:
        raise DataError(
            f"this store holds {layout.dims}D images, got a {pixels.ndim - 1}D one. Prepare it in "
            "a store of its own."
        )
    if len(pixels) == layout.channels:
        return pixels
    if len(pixels) == 1:
        return np.repeat(pixels, layout.channels, axis=0)
    if len(pixels) == 3 and layout.channels == 1:
        luma: Array = np.tensordot(_LUMA, pixels.astype(np.float32), axes=1)[None]
        return luma
    raise DataError(
        f"this store holds images of {counted(layout.channels, 'channel')}, got {len(pixels)}. "
        "Prepare them in a store of their own."
    )


def _resample(
    pixels: Array, labels: Array | None, spacing: Sequence[float], layout: Layout
) -> tuple[Array, Array | None, tuple[float, ...], list[float], list[int]]:
    """Bring an image to the store's spacing (3D) or canvas (2D); return scale and shift too."""
    space = pixels.shape[1:]
    if layout.dims == 2 and layout.size is not None:
        factor = layout.size / max(space)
        target = tuple(max(1, round(edge * factor)) for edge in space)
        shift = [(layout.size - edge) // 2 for edge in target]
    elif layout.dims == 3 and layout.spacing_mm is not None:
        target = tuple(
            max(1, round(edge * old / new))
            for edge, old, new in zip(space, spacing, layout.spacing_mm, strict=True)
        )
        shift = [0] * layout.dims
        _check_target((len(pixels), *target), spacing, layout)
    else:
        return pixels, labels, tuple(spacing), [1.0] * layout.dims, [0] * layout.dims
    scale = [new / old for new, old in zip(target, space, strict=True)]
    new_spacing = tuple(edge / factor for edge, factor in zip(spacing, scale, strict=True))
    if target != space:
        resize = _resize_2d if layout.dims == 2 else _resize_3d
        pixels = np.stack([resize(channel, target, smooth=True) for channel in pixels])
        labels = None if labels is None else resize(labels, target, smooth=False)
    return pixels, labels, new_spacing, scale, shift


def _check_target(shape: Sequence[int], spacing: Sequence[float], layout: Layout) -> None:
    """Refuse a volume that would not fit; its header may claim centimetres for millimetres."""
    num_bytes = math.prod(shape) * np.dtype(np.float32).itemsize
    if num_bytes > layout.limits.max_bytes:
        raise DataError(
            f"a volume may take up to {layout.limits.max_bytes:,} bytes, this one of "
            f"{'x'.join(f'{edge:.3g}' for edge in spacing)} mm voxels would take {num_bytes:,} "
            "once resampled. Correct its spacing, or give a coarser --spacing-mm."
        )


def _resize_2d(plane: Array, target: tuple[int, ...], *, smooth: bool) -> Array:
    rows, columns = target
    if smooth:
        picture = Pillow.fromarray(plane.astype(np.float32))
        resized = np.asarray(picture.resize((columns, rows), Pillow.Resampling.BILINEAR))
        low, high = float(plane.min()), float(plane.max())
        clipped: Array = np.clip(resized, low, high)
        return clipped
    picture = Pillow.fromarray(plane.astype(np.int32))
    chosen = np.asarray(picture.resize((columns, rows), Pillow.Resampling.NEAREST))
    return chosen.astype(plane.dtype)


def _resize_3d(volume: Array, target: tuple[int, ...], *, smooth: bool) -> Array:
    zoom = [new / old for new, old in zip(target, volume.shape, strict=True)]
    if not smooth:
        chosen: Array = ndimage.zoom(volume, zoom, order=0, mode="nearest", grid_mode=True)
        return chosen
    blur = [max(0.0, (1 / factor - 1) / 2) for factor in zoom]
    soft = ndimage.gaussian_filter(volume.astype(np.float32), blur, mode="nearest")
    resized: Array = ndimage.zoom(soft, zoom, order=1, mode="nearest", grid_mode=True)
    return resized


def _canvas(
    stored: Array, labels: Array | None, shift: Sequence[int], layout: Layout
) -> tuple[Array, Array | None]:
    """Centre a 2D image on the store's square canvas, over its darkest value."""
    if layout.dims != 2 or layout.size is None or stored.shape[1:] == (layout.size,) * 2:
        return stored, labels
    canvas = np.full((len(stored), layout.size, layout.size), stored.min(), dtype=stored.dtype)
    window = tuple(slice(s, s + edge) for s, edge in zip(shift, stored.shape[1:], strict=True))
    canvas[(slice(None), *window)] = stored
    if labels is None:
        return canvas, None
    label_canvas = np.zeros((layout.size, layout.size), dtype=labels.dtype)
    label_canvas[window] = labels
    return canvas, label_canvas
