"""What is audited: some training images with label maps, boxes and labels, read once."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Int
from torch import Tensor

from anlage.data.store import Store
from anlage.errors import ConfigError
from anlage.tensors import LabelMaps
from anlage.transforms.draws import Draws
from anlage.transforms.views import CropBatch

__all__ = ["Material", "Target", "read_material", "sampled_rows", "target_of"]

_CHUNK_PIXELS = 1 << 19  # pixels of source crops that are worked on at a time
_MANY = 12  # more different numbers than this are a quantity, fewer are classes
_SITES = ("site", "scanner")

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Target:
    """One label column of the audited images.

    Attributes:
        name: Its name.
        classes: Names of the classes; empty for a quantity.
        values: Class number or quantity per image, (n,); NaN where it is unknown.
    """

    name: str
    classes: tuple[str, ...]
    values: npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Material:
    """Source crops of the audited images, as pretraining reads them.

    Attributes:
        images: Stored values, (n, C, *S).
        label_maps: Class numbers, (n, *S), boxes filled in; None if no image has any.
        has_map: Which images have a label map or boxes, (n,).
        spacing_mm: Pixel edges, (n, d); stored pixels where the source states none.
        sample: Row of each image in its store, (n,).
        patient: Number of each image's patient, (n,).
        spacing_stated: Whether the sources of all images state their spacing (True), of none
            (False), of some, or the store does not know (None).
    """

    images: Tensor
    label_maps: LabelMaps | None
    has_map: npt.NDArray[np.bool_]
    spacing_mm: Tensor
    sample: Rows
    patient: Rows
    spacing_stated: bool | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def dims(self) -> int:
        """2 or 3."""
        return self.images.ndim - 2

    def batch(self, chosen: Rows, *, label_maps: LabelMaps | None = None) -> CropBatch:
        """Return some of the crops, with their own label maps or others of the same images."""
        maps = label_maps
        if maps is None and self.label_maps is not None:
            maps = self.label_maps[chosen]
        return CropBatch(
            images=self.images[chosen],
            label_maps=maps,
            spacing_mm=self.spacing_mm[chosen],
            sample=torch.from_numpy(self.sample[chosen]),
            patient=torch.from_numpy(self.patient[chosen]),
        )

    def draws(self, chosen: Rows, *, seed: int, number: int) -> Draws:
        """Return the random numbers of one draw of views of some images."""
        return Draws(seed=seed, epoch=np.full(len(chosen), number), sample=self.sample[chosen])

    def chunks(self) -> Iterator[Rows]:
        """Yield places of images, few enough at a time to be held as views."""
        at_once = max(2, _CHUNK_PIXELS // max(1, self.images[0].numel()))
        for start in range(0, len(self), at_once):
            yield np.arange(start, min(start + at_once, len(self)))


def sampled_rows(
    rows: Rows, *, count: int, seed: int, strata: Sequence[Any], preferred: npt.NDArray[np.bool_]
) -> Rows:
    """Choose images to audit: those with labels or label maps first, classes in turn.

    Args:
        rows: Candidates.
        count: How many at most.
        seed: Seed of the order.
        strata: Class of each candidate; None where unknown.
        preferred: Which candidates say something of the task.

    Returns:
        Rows in ascending order.
    """
    order = np.random.default_rng(seed).permutation(len(rows))
    seen: dict[Any, int] = {}
    turn = np.zeros(len(rows))
    for place in order.tolist():
        turn[place] = seen.get(strata[place], 0)
        seen[strata[place]] = seen.get(strata[place], 0) + 1
    ranks = np.lexsort((turn[order], ~preferred[order]))
    chosen: Rows = np.sort(rows[order[ranks[:count]]])
    return chosen


def read_material(store: Store, rows: Rows, *, region: Sequence[int], seed: int) -> Material:
    """Read one source crop of each row, placed as pretraining places it.

    Args:
        store: The images.
        rows: Which of them.
        region: Edges of what pretraining reads.
        seed: Seed of the places, where images are larger than the region.
    """
    shape, channels = tuple(region), store.meta.channels
    images = np.empty((len(rows), channels, *shape), dtype=store.meta.dtype)
    maps = np.zeros((len(rows), *shape), dtype=np.int16)
    draws = Draws(seed=seed, epoch=np.zeros_like(rows), sample=rows, scope="region")
    chances = draws.uniform("start", len(shape)).numpy()
    boxes = store.index["boxes"].gather(rows.tolist()).to_list()
    has_map = store.has_mask[rows].copy()
    for number, row in enumerate(rows.tolist()):
        start = _start(store.shape(row)[1:], shape, chances[number])
        store.crop(row, start, shape, images[number])
        if has_map[number]:
            store.crop_mask(row, start, shape, maps[number])
        elif found := json.loads(boxes[number] or "[]"):
            has_map[number] = True
            _fill(maps[number], found, start)
    return Material(
        images=torch.from_numpy(images),
        label_maps=torch.from_numpy(maps).long() if has_map.any() else None,
        has_map=has_map,
        spacing_mm=torch.from_numpy(store.spacing_mm[rows]),
        sample=rows,
        patient=store.patients[rows],
        spacing_stated=_stated(store, rows),
    )


def _stated(store: Store, rows: Rows) -> bool | None:
    if store.meta.spacing_mm is not None:
        return True
    if store.spacing_stated is None:
        return None
    stated = store.spacing_stated[rows]
    return bool(stated.all()) if stated.all() or not stated.any() else None


def target_of(store: Store, rows: Rows, name: str, *, is_site: bool = False) -> Target:
    """Return a label column, or the site that ``prepare`` was told.

    Args:
        store: The images.
        rows: Which of them.
        name: Of the column.
        is_site: Whether it names sites or scanners: numbers are then codes, never a quantity.

    Raises:
        ConfigError: If there is no such column.
    """
    own = name not in store.label_names and name in _SITES
    column = store.index["site"].to_list() if own else store.labels(name)
    given = [column[row] for row in rows.tolist()]
    known = {value for value in given if value is not None}
    if own and not known:
        raise ConfigError(
            f"the store must know each image's site to use {name!r}, it knows none. Prepare it "
            "with --site COLUMN, or name a label column."
        )
    is_number = all(isinstance(value, int | float) for value in known)
    if is_number and not is_site and len(known) > _MANY:
        values = [np.nan if value is None else float(value) for value in given]
        return Target(name=name, classes=(), values=np.array(values))
    classes = sorted(known, key=str)
    number = {value: float(place) for place, value in enumerate(classes)}
    values = [np.nan if value is None else number[value] for value in given]
    return Target(name=name, classes=tuple(map(_named, classes)), values=np.array(values))


def _named(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _start(
    space: Sequence[int], region: Sequence[int], chances: npt.NDArray[np.float32]
) -> list[int]:
    """Return where a crop begins: by chance where the image is larger, else centred."""
    return [
        (edge - length) // 2
        if edge <= length
        else min(int(chances[axis] * (edge - length + 1)), edge - length)
        for axis, (edge, length) in enumerate(zip(space, region, strict=True))
    ]


def _fill(
    label_map: Int[npt.NDArray[np.int16], "*S"], boxes: Sequence[Sequence[Any]], start: list[int]
) -> None:
    """Fill boxes, [low..., high..., label] in stored pixels; what lies in the crop, 1 or more."""
    dims = label_map.ndim
    for box in boxes:
        ends = []
        for axis, edge in enumerate(label_map.shape):
            first = math.floor(float(box[axis]) - start[axis])
            last = max(round(float(box[dims + axis]) - start[axis]), first + 1)
            ends.append(slice(max(first, 0), max(min(last, edge), 0)))
        label_map[tuple(ends)] = 1
