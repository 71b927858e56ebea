"""At which pixel or voxel edge an encoder is shown images, and whether that is what it knows.

A lesion of 10 mm covers 10 voxels at 1 mm and 2 at 5 mm: an encoder that has learnt one scale is
not asked about another without a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from anlage.data.store import Store
from anlage.errors import ConfigError
from anlage.train.notices import warn
from anlage.train.scene import Scene, scene_of

__all__ = ["check_spacing", "shown_spacing_mm"]

_REFUSED, _WARNED = 1.5, 1.1
_ROUND = 1e-3  # spacings are compared, and written on cards, no finer than this


def shown_spacing_mm(
    store: Store, scene: Scene, rows: npt.NDArray[np.int64] | None = None
) -> tuple[float, ...] | None:
    """Return the edge per axis, in mm, of one pixel of an uncropped view.

    Windows are shown at the stored spacing; whole images are resized, which makes pixels larger.
    The median over images counts, on every axis.

    Args:
        store: The images.
        scene: How they are shown.
        rows: Which of them; None for all.

    Returns:
        One edge per axis; None if none of the images' files states a spacing.
    """
    stored, is_known = store.spacing_mm.astype(np.float64), _is_known(store)
    if rows is not None:
        stored, is_known = stored[rows], is_known[rows]
    if not is_known.any():
        return None
    median = np.median(stored[is_known], axis=0)
    if scene.field == "image":
        median = median * np.array(scene.region) / np.array(scene.size)
    return tuple(round(float(edge), 4) for edge in median)


def check_spacing(
    known_mm: Sequence[float] | None,
    store: Store,
    *,
    size: Sequence[int],
    field: Literal["auto", "image", "window"],
    allow_other: bool,
    rows: npt.NDArray[np.int64] | None = None,
) -> None:
    """Refuse to show an encoder a scale far from the one it was trained at; warn of a near one.

    Args:
        known_mm: Pixel edges that it was shown in training; None if unknown.
        store: The images that it shall be shown.
        size: Edges of the views.
        field: Whether they show whole images or windows.
        allow_other: Show it any scale, with a warning.
        rows: Which images count; None for all. Training asks about training rows alone.

    Raises:
        ConfigError: If an edge differs by more than a factor of 1.5, and that is not allowed.
    """
    scene = scene_of(store, size=size, field=field)
    shown_mm = shown_spacing_mm(store, scene, rows)
    if known_mm is None or shown_mm is None:
        return
    ratio = np.array(shown_mm) / np.array(known_mm)
    worst = float(np.maximum(ratio, 1 / ratio).max())
    here, there = _edges(shown_mm), _edges(known_mm)
    if worst > _REFUSED + _ROUND and not allow_other:
        raise ConfigError(
            f"an encoder must be shown pixels or voxels of about the size that it was trained on, "
            f"{there} mm, up to a factor of {_REFUSED:g} on any axis; of this store it would be "
            f"shown {here} mm. {_remedy(scene, known_mm, ratio)}, or set allow_other_spacing to "
            "true if that is meant."
        )
    if worst > _WARNED + _ROUND:
        warn(f"the encoder was trained on pixels or voxels of {there} mm and is shown {here} mm")


def _is_known(store: Store) -> npt.NDArray[np.bool_]:
    """Return of which rows the spacing is known, (n,).

    The store says whose files state one; volumes that were resampled to a spacing all have it.
    Older stores do not say. They hold 1 for files without a spacing, and scale that 1 along where
    they scale pictures to a canvas: the longer edge is then a whole number of source pixels over
    the canvas. If all rows look like that, none counts as known.
    """
    if store.meta.spacing_mm is not None:
        return np.ones(len(store), dtype=np.bool_)
    if store.spacing_stated is not None:
        return store.spacing_stated
    stored: npt.NDArray[np.float64] = store.spacing_mm.astype(np.float64)
    if store.meta.dims == 2 and store.meta.size is not None:
        pixels = stored * np.array(store.meta.size)
        is_unstated = (np.abs(pixels - pixels.round()) < _ROUND).any(axis=1)
    else:
        is_unstated = (np.abs(stored - 1) < _ROUND).all(axis=1)
    return np.full(len(store), not is_unstated.all())


def _remedy(scene: Scene, known_mm: Sequence[float], ratio: npt.NDArray[np.float64]) -> str:
    """Say what would bring the scales together."""
    if scene.field == "image":
        edges = ",".join(str(max(16, round(e * r))) for e, r in zip(scene.size, ratio, strict=True))
        return f"Give an image size near {edges}"
    if len(known_mm) == 3:
        edges = ",".join(f"{edge:g}" for edge in known_mm)
        return f"Prepare the store again with --spacing-mm {edges}"
    return "Prepare the store again with another --size"


def _edges(spacing_mm: Sequence[float]) -> str:
    return " x ".join(f"{edge:.3g}" for edge in spacing_mm)
