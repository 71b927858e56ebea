"""Encoders: an image becomes Features. Thin adapters over timm (2D) and MONAI (2D and 3D).

One name per architecture, whatever the dimension: ``resnet18`` is timm's in 2D and MONAI's in
3D. An encoder states its widths and strides; nothing is found out by pushing a dummy image.
Beside the plug-ins: a U-Net decoder for any of them, the artefact (a folder with weights and a
card) in which an encoder is kept, and public ImageNet weights where this machine has them.
"""

from __future__ import annotations

from anlage.encoders._artefact import load_decoder, load_encoder, load_weights, save_encoder
from anlage.encoders._card import DecoderCard, EncoderCard, PretrainedOn, read_card
from anlage.encoders._decoder import UNetDecoder
from anlage.encoders._encoder import Encoder, build_encoder
from anlage.encoders._positions import sincos_positions
from anlage.encoders._pretrained import load_imagenet
from anlage.encoders._transfer import TransferReport, transfer

__all__ = [
    "DecoderCard",
    "Encoder",
    "EncoderCard",
    "PretrainedOn",
    "TransferReport",
    "UNetDecoder",
    "build_encoder",
    "load_decoder",
    "load_encoder",
    "load_imagenet",
    "load_weights",
    "read_card",
    "save_encoder",
    "sincos_positions",
    "transfer",
]
