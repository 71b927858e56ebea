"""Public ImageNet weights, where this machine has them. Nothing is downloaded.

Weights are looked for in the folder that the environment variable ANLAGE_WEIGHTS names, as
``<architecture>.safetensors`` with timm's tensor names, then in the local Hugging Face cache,
where timm puts its own downloads. Only safetensors files are read.

Images with another number of channels than three: one channel gets the sum of the three
filters, so that a grey image gives what it gave as three equal channels; otherwise the filters
are repeated and scaled by 3 / C, so that activations keep their size (as timm does it).
Patches and position embeddings of another size are resampled as timm does it.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

import torch
from torch import Tensor

from anlage.encoders._encoder import Encoder
from anlage.encoders._tensor_file import read_tensors
from anlage.encoders._transfer import TransferReport, transfer
from anlage.errors import ConfigError, DataError

__all__ = ["load_imagenet"]

_FOLDER = "ANLAGE_WEIGHTS"
_COVERAGE = 0.99


def load_imagenet(encoder: Encoder) -> TransferReport:
    """Load public ImageNet weights into an encoder.

    Args:
        encoder: A 2D encoder of an architecture that has such weights.

    Returns:
        What was loaded. ``unexpected`` names the classifier, which an encoder has not.

    Raises:
        ConfigError: If the architecture has no such weights, or this machine has not.
        DataError: If the file is damaged or holds another network; the encoder is then
            unchanged.
    """
    name = encoder.imagenet
    if name is None or encoder.dims != 2:
        raise ConfigError(
            f"there are no ImageNet weights for {encoder.architecture} in {encoder.dims}D. Start "
            "from random weights or from an encoder that Anlage pretrained."
        )
    import timm  # two seconds that only this function needs

    source = timm.get_pretrained_cfg(name)
    path = _find(encoder.architecture, source.hf_hub_id)
    what = f"ImageNet weights in {path.name}"
    weights = _adapted(read_tensors(path, what=what), encoder, f"{source.first_conv}.weight")
    classifier = f"body.{source.classifier}."
    own = encoder.state_dict()
    strange = [key for key in weights if key not in own and not key.startswith(classifier)]
    if strange:
        raise DataError(
            f"{what} must be those of timm's {name}, but hold the unknown tensor {strange[0]}. "
            f"Put the right file there, or leave {encoder.architecture}'s options at their "
            "defaults."
        )
    return transfer(weights, encoder, least=_COVERAGE, what=what)


def _find(architecture: str, repository: str) -> Path:
    """Return the local file with the weights of a timm model."""
    from huggingface_hub import try_to_load_from_cache

    folder = os.environ.get(_FOLDER)
    if folder and (path := Path(folder) / f"{architecture}.safetensors").is_file():
        return path
    cached = try_to_load_from_cache(repository, "model.safetensors")
    if isinstance(cached, str):
        return Path(cached)
    raise ConfigError(
        f"there are no ImageNet weights for {architecture} on this machine, and Anlage "
        f"downloads nothing. Download model.safetensors of {repository} from Hugging Face, "
        f"put it in a folder as {architecture}.safetensors and set {_FOLDER} to that folder."
    )


def _adapted(weights: dict[str, Tensor], encoder: Encoder, first: str) -> dict[str, Tensor]:
    """Return timm's tensors under the encoder's names, for its channels, patch and grid.

    Args:
        weights: Tensors under timm's names.
        encoder: The encoder they are for.
        first: Name of the filters that see the image.
    """
    from timm.layers import resample_patch_embed
    from timm.models import adapt_input_conv

    if first in weights and weights[first].ndim == 4 and weights[first].shape[1] == 3:
        filters = adapt_input_conv(encoder.channels, weights[first])
        if encoder.patch is not None:
            filters = resample_patch_embed(filters, [encoder.patch, encoder.patch])
        weights = {**weights, first: filters}
    adapted = {f"body.{key}": value for key, value in weights.items()}
    if "pos_embed" in weights:
        edge = math.isqrt(weights["pos_embed"].shape[1] - 1)  # timm's own grids are square
        adapted["pos_grid"] = torch.tensor([edge, edge])
    return adapted
