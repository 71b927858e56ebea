"""What views leave of a lesion: the part inside the view, the part not hidden, and its contrast.

Lesions are the connected parts of the label map (all classes above 0). Rule R41: less than half
of a lesion in a view counts as erased, and more than 10 % of such views is too many.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from anlage.tensors import Geometry, Images, LabelMaps, Masks
from anlage.transforms.views import ViewPlan

__all__ = [
    "LEFT",
    "Lesions",
    "contrast_left",
    "hidden_shares",
    "lesions_of",
    "retained_shares",
    "surviving",
]

Floats = npt.NDArray[np.float64]

LEFT = 0.5  # of a lesion, or of its contrast: less is erased (R41)
_MOST = 16  # lesions per image that are followed, the largest ones
_RING = 3  # pixels around a lesion that it is compared with
_FAINT = 0.25  # of the image's deviation: a contrast below that cannot be lost


@dataclass(frozen=True, kw_only=True)
class Lesions:
    """The lesions of some images, in their source crops.

    Attributes:
        numbers: Which lesion each pixel belongs to, 1 to K, or 0, (n, *S).
        measure: Area in mm² or volume in mm³ of each, (n, K); 0 where there is no such lesion.
    """

    numbers: LabelMaps
    measure: Float[Tensor, "n K"]

    @property
    def diameters_mm(self) -> Float[Tensor, "n K"]:
        """Diameter of the disc or ball of each lesion's size; 0 where there is none."""
        return (
            (self.measure * 4 / math.pi) ** (1 / 2)
            if self.numbers.ndim == 3
            else (self.measure * 6 / math.pi) ** (1 / 3)
        )


def lesions_of(label_maps: LabelMaps, spacing_mm: Float[Tensor, "n d"]) -> Lesions:
    """Find the connected lesions of each image, of which the 16 largest are followed.

    Args:
        label_maps: Class numbers, (n, *S).
        spacing_mm: Pixel edges.
    """
    dims = label_maps.ndim - 1
    around = ndimage.generate_binary_structure(dims, dims)
    numbers = np.zeros(tuple(label_maps.shape), dtype=np.int64)
    sizes = np.zeros((len(label_maps), _MOST))
    for place, one in enumerate(label_maps.numpy()):
        found, count = ndimage.label(one > 0, around)
        if not count:
            continue
        pixels = np.bincount(found.ravel())[1:]
        order = np.argsort(-pixels, kind="stable")[:_MOST]
        rank = np.zeros(count + 1, dtype=np.int64)
        rank[order + 1] = np.arange(len(order)) + 1
        numbers[place] = rank[found]
        sizes[place, : len(order)] = pixels[order]
    measure = torch.from_numpy(sizes) * spacing_mm.double().prod(dim=1, keepdim=True)
    return Lesions(numbers=torch.from_numpy(numbers), measure=measure)


def retained_shares(
    numbers: LabelMaps,
    geometry: Geometry,
    measure: Float[Tensor, "B K"],
) -> Float[Tensor, "B K"]:
    """Return which share of each lesion lies inside a view; NaN where there is no such lesion.

    A pixel of the view covers ``|det A| 2^d / pixels`` mm² or mm³ of the source, where A is the
    linear part of the view's geometry.

    Args:
        numbers: Lesion numbers in the view, at any resolution.
        geometry: The view's map to the source crop, in mm.
        measure: Size of each lesion in the source.
    """
    dims = geometry.shape[1]
    pixels = math.prod(numbers.shape[1:])
    pixel = torch.linalg.det(geometry[:, :, :dims].double()).abs() * 2**dims / pixels
    inside = _counts(numbers, measure.shape[1]) * pixel[:, None]
    return torch.where(measure > 0, (inside / measure).clamp(max=1.0), torch.nan)


