"""Self-supervised methods: one objective with its networks per file, in its paradigm's folder.

A method knows its encoder and the views it is given. It knows no task, no data set, no device
and no optimiser, and has no branch for evaluation: what is kept is its encoder (and, where it
trains one that a segmentation can use, its decoder).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import nn

from anlage.config import BaseConfig
from anlage.encoders import Encoder, UNetDecoder
from anlage.tensors import MethodOutput, Views
from anlage.types import ViewSpec

__all__ = ["Method"]


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
