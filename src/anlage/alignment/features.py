"""Reference features: what is to be read from an image, fixed before any result was seen.

They are the same for all data and all views, so that a probe measures the view and not a network:
``pixels`` on a coarse grid (where things are), a ``histogram`` of values and of coarse colours
(what is there, wherever it is), and ``texture``: how strongly each of 18 fixed random filters
answers, at two scales (Saxe et al., "On random weights and unsupervised feature learning", ICML
2011: such features carry much of what trained ones do). Pixels alone would call every rotation
harmful; the other two do not see where things are. Pixels and texture come twice, as they are and
of the image with mean 0 and deviation 1: the first see brightness and colour, and the second do
not, so that a change of brightness is called harmful only where brightness tells the label.
"""

from __future__ import annotations

from functools import cache

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from anlage.tensors import Images

__all__ = ["image_features", "place_features"]

_GRID = {2: 32, 3: 16}
_BINS = 16
_COARSE = 4  # bins per channel of a colour
_FILTERS = 18
_BRIGHT = 6  # of them see brightness; the others only its changes
_EDGE = {2: 5, 3: 3}
_LARGEST = {2: 64, 3: 32}  # edge at which textures are looked for
_SEED = 20260

Blocks = tuple[Float[Tensor, "B _"], ...]


def image_features(unit: Images) -> Blocks:
    """Return pixels, histogram and texture, and pixels and texture of standardised images.

    Args:
        unit: (B, C, *S), within [0, 1].
    """
    small = _shrunk(unit)
    axes = tuple(range(1, unit.ndim))
    mean = small.mean(dim=axes, keepdim=True)
    spread = (small.square().mean(dim=axes, keepdim=True) - mean.square()).clamp_min(1e-6).sqrt()
    texture = _texture(small)
    # filters that sum to zero answer a standardised image as they do the image, by its deviation
    plain = texture[:, :, _BRIGHT:].flatten(1) / spread.flatten(1)
    standard = _pixels((small - mean) / spread)
    return _pixels(small), _histogram(unit), texture.flatten(1), standard, plain


def place_features(unit: Images, places: Int[Tensor, "B P"]) -> Float[Tensor, "B P F"]:
    """Return what an image looks like around some of its pixels.

    Values, their averages over 3, 7 and 15 pixels, and the random filters' answers, raw and
    averaged: all local, so that they say what is there and not where it is.

    Volumes are looked at with twice the voxel edge, which takes an eighth of the time.

    Args:
        unit: (B, C, *S), within [0, 1].
        places: Flat pixel numbers.
    """
    if unit.ndim == 5:
        places = _halved(places, tuple(unit.shape[2:]))
        unit = F.avg_pool3d(unit, 2, ceil_mode=True)
    answers = _filtered(unit)
    maps = [unit, *(_averaged(unit, edge) for edge in (3, 7, 15)), _averaged(answers, 3)]
    stack = torch.cat(maps, dim=1).flatten(2)  # (B, F, pixels)
    return stack.gather(2, places[:, None].expand(-1, stack.shape[1], -1)).transpose(1, 2)


def _halved(places: Tensor, size: tuple[int, ...]) -> Tensor:
    """Return the flat numbers of the same places where all edges are half as long."""
    found = torch.zeros_like(places)
    stride = 1
    for edge in reversed(size):
        found += (places % edge) // 2 * stride
        places, stride = places // edge, stride * -(-edge // 2)
    return found


def _pixels(unit: Images) -> Tensor:
    dims = unit.ndim - 2
    return F.interpolate(unit, size=(_GRID[dims],) * dims, mode="area").flatten(1)


def _histogram(unit: Images) -> Tensor:
    """Return square roots of shares, whose distances are Hellinger's."""
    flat = unit.flatten(2)
    bins = (flat * _BINS).long().clamp_(0, _BINS - 1)
    parts = [_shares(bins[:, channel], _BINS) for channel in range(unit.shape[1])]
    if unit.shape[1] == 3:
        coarse = (flat * _COARSE).long().clamp_(0, _COARSE - 1)
        joint = (coarse[:, 0] * _COARSE + coarse[:, 1]) * _COARSE + coarse[:, 2]
        parts.append(_shares(joint, _COARSE**3))
    return torch.cat(parts, dim=1).sqrt()


def _shares(numbers: Tensor, count: int) -> Tensor:
    found = torch.zeros(len(numbers), count)
    found.scatter_add_(1, numbers, torch.ones_like(numbers, dtype=torch.float32))
    return found / numbers.shape[1]


def _shrunk(unit: Images) -> Images:
    size = tuple(min(edge, _LARGEST[unit.ndim - 2]) for edge in unit.shape[2:])
    return unit if size == tuple(unit.shape[2:]) else F.interpolate(unit, size=size, mode="area")


def _texture(image: Images) -> Float[Tensor, "B 6 filters"]:
    """Return mean, deviation and peak of each filter's answer, at two scales."""
    pool = F.avg_pool2d if image.ndim == 4 else F.avg_pool3d
    parts = []
    for scale in (image, pool(image, 2)):
        answers = _filtered(scale).flatten(2)
        mean = answers.mean(dim=2)
        squares = answers.square().mean(dim=2)
        parts += [mean, (squares - mean.square()).clamp_min(0).sqrt(), answers.amax(dim=2)]
    return torch.stack(parts, dim=1)


def _filtered(unit: Images) -> Tensor:
    dims = unit.ndim - 2
    convolve = F.conv2d if dims == 2 else F.conv3d
    answers: Tensor = convolve(unit, _bank(dims, unit.shape[1]), padding="same")
    return torch.abs(answers)


@cache
def _bank(dims: int, channels: int) -> Tensor:
    """Return random filters of length one."""
    generator = torch.Generator().manual_seed(_SEED)
    bank = torch.randn(_FILTERS, channels, *[_EDGE[dims]] * dims, generator=generator)
    flat = bank.flatten(1)
    flat[_BRIGHT:] -= flat[_BRIGHT:].mean(dim=1, keepdim=True)
    return F.normalize(flat, dim=1).reshape(bank.shape)


def _averaged(image: Images, edge: int) -> Images:
    """Average over boxes axis by axis: 45 sums in 3D where one box of 15 voxels needs 3,375."""
    dims = image.ndim - 2
    pool = F.avg_pool2d if dims == 2 else F.avg_pool3d
    found = image
    for axis in range(dims):
        longest = (image.shape[2 + axis] - 1) // 2 * 2 + 1  # odd, and within the image
        sizes = tuple(min(edge, longest) if other == axis else 1 for other in range(dims))
        reach = tuple(size // 2 for size in sizes)
        found = pool(found, sizes, stride=1, padding=reach, count_include_pad=False)
    return found
