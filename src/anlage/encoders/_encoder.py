"""The contract of an encoder, and how one is built by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from jaxtyping import Int
from torch import Tensor, nn

from anlage import plugins
from anlage.config import BaseConfig
from anlage.errors import ConfigError, ShapeError
from anlage.tensors import Features, Images

__all__ = ["Encoder", "build_encoder"]


class Encoder(nn.Module, ABC):
    """The network that is kept after pretraining.

    A plug-in's constructor is ``__init__(self, *, dims, channels, image_size, config)``.

    Attributes:
        dims: 2 or 3.
        channels: Channels C of the images it takes.
        image_size: Edge lengths of the images it is meant for, one per axis. A CNN also takes
            others; a transformer resizes its position embedding.
        config: Its settings, with every default that depends on dims or image_size filled in,
            so that they build the same network again.
        width: Width E of the pooled embedding.
        widths: Channels of each feature map, fine to coarse.
        strides: Downsampling of each feature map, fine to coarse, the same on every axis. A
            map of stride s has edges ``ceil(S / s)``.
        patch: Edge of a transformer's patch; None for a CNN.
        imagenet: The timm model whose public ImageNet weights fit it in 2D, or None. Such an
            encoder keeps its network in ``body``, under timm's tensor names.
    """

    Config: ClassVar[type[BaseConfig]]
    imagenet: ClassVar[str | None] = None
    body: nn.Module

    def __init__(
        self,
        *,
        dims: int,
        channels: int,
        image_size: tuple[int, ...],
        config: BaseConfig,
        widths: tuple[int, ...],
        strides: tuple[int, ...],
        patch: int | None = None,
    ) -> None:
        super().__init__()
        self.dims = dims
        self.channels = channels
        self.image_size = image_size
        self.config = config
        self.widths = widths
        self.width = widths[-1]
        self.strides = strides
        self.patch = patch

    @property
    def architecture(self) -> str:
        """Name of the plug-in: the name of its file."""
        return type(self).__module__.rpartition(".")[2]

    @abstractmethod
    def forward(self, images: Images, visible: Int[Tensor, "B N"] | None = None) -> Features:
        """Encode a batch.

        Args:
            images: (B, C, *S).
            visible: For transformers: indices of the only tokens to encode, (B, N), counted
                in array order (last axis fastest). Position embeddings are added before the
                others are dropped. Feature maps are then empty.

        Raises:
            ShapeError: If a CNN is given ``visible``, or dims or channels do not match.
        """

    def check_images(self, images: Tensor) -> None:
        """Refuse a batch that this encoder was not built for.

        Raises:
            ShapeError: If the number of axes or channels differs.
        """
        if images.ndim != self.dims + 2 or images.shape[1] != self.channels:
            space = "H, W" if self.dims == 2 else "X, Y, Z"
            raise ShapeError(
                f"this {self.architecture} takes images of shape (B, {self.channels}, {space}), "
                f"got {tuple(images.shape)}. Build the encoder with the dims and channels of "
                "the images."
            )


def build_encoder(
    name: str,
    *,
    dims: int,
    channels: int,
    image_size: Sequence[int],
    options: dict[str, Any] | None = None,
) -> Encoder:
    """Build an encoder plug-in with random weights, drawn from torch's global generator.

    Raises:
        ConfigError: If the name or an option is unknown, dims is not 2 or 3, channels is not
            positive, or image_size has not one positive edge per axis.
    """
    if dims not in (2, 3):
        raise ConfigError(f"dims must be 2 or 3, got {dims}.")
    if channels < 1:
        raise ConfigError(f"channels must be 1 or more, got {channels}.")
    size = tuple(image_size)
    if len(size) != dims or min(size) < 1:
        raise ConfigError(
            f"image_size must have one positive edge per axis, so {dims} of them, got {size}."
        )
    plugin = plugins.load("encoders", name)
    config = plugin.Config.parse(options or {}, where=f"encoder {name}")
    encoder: Encoder = plugin(dims=dims, channels=channels, image_size=size, config=config)
    return encoder
