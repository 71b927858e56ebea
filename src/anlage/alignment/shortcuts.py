"""What a network could latch on to instead of the disease.

Contrast keeps whatever is the same in all views of an image. If features averaged over views tell
the site or the scanner, so will the encoder; if the background alone tells the label, the answer
can be had without looking at the disease (rule R73).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from anlage.alignment.features import image_features
from anlage.alignment.intervals import ProbeScore
from anlage.alignment.material import Material, Target
from anlage.alignment.preservation import Viewed, read_images, reading_of
from anlage.tensors import Images, LabelMaps

__all__ = ["background_only", "read_background", "read_constant"]

Floats = npt.NDArray[np.float64]

_CELLS = 8  # per edge: how coarsely a removed lesion is filled in
_MARGIN = 3  # pixels around a lesion that are removed with it


def read_constant(
    views: Callable[[int], Viewed],
    material: Material,
    target: Target,
    weights: Float[Floats, "R n"],
    *,
    draws: int,
    seed: int,
) -> ProbeScore | None:
    """Read a site from features averaged over several views of each image; None if it cannot be.

    Args: as ``read_images``.
    """
    known = np.flatnonzero(np.isfinite(target.values))
    means: list[Tensor] = []
    for number in range(draws):
        parts = [image_features(unit) for _, unit, _ in views(number)]
        blocks = [torch.cat(block)[known] / draws for block in zip(*parts, strict=True)]
        means = [a + b for a, b in zip(means, blocks, strict=True)] if means else blocks
    found = reading_of(
        means,
        target.values[known],
        known,
        material,
        weights=weights,
        num_classes=len(target.classes),
        seed=seed,
    )
    return None if found is None else found.share()


def read_background(
    views: Callable[[int], Viewed],
    material: Material,
    target: Target,
    weights: Float[Floats, "R n"],
    *,
    seed: int,
) -> ProbeScore | None:
    """Read a label or site from images whose lesions are removed; None if it cannot be."""

    def emptied(number: int) -> Viewed:
        for chosen, unit, maps in views(number):
            yield chosen, unit if maps is None else background_only(unit, maps), maps

    found = read_images(emptied, material, target, weights, draws=1, seed=seed)
    return None if found is None else found.share()


def background_only(unit: Images, label_maps: LabelMaps) -> Images:
    """Replace lesions and 3 pixels around them by a smooth filling from what surrounds them.

    Args:
        unit: (B, C, *S), within [0, 1].
        label_maps: (B, *S).
    """
    dims = unit.ndim - 2
    lesion = (label_maps > 0).unsqueeze(1).to(unit.dtype)
    pool = F.max_pool2d if dims == 2 else F.max_pool3d
    removed = pool(lesion, 2 * _MARGIN + 1, stride=1, padding=_MARGIN)
    kept = 1 - removed
    cells = (_CELLS,) * dims
    shares = F.interpolate(kept, size=cells, mode="area")
    sums = F.interpolate(unit * kept, size=cells, mode="area")
    axes = tuple(range(2, unit.ndim))
    mean = sums.sum(dim=axes, keepdim=True) / shares.sum(dim=axes, keepdim=True).clamp_min(1e-6)
    coarse = torch.where(shares > 0.05, sums / shares.clamp_min(1e-6), mean)
    mode = "bilinear" if dims == 2 else "trilinear"
    filling = F.interpolate(coarse, size=tuple(unit.shape[2:]), mode=mode, align_corners=False)
    return unit * kept + filling * removed
