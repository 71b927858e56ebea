"""Batched changes of images, 2D and 3D, on any device: parameters are drawn, then applied.

Drawing is random and cheap; applying is pure, so a view can be replayed, inverted and tested.
``spatial`` transforms give a matrix or a displacement (all of them are merged into one
resampling), ``intensity`` transforms change values in the unit interval [0, 1]. `views.py` joins
them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import Images
from anlage.transforms.draws import Draws

__all__ = ["Deformation", "IntensityTransform", "Params", "SpatialTransform"]

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


class Deformation(ABC):
    """A smooth displacement of the source crop, the same for all views of an image."""

    Config: ClassVar[type[BaseConfig]]
    channels: ClassVar[int | None] = None

    @abstractmethod
    def draw(self, draws: Draws, *, dims: int) -> Params:
        """Draw parameters for every image of the batch."""

    @abstractmethod
    def displacement(
        self, params: Params, *, half_mm: Float[Tensor, "B d"]
    ) -> Float[Tensor, "B d *R"]:
        """Return how far each place of the bent crop lies from what it shows, in mm.

        Args:
            params: What was drawn.
            half_mm: Half edges of the source crop.

        Returns:
            Displacements in array order, at the middles of R equal parts of each edge. The map
            from places to places plus displacements folds nowhere.
        """


class IntensityTransform(ABC):
    """A change of values that keeps shape.

    Images come in the unit interval; what leaves it is clipped by the view maker, which also
    replaces a parameter called ``spacing_mm``, (B, d), by the pixel edges of the view.

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
