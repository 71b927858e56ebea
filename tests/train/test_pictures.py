"""The picture of what a method is shown: crops, views, and hidden parts in blue."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from anlage.tensors import Views
from anlage.train.pictures import draw_views
from anlage.transforms.views import CropBatch, Intensities

_TILE = 112


def _draw(path: Path, *, dims: int, channels: int, batch: int, is_masked: bool) -> np.ndarray:
    size = (16, 32, 24)[:dims]
    images = torch.rand(batch, channels, *size, generator=torch.Generator().manual_seed(0))
    masks = torch.zeros(batch, *(edge // 8 for edge in size), dtype=torch.bool)
    masks[:, 0] = True  # the first half of the first axis
    crops = CropBatch(
        images=images,
        label_maps=None,
        spacing_mm=torch.ones(batch, dims),
        sample=torch.arange(batch),
        patient=torch.arange(batch),
    )
    views = Views(
        images=(images, images.flip(2)),
        geometry=(torch.eye(dims, dims + 1).repeat(batch, 1, 1),) * 2,
        masks=(masks, ~masks) if is_masked else (),
        sample=crops.sample,
        patient=crops.patient,
    )
    intensities = Intensities(low=0, high=1, mean=(0.0,) * channels, std=(1.0,) * channels)
    draw_views(path, crops, views, intensities)
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


@pytest.mark.parametrize(("dims", "channels"), [(2, 1), (2, 3), (3, 1)])
def test_one_row_per_image_with_its_crop_and_views(
    dims: int, channels: int, tmp_path: Path
) -> None:
    sheet = _draw(tmp_path / "v.png", dims=dims, channels=channels, batch=9, is_masked=False)
    assert sheet.shape == (6 * _TILE, 3 * _TILE, 3)  # six images at most
    tiles = sheet.reshape(6, _TILE, 3, _TILE, 3)
    assert all(tiles[row, :, column].std() > 10 for row in range(6) for column in range(3))


def test_hidden_parts_are_blue_and_others_are_not(tmp_path: Path) -> None:
    sheet = _draw(tmp_path / "v.png", dims=2, channels=1, batch=1, is_masked=True)
    blue = sheet[:, :, 2] - sheet[:, :, 0] > 60
    top, bottom = slice(4, 25), slice(32, 52)  # 32 x 16 pixels become 108 x 54
    crop, first, second = (blue[:, start : start + _TILE] for start in (0, _TILE, 2 * _TILE))
    assert not crop.any()
    assert first[top, 8:100].mean() > 0.95
    assert not first[bottom].any()
    assert not second[top].any()
    assert second[bottom, 8:100].mean() > 0.95


def test_a_constant_image_is_drawn_too(tmp_path: Path) -> None:
    batch = torch.zeros(1, 1, 16, 16)
    crops = CropBatch(
        images=batch,
        label_maps=None,
        spacing_mm=torch.ones(1, 2),
        sample=torch.arange(1),
        patient=torch.arange(1),
    )
    views = Views(
        images=(batch,),
        geometry=(torch.eye(2, 3)[None],),
        sample=crops.sample,
        patient=crops.patient,
    )
    intensities = Intensities(low=0, high=1, mean=(0.0,), std=(1.0,))
    draw_views(tmp_path / "v.png", crops, views, intensities)
    assert (tmp_path / "v.png").stat().st_size > 0
