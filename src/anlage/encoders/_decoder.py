"""A U-Net decoder for any encoder: from its maps back to one value per pixel.

Source: the expanding path of Ronneberger, Fischer and Brox, MICCAI 2015, arXiv:1505.04597,
with instance norm and leaky rectifier as in nnU-Net (Isensee et al., Nature Methods 2021). For
transformers, whose maps all have one stride, earlier maps are lifted to finer strides by
transposed convolutions, as in UNETR (Hatamizadeh et al., WACV 2022, arXiv:2103.10504).
Departures: every lift is one transposed convolution per doubling, without UNETR's second
convolution, and no lift goes to full resolution; widths depend on the stride alone.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from anlage.encoders._encoder import Encoder
from anlage.errors import ConfigError, ShapeError
from anlage.tensors import Features, Images

__all__ = ["UNetDecoder"]

_FINEST = 16  # width at full resolution


class UNetDecoder(nn.Module):
    """Decoder half of a U-Net, 2D and 3D, for any image size that its encoder takes.

    Full resolution comes from the encoder's own map of stride 1 where it has one, else from one
    convolution on the raw image. ``head`` is the last 1x1 convolution and all that depends on
    ``out_channels``, so that everything else can be transferred to another task.

    Args:
        encoder: The encoder whose maps it reads; only its dims, channels, widths and strides.
        out_channels: Channels of the output: classes, or channels to reconstruct.
        width_cap: Largest width of a level. A level of stride s has ``min(width_cap, 16 s)``.

    Raises:
        ConfigError: If a number is not positive.
    """

    def __init__(self, encoder: Encoder, *, out_channels: int, width_cap: int = 128) -> None:
        super().__init__()
        if min(out_channels, width_cap) < 1:
            raise ConfigError(
                "out_channels and width_cap of a decoder must be 1 or more, got "
                f"{out_channels} and {width_cap}."
            )
        self.dims = encoder.dims
        self.out_channels = out_channels
        self.width_cap = width_cap
        self.targets = _targets(encoder.strides)
        self.lifts = nn.ModuleList()
        arriving = dict.fromkeys(self.targets, 0)  # channels of all skips, by stride
        for width, stride, target in zip(
            encoder.widths, encoder.strides, self.targets, strict=True
        ):
            self.lifts.append(self._lift(width, stride, target))
            arriving[target] += width if stride == target else self._width(target)
        self.stem: nn.Module | None = None
        if 1 not in arriving:
            arriving[1] = self._width(1)
            self.stem = _convolution(self.dims, encoder.channels, arriving[1])
        self.levels = sorted(arriving, reverse=True)
        self.ups, self.blocks = nn.ModuleList(), nn.ModuleList()
        width = arriving[self.levels[0]]
        for coarse, fine in pairwise(self.levels):
            finer_width = self._width(fine)
            self.ups.append(self._up(width, finer_width, coarse // fine, conv_only=True))
            self.blocks.append(self._two_convolutions(finer_width + arriving[fine], finer_width))
            width = finer_width
        self.head = (nn.Conv2d if self.dims == 2 else nn.Conv3d)(width, out_channels, 1)

    def forward(self, images: Images, features: Features) -> Float[Tensor, "B K *S"]:
        """Decode a batch.

        Args:
            images: (B, C, *S), what the encoder saw.
            features: What it made of them.

        Returns:
            (B, K, *S) with K = out_channels.

        Raises:
            ShapeError: If the features have no maps, or an edge is too short for the norm.
        """
        if not features.maps:
            raise ShapeError(
                f"a decoder needs {len(self.targets)} feature maps, got none. Encode the images "
                "without visible."
            )
        skips: dict[int, list[Tensor]] = {stride: [] for stride in self.levels}
        for lift, target, part in zip(self.lifts, self.targets, features.maps, strict=True):
            skips[target].append(lift(part))
        if self.stem is not None:
            skips[1].append(self.stem(images))
        x = torch.cat(skips[self.levels[0]], dim=1)
        for stride, up, block in zip(self.levels[1:], self.ups, self.blocks, strict=True):
            size = [-(-edge // stride) for edge in images.shape[2:]]
            if math.prod(size) < 2:
                raise ShapeError(
                    f"a decoder needs more than one position at stride {stride}, got images of "
                    f"edges {tuple(images.shape[2:])}. Use images with edges above {stride}."
                )
            x = block(torch.cat([_crop(up(x), size), *skips[stride]], dim=1))
        output: Tensor = self.head(x)
        return output

    def _width(self, stride: int) -> int:
        return min(self.width_cap, _FINEST * stride)

    def _lift(self, width: int, stride: int, target: int) -> nn.Module:
        """Return one up-convolution per doubling from a map's stride to a finer one."""
        steps = []
        while stride > target:
            stride //= 2
            steps.append(self._up(width, self._width(stride), 2, conv_only=False))
            width = self._width(stride)
        return nn.Sequential(*steps)

    def _up(self, width_in: int, width_out: int, ratio: int, *, conv_only: bool) -> nn.Module:
        return _convolution(
            self.dims,
            width_in,
            width_out,
            kernel_size=ratio,
            strides=ratio,
            padding=0,
            output_padding=0,
            is_transposed=True,
            conv_only=conv_only,
        )

    def _two_convolutions(self, width_in: int, width_out: int) -> nn.Module:
        return nn.Sequential(
            _convolution(self.dims, width_in, width_out),
            _convolution(self.dims, width_out, width_out),
        )


def _convolution(dims: int, width_in: int, width_out: int, **settings: Any) -> nn.Module:
    from monai.networks.blocks import Convolution  # half the import time of this package

    act = ("leakyrelu", {"negative_slope": 0.01, "inplace": True})
    norm = ("instance", {"affine": True})
    layer: nn.Module = Convolution(dims, width_in, width_out, act=act, norm=norm, **settings)
    return layer


def _targets(strides: tuple[int, ...]) -> tuple[int, ...]:
    """Return the stride at which each map enters the decoder.

    That is its own, unless a coarser map already enters there: then half of it, but not below
    2. So (2, 4, 8) stays; (16, 16, 16, 16) becomes (2, 4, 8, 16); (8, 8, 8, 8) (2, 2, 4, 8).
    """
    targets = [strides[-1]]
    for stride in reversed(strides[:-1]):
        targets.append(stride if stride < targets[-1] else max(2, targets[-1] // 2))
    return tuple(reversed(targets))


def _crop(x: Tensor, size: list[int]) -> Tensor:
    """Cut the end of each axis: maps of stride s have edges ceil(S / s), aligned at 0."""
    for axis, edge in enumerate(size, start=2):
        x = x.narrow(axis, 0, edge)
    return x
