"""The shards of a store: where each array lies, and memory maps that give it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

__all__ = ["Place", "Shards", "places"]

Array = npt.NDArray[np.generic]


class Place(NamedTuple):
    """Where one array lies."""

    shard: str
    offset: int
    dtype: str
    shape: tuple[int, ...]

    @property
    def end(self) -> int:
        """First byte behind it."""
        return self.offset + math.prod(self.shape) * np.dtype(self.dtype).itemsize


def places(index: pl.DataFrame, dtype: str) -> tuple[list[Place], list[Place | None]]:
    """Return where every row's image and label map lie; images are of one type."""
    images: list[Place] = []
    masks: list[Place | None] = []
    columns = ("shard", "offset", "shape", "mask_shard", "mask_offset", "mask_dtype")
    for shard, offset, shape, mask_shard, mask_offset, mask_dtype in index.select(
        columns
    ).iter_rows():
        images.append(Place(shard, offset, dtype, tuple(shape)))
        is_masked = mask_shard is not None
        masks.append(
            Place(mask_shard, mask_offset, mask_dtype, tuple(shape[1:])) if is_masked else None
        )
    return images, masks


class Shards:
    """The shards of one store; each is mapped when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._maps: dict[str, npt.NDArray[np.uint8]] = {}

    def array(self, place: Place) -> Array:
        """Return one array as a view of the memory map; nothing is read yet."""
        if place.shard not in self._maps:
            path = self.folder / place.shard
            self._maps[place.shard] = np.asarray(np.memmap(path, mode="r", dtype=np.uint8))
        window = self._maps[place.shard][place.offset : place.end]
        return window.view(place.dtype).reshape(place.shape)

    def short(self, wanted: Iterable[Place | None]) -> dict[str, tuple[int, int]]:
        """Return the shards that do not reach to the end of all arrays: bytes held, and needed."""
        ends: dict[str, int] = {}
        for place in wanted:
            if place is not None:
                ends[place.shard] = max(ends.get(place.shard, 0), place.end)
        sizes = {name: self._size(name) for name in ends}
        return {name: (sizes[name], end) for name, end in ends.items() if sizes[name] < end}

    def _size(self, name: str) -> int:
        path = self.folder / name
        return path.stat().st_size if path.is_file() else 0
