"""Show images as an encoder is tested on them: whole, or in a grid of windows that covers them.

A volume that is shown in windows has a label for all of it, and what the label speaks of may lie
anywhere. So global tasks look at a regular grid of windows and take the mean of the answers:
of probabilities, and of embeddings, which keep their width and their place among each other, so
that nearest neighbours and linear probes work on them as on single ones. The grid depends on the
image's size alone: the same for training and test images, every time.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from anlage.data.store import Store
from anlage.train.feed import read_crops
from anlage.train.notices import warn
from anlage.train.scene import Scene
from anlage.transforms.views import Intensities, ViewPlan, one_view

__all__ = ["answers", "shown", "window_starts"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_BATCH = {2: 64, 3: 8}  # views at once, by dims
_MOST = 27


def window_starts(space: Sequence[int], size: Sequence[int]) -> tuple[Ints, float]:
    """Place as few windows as cover an image, evenly, but at most 27.

    Where more were needed, they are taken from the axis that has most, and gaps are left between
    those that remain. An image that is smaller than a window is centred in it.

    Args:
        space: Edges of the image.
        size: Edges of a window.

    Returns:
        First pixel of each window, (n, d), and the share of the image that they cover.
    """
    counts = [math.ceil(edge / length) for edge, length in zip(space, size, strict=True)]
    while math.prod(counts) > _MOST:
        counts[counts.index(max(counts))] -= 1
    axes = [
        _even(edge, length, count) for edge, length, count in zip(space, size, counts, strict=True)
    ]
    covered = math.prod(
        min(1.0, length * count / edge)
        for edge, length, count in zip(space, size, counts, strict=True)
    )
    return np.array(list(itertools.product(*axes)), dtype=np.int64), covered


def shown(
    store: Store, rows: Ints, scene: Scene, intensities: Intensities
) -> Iterator[tuple[Ints, Tensor]]:
    """Yield unchanged views of images in batches: their rows, (B,), and pixels, (B, C, *size).

    All windows of an image follow each other; a whole image is one view.
    """
    plan = ViewPlan(size=scene.size, intensities=intensities)
    region = scene.region if scene.field == "image" else scene.size
    owners, starts = _places(store, rows, region)
    batch = _BATCH[store.meta.dims]
    for first in range(0, len(owners), batch):
        part = slice(first, first + batch)
        crops = read_crops(store, owners[part], region=region, starts=starts[part])
        yield owners[part], one_view(crops, plan, draws=None)[0]


@torch.inference_mode()
def answers(
    store: Store,
    rows: Ints,
    scene: Scene,
    intensities: Intensities,
    *,
    ask: Callable[[Tensor], Tensor],
    device: torch.device,
) -> Iterator[tuple[int, Floats]]:
    """Yield each row with the mean of what its views are answered.

    Args:
        store: The images.
        rows: Which of them.
        scene: How they are shown.
        intensities: How they are calibrated and standardised.
        ask: From views on the device, (B, C, *size), to answers, (B, K).
        device: Where to ask.
    """
    views = (
        (row, answer)
        for owners, images in shown(store, rows, scene, intensities)
        for row, answer in zip(
            owners.tolist(), ask(images.to(device)).float().cpu().numpy(), strict=True
        )
    )
    for row, group in itertools.groupby(views, key=lambda view: view[0]):
        several: Floats = np.stack([answer for _, answer in group])
        mean: Floats = several.mean(axis=0, dtype=np.float64).astype(np.float32)
        yield row, mean


def _places(store: Store, rows: Ints, region: Sequence[int]) -> tuple[Ints, Ints]:
    """Return the store row of every view, (n,), and where it begins, (n, d)."""
    grids = [window_starts(store.shape(row)[1:], region) for row in rows.tolist()]
    gaps = [covered for _, covered in grids if covered < 1]
    if gaps:
        edges = "x".join(map(str, region))
        warn(
            f"{_MOST} windows of {edges} do not cover {len(gaps)} of {len(rows)} images, of one "
            f"only {min(gaps):.0%}. Raise the image size, or show whole images (field: image)."
        )
    owners = np.repeat(rows, [len(starts) for starts, _ in grids])
    return owners, np.concatenate([starts for starts, _ in grids])


def _even(edge: int, length: int, count: int) -> list[int]:
    """Return where windows begin on one axis; a single one lies in the middle."""
    if count == 1:
        return [(edge - length) // 2]
    return [round(number * (edge - length) / (count - 1)) for number in range(count)]
