"""From the store to raw crops on the device: what the loop asks for, one batch ahead.

The stream of samples is endless and a pure function of the seed: epoch after epoch, each in its
own order. Position p of the stream belongs to step p // (global batch), so a resumed run, and
one on more processes, sees exactly the same samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Int
from torch import Tensor

from anlage.data.store import Store
from anlage.errors import DataError
from anlage.transforms.draws import Draws, philox4x32
from anlage.transforms.views import CropBatch

__all__ = ["FedBatch", "Feed", "read_crops"]


@dataclass(frozen=True, kw_only=True)
class FedBatch:
    """Raw crops, and the random numbers that belong to them."""

    crops: CropBatch
    draws: Draws

    @property
    def sample(self) -> Int[Tensor, " B"]:
        """Store row of each image."""
        return self.crops.sample


class Feed:
    """Endless batches of random crops from some rows of a store.

    Args:
        store: Where the images lie.
        rows: Which of them, (n,).
        region: Edges of the crops in pixels or voxels; smaller images are padded.
        batch_size: Images per batch of this process.
        seed: Seed of order and places.
        device: Where batches go.
        with_masks: Whether to read label maps too.
        rank: Number of this process.
        world: Number of processes.

    Raises:
        DataError: If there are no rows.
    """

    def __init__(
        self,
        store: Store,
        rows: npt.NDArray[np.int64],
        *,
        region: Sequence[int],
        batch_size: int,
        seed: int,
        device: torch.device,
        with_masks: bool = False,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if not len(rows):
            raise DataError("training needs at least one image, got none. Check split and labels.")
        self._store, self._rows, self._region = store, rows, tuple(region)
        self._batch, self._seed, self._device = batch_size, seed, device
        self._with_masks = with_masks
        self._offset, self._stride = rank * batch_size, world * batch_size
        self._orders: dict[int, npt.NDArray[np.int64]] = {}
        self._ahead: tuple[int, Future[tuple[CropBatch, Draws]]] | None = None
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="feed")

    def batch(self, number: int) -> FedBatch:
        """Return batch ``number`` of the stream, and start reading the next one."""
        if self._ahead is None or self._ahead[0] != number:
            self._ahead = (number, self._reader.submit(self._read, number))  # never two at once
        crops, draws = self._ahead[1].result()
        self._ahead = (number + 1, self._reader.submit(self._read, number + 1))
        return FedBatch(crops=_to(crops, self._device), draws=draws)

    def close(self) -> None:
        """Stop reading ahead."""
        self._reader.shutdown(wait=True, cancel_futures=True)

    def _read(self, number: int) -> tuple[CropBatch, Draws]:
        positions = np.arange(self._batch) + number * self._stride + self._offset
        epochs = positions // len(self._rows)
        rows = np.array(
            [
                self._order(int(epoch))[position]
                for epoch, position in zip(epochs, positions % len(self._rows), strict=True)
            ]
        )
        draws = Draws(seed=self._seed, epoch=epochs, sample=rows, device=self._device)
        places = Draws(seed=self._seed, epoch=epochs, sample=rows, scope="region")
        chances = places.uniform("start", len(self._region)).numpy()
        crops = read_crops(
            self._store, rows, region=self._region, chances=chances, with_masks=self._with_masks
        )
        return crops, draws

    def _order(self, epoch: int) -> npt.NDArray[np.int64]:
        if epoch not in self._orders:
            for old in [known for known in self._orders if known < epoch - 1]:
                del self._orders[old]
            self._orders[epoch] = self._rows[_shuffled(len(self._rows), self._seed, epoch)]
        return self._orders[epoch]


def read_crops(
    store: Store,
    rows: npt.NDArray[np.int64],
    *,
    region: Sequence[int],
    chances: npt.NDArray[np.float32] | None = None,
    starts: npt.NDArray[np.int64] | None = None,
    with_masks: bool = False,
) -> CropBatch:
    """Read one crop of each row.

    Args:
        store: Where the images lie.
        rows: Which of them, (B,).
        region: Edges of the crops; an image that is smaller is centred and padded.
        chances: Numbers from 0 to 1 that place the crop, (B, d); None takes the centre.
        starts: First pixel of each crop, (B, d), instead of chances.
        with_masks: Whether to read label maps; rows without one get class 0 everywhere.

    Returns:
        Crops on the CPU.
    """
    shape = tuple(region)
    images = np.empty((len(rows), store.meta.channels, *shape), dtype=store.meta.dtype)
    masks = np.zeros((len(rows), *shape), dtype=np.int16) if with_masks else None
    for number, row in enumerate(rows.tolist()):
        space = store.shape(row)[1:]
        if starts is not None:
            start = starts[number].tolist()
        else:
            start = _place(space, shape, None if chances is None else chances[number])
        store.crop(row, start, shape, images[number])
        if masks is not None:
            store.crop_mask(row, start, shape, masks[number])
    return CropBatch(
        images=torch.from_numpy(images),
        label_maps=None if masks is None else torch.from_numpy(masks).long(),
        spacing_mm=torch.from_numpy(store.spacing_mm[rows]),
        sample=torch.from_numpy(np.asarray(rows)),
        patient=torch.from_numpy(store.patients[rows]),
    )


def _place(
    space: Sequence[int], shape: Sequence[int], chances: npt.NDArray[np.float32] | None
) -> list[int]:
    """Return where a crop begins: in the centre, or by chance where the image is larger."""
    return [
        (edge - length) // 2
        if chances is None or edge <= length
        else min(int(chances[axis] * (edge - length + 1)), edge - length)
        for axis, (edge, length) in enumerate(zip(space, shape, strict=True))
    ]


def _shuffled(count: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    counter = np.zeros((4, count), dtype=np.uint64)
    counter[0] = np.arange(count)
    counter[3] = 0x5F3759DF  # keeps the order apart from every Draws scope
    key = np.empty((2, count), dtype=np.uint64)
    key[0], key[1] = seed & 0xFFFFFFFF, epoch
    words = philox4x32(counter, key)
    order: npt.NDArray[np.int64] = np.lexsort((words[1], words[0]))
    return order


def _to(crops: CropBatch, device: torch.device) -> CropBatch:
    if device.type == "cpu":
        return crops
    return CropBatch(
        images=crops.images.pin_memory().to(device, non_blocking=True),
        label_maps=None
        if crops.label_maps is None
        else crops.label_maps.to(device, non_blocking=True),
        spacing_mm=crops.spacing_mm.to(device),
        sample=crops.sample.to(device),
        patient=crops.patient.to(device),
    )
