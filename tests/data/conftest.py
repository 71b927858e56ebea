"""Tiny sources of pictures and volumes, each unlike the others, and stores made of them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

Draw = Callable[..., np.ndarray]
WriteSource = Callable[..., Path]


def _draw(seed: int, shape: Sequence[int] = (40, 40), *, cells: int = 8) -> np.ndarray:
    """Random cells, enlarged: no two seeds are near-duplicates."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, [cells] * len(shape), np.uint8)
    places = [np.arange(edge) * cells // edge for edge in shape]
    return coarse[np.ix_(*places)]


@pytest.fixture(scope="session")
def draw() -> Draw:
    return _draw


def _write(
    folder: Path,
    count: int = 8,
    *,
    shape: Sequence[int] = (40, 40),
    columns: Mapping[str, Sequence[Any]] | None = None,
    affine: np.ndarray | None = None,
    with_masks: bool = False,
) -> Path:
    """Write images 0.png (or 0.nii.gz) ..., label maps beside them, and labels.csv."""
    suffix = ".png" if len(shape) == 2 else ".nii.gz"
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    table: dict[str, Sequence[Any]] = {
        "image": [f"images/{number}{suffix}" for number in range(count)],
        "patient": [f"p{number}" for number in range(count)],
        "grade": [("low", "high")[number % 2] for number in range(count)],
    }
    if with_masks:
        table["mask"] = [f"masks/{number}{suffix}" for number in range(count)]
    table |= columns or {}
    grid = np.eye(4) if affine is None else affine
    for number in range(count):
        pixels = _draw(number, shape)
        for kind, values in (("images", pixels), ("masks", (pixels > 200).astype(np.uint8))):
            path = folder / kind / f"{number}{suffix}"
            if kind == "masks" and not with_masks:
                continue
            if suffix == ".png":
                Image.fromarray(values).save(path)
            else:
                nib.save(nib.Nifti1Image(values.astype(np.int16), grid), path)
    write_table(folder / "labels.csv", table)
    return folder


def write_table(path: Path, columns: Mapping[str, Sequence[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


@pytest.fixture(scope="session")
def write_source() -> WriteSource:
    """Return a function that writes a folder of images with a table."""
    return _write


@pytest.fixture
def files(tmp_path: Path, write_source: WriteSource) -> Path:
    """Write eight pictures with label maps and a table."""
    return write_source(tmp_path / "files", with_masks=True)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return where a store can be made."""
    return tmp_path / "store"
