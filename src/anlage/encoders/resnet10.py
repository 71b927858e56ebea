"""ResNet-10, the small one for a CPU: timm's resnet10t in 2D, a narrow 3D twin of MONAI's blocks.

In 2D the stem is three 3x3 convolutions and shortcuts average before they project (timm's "t"
variant). In 3D the stem is one 7x7x7 convolution.
"""

from __future__ import annotations

from pydantic import Field

from anlage.encoders._cnn import CNNEncoder
from anlage.encoders._resnet import STRIDES, ResNet3d, ResNetConfig, resolve_norm, timm_pyramid

__all__ = ["ResNet10"]


class ResNet10Config(ResNetConfig):
    """Settings of ResNet-10.

    Attributes:
        base_width: Width of the first stage; the others have 2, 4 and 8 times as many. None:
            64 in 2D, which the ImageNet weights need, and 16 in 3D.
    """

    base_width: int | None = Field(default=None, ge=8, multiple_of=8)


class ResNet10(CNNEncoder):
    """Residual network with one block per stage; five maps of strides 2 to 32."""

    Config = ResNet10Config
    imagenet = "resnet10t"

    def __init__(
        self, *, dims: int, channels: int, image_size: tuple[int, ...], config: ResNet10Config
    ) -> None:
        norm = resolve_norm(config.norm, dims)
        base = config.base_width or (64 if dims == 2 else 16)
        stages = (base, 2 * base, 4 * base, 8 * base)
        super().__init__(
            dims=dims,
            channels=channels,
            image_size=image_size,
            config=config.model_copy(update={"norm": norm, "base_width": base}),
            widths=(base, *stages),
            strides=STRIDES,
            norm=norm,
        )
        if dims == 2:
            self.body = timm_pyramid(
                "resnet10t", channels, norm=norm, stem_width=base // 2, channels=stages
            )
        else:
            self.body = ResNet3d(
                block="basic", layers=(1, 1, 1, 1), channels=channels, base_width=base, norm=norm
            )
