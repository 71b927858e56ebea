"""Self-supervised methods: one objective with its networks per file, in its paradigm's folder.

A method knows its encoder and the views it is given. It knows no task, no data set, no device
and no optimiser, and has no branch for evaluation: what is kept is its encoder (and, where it
trains one that a segmentation can use, its decoder).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor, nn

from anlage.config import BaseConfig
from anlage.encoders import Encoder, UNetDecoder
from anlage.tensors import Images, Masks, MethodOutput, Views
from anlage.types import ViewSpec

__all__ = ["MapsErrors", "Method"]


class Method(nn.Module, ABC):
    """Abstract base; a plug-in's constructor is ``__init__(self, encoder, config)``.

    Attributes:
        encoder: The network to keep.
        decoder: A U-Net decoder to keep with it, or None.
        teachers: Pairs (online, target); after every optimiser step the loop moves each
            target towards its online twin (an exponential moving average).
        spec: The views this method needs.
    """

    Config: ClassVar[type[BaseConfig]]
    encoder: Encoder
    decoder: UNetDecoder | None
    teachers: tuple[tuple[nn.Module, nn.Module], ...]
    spec: ViewSpec

    @abstractmethod
    def forward(self, views: Views) -> MethodOutput:
        """Return the loss of one batch."""


@runtime_checkable
class MapsErrors(Protocol):
    """A masked method that can say how hard each position is, so that masks can be guided."""

    def error_map(self, images: Images, masks: Masks) -> Float[Tensor, "B ..."]:
        """Return the error at every position of the masks, (B, *G), and learn nothing.

        Only hidden positions mean something. One image's errors do not depend on others.
        """
