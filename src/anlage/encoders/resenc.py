"""Residual-encoder U-Net, encoder half, in 2D and 3D: the default for segmentation.

Source: Myronenko, BrainLes 2018, arXiv:1810.11654, as monai.networks.nets.segresnet_ds
(SegResEncoder). Isensee et al., MICCAI 2024, arXiv:2404.09556, found residual encoders the
safest choice for medical segmentation.
"""

from __future__ import annotations

from typing import Literal

from monai.networks.nets.segresnet_ds import SegResEncoder
from pydantic import Field, PositiveInt

from anlage.config import BaseConfig
from anlage.encoders._cnn import CNNEncoder

__all__ = ["ResEnc"]


class ResEncConfig(BaseConfig):
    """Settings of the residual encoder.

    Attributes:
        init_filters: Width at full resolution; it doubles with each level.
        blocks_down: Residual blocks of each level, of strides 1, 2, 4, 8 and so on.
        norm: ``instance``, which no other image of the batch enters, or ``batch``.
    """

    init_filters: int = Field(default=16, ge=4)
    blocks_down: tuple[PositiveInt, ...] = Field(default=(1, 2, 2, 2), min_length=2, max_length=7)
    norm: Literal["instance", "batch"] = "instance"


class ResEnc(CNNEncoder):
    """Pre-activation residual encoder that starts at full resolution.

    Its maps end in a sum, without normalisation or rectifier. Embeddings therefore keep the
    brightness of the image, which instance normalisation would remove.
    """

    Config = ResEncConfig

    def __init__(
        self, *, dims: int, channels: int, image_size: tuple[int, ...], config: ResEncConfig
    ) -> None:
        levels = range(len(config.blocks_down))
        super().__init__(
            dims=dims,
            channels=channels,
            image_size=image_size,
            config=config,
            widths=tuple(config.init_filters * 2**level for level in levels),
            strides=tuple(2**level for level in levels),
            norm=config.norm,
        )
        self.body = SegResEncoder(
            spatial_dims=dims,
            init_filters=config.init_filters,
            in_channels=channels,
            norm=config.norm,
            blocks_down=config.blocks_down,
        )
