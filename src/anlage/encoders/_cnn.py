"""What all convolutional encoders share: from a pyramid of maps to Features."""

from __future__ import annotations

import math

from jaxtyping import Int
from torch import Tensor

from anlage.config import BaseConfig
from anlage.encoders._encoder import Encoder
from anlage.errors import ShapeError
from anlage.tensors import Features, Images

__all__ = ["CNNEncoder"]


class CNNEncoder(Encoder):
    """An encoder whose ``body`` turns images into a list of maps, fine to coarse.

    Edges need not be multiples of the stride: a map of stride s has edges ``ceil(S / s)``. The
    embedding is the mean of the last map over all positions.
    """

    def __init__(
        self,
        *,
        dims: int,
        channels: int,
        image_size: tuple[int, ...],
        config: BaseConfig,
        widths: tuple[int, ...],
        strides: tuple[int, ...],
        norm: str,
    ) -> None:
        super().__init__(
            dims=dims,
            channels=channels,
            image_size=image_size,
            config=config,
            widths=widths,
            strides=strides,
        )
        self.norm = norm

    def forward(self, images: Images, visible: Int[Tensor, "B N"] | None = None) -> Features:
        """Encode a batch; ``visible`` is for transformers only.

        Raises:
            ShapeError: If ``visible`` is given, dims or channels do not match, or a training
                batch is too small for the normalisation of the last map.
        """
        if visible is not None:
            raise ShapeError(
                f"{self.architecture} is a CNN and cannot leave out tokens, but visible was "
                "given. Mask its input instead, or use a vision transformer."
            )
        self.check_images(images)
        if self.training:
            self._check_norm(images)
        maps = tuple(self.body(images))
        space = tuple(range(2, 2 + self.dims))
        return Features(maps=maps, embedding=maps[-1].mean(dim=space))

    def _check_norm(self, images: Tensor) -> None:
        positions = math.prod(-(-edge // self.strides[-1]) for edge in images.shape[2:])
        shared = {"batch": len(images) * positions, "instance": positions}
        if shared.get(self.norm, 2) < 2:
            raise ShapeError(
                f"{self.norm} normalisation needs more than one value per channel, but at "
                f"stride {self.strides[-1]} images of shape {tuple(images.shape)} leave one. "
                f"Use edges above {self.strides[-1]}, or norm group or a larger batch where "
                "there is one."
            )