def hidden_shares(numbers: LabelMaps, masks: Masks, count: int) -> Float[Tensor, "B K"]:
    """Return which share of each lesion's part in the view is hidden; NaN where none is in it.

    Args:
        numbers: Lesion numbers in the view; each edge a multiple of the mask's.
        masks: Hidden positions, (B, *G).
        count: Number of lesions per image, K.
    """
    hidden = masks
    for axis, edge in enumerate(numbers.shape[1:], start=1):
        hidden = hidden.repeat_interleave(edge // hidden.shape[axis], dim=axis)
    total = _counts(numbers, count)
    covered = _counts(torch.where(hidden, numbers, 0), count)
    return torch.where(total > 0, covered / total, torch.nan)


def contrast_left(before: Images, after: Images, label_maps: LabelMaps) -> Float[Tensor, " B"]:
    """Return which share of the lesion's contrast to its surroundings a change leaves.

    Contrast is the distance between the mean of the lesion and of a ring of 3 pixels around it,
    over channels, in deviations of the image; so a change of the whole image's contrast, which
    standardisation undoes, leaves all of it. NaN where no lesion is seen, or none stood out.

    Args:
        before: Views in the unit interval without changes of intensity, (B, C, *S).
        after: The same views with them.
        label_maps: Their label maps, (B, *S).
    """
    lesion = (label_maps > 0).unsqueeze(1).to(before.dtype)
    pool = F.max_pool2d if lesion.ndim == 4 else F.max_pool3d
    ring = pool(lesion, 2 * _RING + 1, stride=1, padding=_RING) - lesion
    first, second = (_contrast(image, lesion, ring) for image in (before, after))
    return torch.where(first > _FAINT, second / first, torch.nan)


def surviving(
    plan: ViewPlan,
    *,
    region: tuple[int, ...],
    spacing_mm: Float[Tensor, "n d"],
    patch: int | None,
) -> tuple[float, float]:
    """Return the smallest diameters that survive resampling, and being cut into tokens, in mm.

    Rule: two pixels of a view of mean crop (below that a structure is averaged away, as the
    sampling theorem says), and one token or mask unit, whichever is larger (what is smaller
    shares its only token with other tissue). The widest axis counts.
    """
    dims = len(plan.size)
    kept = math.sqrt(plan.crop_scale[0] * plan.crop_scale[1]) ** (1 / dims)
    median = spacing_mm.double().median(dim=0).values.tolist()
    pixels = [
        edge_mm * length / size * kept
        for edge_mm, length, size in zip(median, region, plan.size, strict=True)
    ]
    units = [float(patch or 1)] * dims
    if plan.masking is not None:
        grid = plan.masking.grid(plan.size)
        units = [
            max(unit, size / count)
            for unit, size, count in zip(units, plan.size, grid, strict=True)
        ]
    token = max(pixel * unit for pixel, unit in zip(pixels, units, strict=True))
    return 2 * max(pixels), max(token, 2 * max(pixels))


def _counts(numbers: LabelMaps, count: int) -> Float[Tensor, "B K"]:
    found = torch.zeros(len(numbers), count + 1, dtype=torch.float64)
    flat = numbers.flatten(1)
    found.scatter_add_(1, flat, torch.ones_like(flat, dtype=torch.float64))
    return found[:, 1:]


def _contrast(image: Images, lesion: Tensor, ring: Tensor) -> Float[Tensor, " B"]:
    flat = image.flatten(2)
    variance = flat.square().mean(dim=2) - flat.mean(dim=2).square()  # (B, C)
    spread = variance.mean(dim=1).clamp_min(1e-12).sqrt()  # (B,)
    inside, around = (_mean(image, part) for part in (lesion, ring))
    distance = (inside - around).square().mean(dim=1).sqrt()
    return distance / spread


def _mean(image: Images, part: Tensor) -> Float[Tensor, "B C"]:
    """Return channel means inside a part; NaN where it is empty."""
    return (image * part).flatten(2).sum(dim=2) / part.flatten(2).sum(dim=2)
