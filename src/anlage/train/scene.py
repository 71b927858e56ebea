"""What an encoder is shown: which part of an image, at which size, with which intensities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from anlage import plugins
from anlage.config import BaseConfig
from anlage.data.store import Store
from anlage.errors import ConfigError
from anlage.modalities import Policy, unit_range
from anlage.train.notices import warn
from anlage.transforms.views import Intensities

__all__ = ["Scene", "measure_intensities", "resolve_size", "scene_of", "warn_of_dims"]

_SAMPLE = 256
_PIXELS = 2**20


class Scene(BaseConfig):
    """Region of the stored image that is read, and the size at which it is shown.

    Attributes:
        field: ``image`` shows whole images, resized; ``window`` shows parts at the stored
            resolution, as large volumes need.
        size: Edges of what the encoder sees.
        region: Edges of what is read from the store.
    """

    field: Literal["image", "window"]
    size: tuple[int, ...]
    region: tuple[int, ...]


def scene_of(
    store: Store,
    *,
    size: Sequence[int] | None,
    field: Literal["auto", "image", "window"] = "auto",
    crop_scale: tuple[float, float] = (1.0, 1.0),
) -> Scene:
    """Decide what an encoder is shown.

    Args:
        store: The images.
        size: Edges asked for; one number for all axes; None for a default that suits the store.
        field: ``auto`` shows whole images in 2D, and in 3D if no volume is much larger.
        crop_scale: Share of what is read that a view keeps. Windows are read so much larger
            than shown that views keep the stored resolution on average.

    Raises:
        ConfigError: If the number of edges does not fit the store.
    """
    shapes = np.array([store.shape(row)[1:] for row in range(len(store))])
    largest = tuple(int(edge) for edge in shapes.max(axis=0))
    shown = resolve_size(size, dims=store.meta.dims, largest=largest)
    if field == "auto":
        fits = all(edge <= 1.5 * wanted for edge, wanted in zip(largest, shown, strict=True))
        field = "image" if store.meta.dims == 2 or fits else "window"
    if field == "image":
        return Scene(field=field, size=shown, region=largest)
    kept = sum(share ** (1 / store.meta.dims) for share in crop_scale) / 2
    region = tuple(math.ceil(edge / kept) for edge in shown)
    return Scene(field=field, size=shown, region=region)


def resolve_size(
    size: Sequence[int] | None, *, dims: int, largest: tuple[int, ...]
) -> tuple[int, ...]:
    """Return one edge per axis.

    The default is 64 pixels in 2D, or 128 where the store has more than 128; in 3D the volume's
    own edges rounded up to multiples of 8, at most 64.

    Raises:
        ConfigError: If there are several edges, but not one per axis, or one below 16.
    """
    if size is None:
        if dims == 2:
            return (64, 64) if max(largest) <= 128 else (128, 128)
        return tuple(min(64, max(16, -(-edge // 8) * 8)) for edge in largest)
    edges = tuple(size) * dims if len(size) == 1 else tuple(size)
    if len(edges) != dims or min(edges) < 16:
        raise ConfigError(
            f"image size must be one edge, or {dims} for this {dims}D store, of at least 16 "
            f"pixels, got {list(size)}. Give --image-size again."
        )
    return edges


def warn_of_dims(store: Store) -> None:
    """Warn where a modality's rules were not made for images of the store's dimension."""
    policy: Policy = plugins.load("modalities", store.meta.modality)
    if store.meta.dims not in policy.dims:
        acquired = " or ".join(f"{dims}D" for dims in policy.dims)
        warn(
            f"{policy.title} is acquired in {acquired}, but this store holds "
            f"{store.meta.dims}D images: its views follow rules that were not made for them. If "
            "the modality is wrong, prepare the store again with another --modality"
        )


def measure_intensities(
    store: Store, rows: npt.NDArray[np.int64], *, window: str | None
) -> Intensities:
    """Measure mean and deviation over training images, in the unit interval.

    Args:
        store: The images.
        rows: Training rows; at most 256 of them, evenly spread, are read, and of larger images
            than a million pixels evenly spread rows or slices.
        window: Name of the modality's intensity window; None for its default.

    Raises:
        ConfigError: If the modality has no such window.
    """
    policy: Policy = plugins.load("modalities", store.meta.modality)
    low, high = unit_range(
        kind=store.meta.kind, storage=store.meta.dtype, window=policy.scaling.window(window)
    )
    chosen = rows[np.linspace(0, len(rows) - 1, min(len(rows), _SAMPLE)).astype(int)]
    sums = np.zeros((2, store.meta.channels))
    count = 0
    for row in chosen.tolist():
        space = store.shape(row)[1:]
        step = min(math.ceil(math.prod(space) / _PIXELS), space[0])
        part = store.image(row)[:, step // 2 :: step].astype(np.float64)
        unit = np.clip((part - low) / (high - low), 0, 1)
        flat = unit.reshape(len(unit), -1)
        sums += np.stack([flat.sum(axis=1), np.square(flat).sum(axis=1)])
        count += flat.shape[1]
    mean = sums[0] / count
    std = np.sqrt(np.maximum(sums[1] / count - np.square(mean), 1e-8))
    return Intensities(low=low, high=high, mean=tuple(map(float, mean)), std=tuple(map(float, std)))
