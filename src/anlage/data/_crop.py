"""Copy a box of pixels out of an image that lies in a memory map, as fast as memory allows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from anlage.errors import ShapeError

__all__ = ["copy_crop", "copy_inside"]

Array = npt.NDArray[np.generic]
Window = tuple[slice, ...]


def copy_crop(image: Array, start: Sequence[int], shape: Sequence[int], out: Array) -> None:
    """Copy a crop of an image; what lies outside repeats the edge.

    Args:
        image: (C, *S).
        start: First pixel per axis.
        shape: Edges of the crop, (*S).
        out: (C, *S), written in place.

    Raises:
        ShapeError: If the whole crop lies outside.
    """
    inside, target = _overlap(image.shape[1:], start, shape)
    if any(part.start >= part.stop for part in inside):
        raise ShapeError(
            f"a crop must touch its image, got a crop of {tuple(shape)} from {tuple(start)} of an "
            f"image of {image.shape[1:]}. Draw its start from inside the image."
        )
    _copy_rows(image[(slice(None), *inside)], out[(slice(None), *target)])
    for axis, part in enumerate(target, start=1):
        across = np.moveaxis(out, axis, 0)
        across[: part.start] = across[part.start]
        across[part.stop :] = across[part.stop - 1]


def copy_inside(label_map: Array, start: Sequence[int], shape: Sequence[int], out: Array) -> None:
    """Copy a crop of a label map, (*S); what lies outside stays as it is in ``out``."""
    inside, target = _overlap(label_map.shape, start, shape)
    if all(part.start < part.stop for part in inside):
        out[target] = label_map[inside]


def _overlap(
    space: Sequence[int], start: Sequence[int], shape: Sequence[int]
) -> tuple[Window, Window]:
    """Return the part of a crop that lies inside: in the image's pixels, and in the crop's."""
    inside, target = [], []
    for edge, begin, length in zip(space, start, shape, strict=True):
        low, high = max(0, begin), min(edge, begin + length)
        inside.append(slice(low, high))
        target.append(slice(low - begin, high - begin))
    return tuple(inside), tuple(target)


def _copy_rows(source: Array, target: Array) -> None:
    """Copy with one move per row of the last axis, where rows are whole in memory."""
    if source.dtype == target.dtype and all(
        part.strides[-1] == part.itemsize for part in (source, target)
    ):
        row = np.dtype((np.void, source.shape[-1] * source.itemsize))
        source, target = source.view(row), target.view(row)
    np.copyto(target, source)
