"""What a method is shown: crops, views and masks of the user's own images, as one picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image as Pillow
from torch import Tensor

from anlage.data.summary import upright
from anlage.tensors import Views
from anlage.transforms.views import CropBatch, Intensities

__all__ = ["draw_views"]

_TILE = 112
_ROWS = 6
_HIDDEN = np.array([86, 180, 233], dtype=np.float32)  # sky blue: seen by everyone


def draw_views(path: Path, crops: CropBatch, views: Views, intensities: Intensities) -> None:
    """Draw one row per image: the crop as stored, then each view, hidden parts in blue.

    Of volumes, the middle axial slice is drawn.
    """
    rows = [
        [_crop_tile(crops, intensities, number)]
        + [_view_tile(views, intensities, number, view) for view in range(len(views.images))]
        for number in range(min(_ROWS, len(crops.images)))
    ]
    sheet = Pillow.new("RGB", (len(rows[0]) * _TILE, len(rows) * _TILE), "white")
    for down, row in enumerate(rows):
        for across, tile in enumerate(row):
            picture = Pillow.fromarray(tile.astype(np.uint8))
            picture.thumbnail((_TILE - 4, _TILE - 4))
            scale = min((_TILE - 4) / edge for edge in picture.size)
            size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
            sheet.paste(picture.resize(size), (across * _TILE + 2, down * _TILE + 2))
    sheet.save(path, "PNG", optimize=True)


def _crop_tile(crops: CropBatch, intensities: Intensities, number: int) -> npt.NDArray[np.float32]:
    unit = intensities.to_unit(crops.images[number : number + 1].cpu())[0]
    return _picture(unit)


def _view_tile(
    views: Views, intensities: Intensities, number: int, view: int
) -> npt.NDArray[np.float32]:
    shape = (-1, *[1] * (views.images[view].ndim - 2))
    mean = torch.tensor(intensities.mean).reshape(shape)
    std = torch.tensor(intensities.std).reshape(shape)
    unit = views.images[view][number].float().cpu() * std + mean
    picture = _picture(unit)
    if views.masks:
        mask = views.masks[view][number].cpu()
        for axis, edge in enumerate(unit.shape[1:]):
            mask = mask.repeat_interleave(edge // mask.shape[axis], dim=axis)
        hidden = _plane(mask.float().unsqueeze(0))[..., 0] > 0.5
        picture[hidden] = 0.25 * picture[hidden] + 0.75 * _HIDDEN
    return picture


def _picture(unit: Tensor) -> npt.NDArray[np.float32]:
    low, high = float(unit.min()), float(unit.max())
    plane = (_plane(unit) - low) / max(high - low, 1e-6) * 255
    colour: npt.NDArray[np.float32] = (
        plane[..., :3] if plane.shape[-1] >= 3 else np.repeat(plane[..., :1], 3, axis=-1)
    )
    return colour


def _plane(image: Tensor) -> npt.NDArray[np.float32]:
    """Return (rows, columns, C) of an image, of a volume's middle axial slice."""
    array = image.numpy()
    if array.ndim == 3:
        return np.ascontiguousarray(np.moveaxis(array, 0, -1))
    middle = np.moveaxis(array[..., array.shape[3] // 2], 0, -1)
    return np.ascontiguousarray(upright(middle))
