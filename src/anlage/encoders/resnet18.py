"""ResNet-18: timm's in 2D (with public ImageNet weights), its twin of MONAI's blocks in 3D."""

from __future__ import annotations

from anlage.encoders._cnn import CNNEncoder
from anlage.encoders._resnet import STRIDES, ResNet3d, ResNetConfig, resolve_norm, timm_pyramid

__all__ = ["ResNet18"]


class ResNet18(CNNEncoder):
    """Residual network of 18 layers; five maps of strides 2 to 32."""

    Config = ResNetConfig
    imagenet = "resnet18"

    def __init__(
        self, *, dims: int, channels: int, image_size: tuple[int, ...], config: ResNetConfig
    ) -> None:
        norm = resolve_norm(config.norm, dims)
        super().__init__(
            dims=dims,
            channels=channels,
            image_size=image_size,
            config=config.model_copy(update={"norm": norm}),
            widths=(64, 64, 128, 256, 512),
            strides=STRIDES,
            norm=norm,
        )
        if dims == 2:
            self.body = timm_pyramid("resnet18", channels, norm=norm)
        else:
            self.body = ResNet3d(
                block="basic", layers=(2, 2, 2, 2), channels=channels, base_width=64, norm=norm
            )
