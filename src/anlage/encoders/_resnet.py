"""Residual networks as pyramids: timm's in 2D, MONAI's blocks in 3D.

Source: He, Zhang, Ren and Sun, CVPR 2016, arXiv:1512.03385; in 3D Hara, Kataoka and Satoh,
CVPR 2018, arXiv:1711.09577, in MONAI's blocks (monai.networks.nets.resnet).
Departures in 3D: MONAI's own ResNet leaves its first convolution at stride 1 and ignores
``norm`` in its stages; here the first convolution has stride 2, so that strides are 2, 4, 8,
16, 32 as in 2D, and the normalisation asked for is used throughout. Its names are kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import timm
from monai.networks.nets.resnet import ResNetBlock, ResNetBottleneck
from torch import Tensor, nn

from anlage.config import BaseConfig

__all__ = ["STRIDES", "ResNet3d", "ResNetConfig", "resolve_norm", "timm_pyramid"]

STRIDES = (2, 4, 8, 16, 32)
Norm = Literal["batch", "group"]

_GROUPS = 8


class ResNetConfig(BaseConfig):
    """Settings of a residual network.

    Attributes:
        norm: ``batch``; or ``group`` (up to 8 groups), which does not depend on the rest of
            the batch. None: ``batch`` in 2D, ``group`` in 3D, where batches are small.
    """

    norm: Norm | None = None


def resolve_norm(norm: Norm | None, dims: int) -> Norm:
    """Return the normalisation to use where the settings leave it open."""
    return norm or ("batch" if dims == 2 else "group")


def timm_pyramid(name: str, image_channels: int, *, norm: Norm, **shape: Any) -> nn.Module:
    """Return a 2D residual network of timm that gives its five maps, with random weights.

    Args:
        name: Name of the model in timm.
        image_channels: Channels of its images.
        norm: Normalisation.
        shape: Widths that differ from timm's, under timm's names.
    """
    body: nn.Module = timm.create_model(
        name,
        pretrained=False,
        features_only=True,
        in_chans=image_channels,
        norm_layer=nn.BatchNorm2d if norm == "batch" else _group_norm,
        **shape,
    )
    return body


class ResNet3d(nn.Module):
    """A 3D residual network that gives five maps, of strides 2, 4, 8, 16 and 32.

    Args:
        block: ``basic`` (two 3x3x3 convolutions) or ``bottleneck`` (widens fourfold).
        layers: Number of blocks in each of the four stages.
        channels: Channels of its images.
        base_width: Planes of the first stage; each further stage doubles them.
        norm: Normalisation.
    """

    def __init__(
        self,
        *,
        block: Literal["basic", "bottleneck"],
        layers: Sequence[int],
        channels: int,
        base_width: int,
        norm: Norm,
    ) -> None:
        super().__init__()
        unit = ResNetBlock if block == "basic" else ResNetBottleneck
        planes = [base_width * 2**stage for stage in range(4)]
        widths = [base_width, *(unit.expansion * width for width in planes)]
        self.conv1 = nn.Conv3d(channels, base_width, 7, stride=2, padding=3, bias=False)
        self.bn1 = _norm_3d(norm, base_width)
        self.act = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool3d(3, stride=2, padding=1)
        stages = [
            _stage(unit, widths[i], planes[i], layers[i], stride=1 if i == 0 else 2, norm=norm)
            for i in range(4)
        ]
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the five maps of a batch (B, C, X, Y, Z), fine to coarse."""
        maps = [self.act(self.bn1(self.conv1(images)))]
        x = self.maxpool(maps[0])
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            maps.append(x)
        return maps


def _stage(
    unit: Any, width_in: int, planes: int, blocks: int, *, stride: int, norm: Norm
) -> nn.Sequential:
    width_out = planes * unit.expansion
    shortcut = None
    if stride != 1 or width_in != width_out:
        shortcut = nn.Sequential(
            nn.Conv3d(width_in, width_out, 1, stride=stride, bias=False),
            _norm_3d(norm, width_out),
        )
    first = unit(
        width_in, planes, stride=stride, downsample=shortcut, norm=_monai_norm(norm, planes)
    )
    rest = [unit(width_out, planes, norm=_monai_norm(norm, planes)) for _ in range(blocks - 1)]
    return nn.Sequential(first, *rest)


def _monai_norm(norm: Norm, planes: int) -> str | tuple[str, dict[str, int]]:
    return "batch" if norm == "batch" else ("group", {"num_groups": math.gcd(planes, _GROUPS)})


def _norm_3d(norm: Norm, width: int) -> nn.Module:
    return nn.BatchNorm3d(width) if norm == "batch" else _group_norm(width)


def _group_norm(width: int, **kwargs: Any) -> nn.GroupNorm:
    return nn.GroupNorm(math.gcd(width, _GROUPS), width, **kwargs)
