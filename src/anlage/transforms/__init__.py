"""Batched changes of images, 2D and 3D, on any device: parameters are drawn, then applied.

Drawing is random and cheap; applying is pure, so a view can be replayed, inverted and tested.
``spatial`` transforms give a matrix (all of them are merged into one resampling), ``intensity``
transforms change values in the unit interval [0, 1]. `views.py` joins them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms.draws import Draws

__all__ = ["IntensityTransform", "Params", "SpatialTransform"]

Params = dict[str, Tensor]  # every value starts with the batch axis B


class SpatialTransform(ABC):
    """A linear map about the centre of a view, in millimetres."""

    Config: ClassVar[type[BaseConfig]]
    channels: ClassVar[int | None] = None

    @abstractmethod
    def draw(self, draws: Draws, *, dims: int) -> Params:
        """Draw parameters for every image of the batch."""

    @abstractmethod
    def matrix(self, params: Params, *, dims: int) -> Tensor:
        """Return the map from view to source, (B, d, d), axes in array order, unit mm."""


class IntensityTransform(ABC):
    """A change of values that keeps shape.

    Images come in the unit interval; what leaves it is clipped by the view maker.

    Attributes:
        channels: The only number of channels that it changes; None if any.
    """

    Config: ClassVar[type[BaseConfig]]
    channels: ClassVar[int | None] = None

    @abstractmethod
    def draw(self, draws: Draws, *, shape: torch.Size) -> Params:
        """Draw parameters for images of shape (B, C, *S)."""

    @abstractmethod
    def apply(self, images: Images, params: Params) -> Images:
        """Change the images; pure."""
