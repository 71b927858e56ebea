"""A random encoder as a fair twin of a frozen one: no part switched off, maps of unit variance.

Fresh residual networks start with norm weights of zero at the end of every branch, and with
running statistics of mean 0 and variance 1. Training mends both within a few steps; an encoder
that stays frozen would keep them, and lose to anything. So its branches are switched on, and
its statistics are those of the training images, as they are for a pretrained encoder.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from anlage.data.store import Store
from anlage.train.feed import read_crops
from anlage.train.scene import scene_of
from anlage.train.start import Start
from anlage.transforms.views import ViewPlan, one_view

__all__ = ["calibrate"]

_IMAGES = 128
_BATCH = {2: 64, 3: 8}  # images at once, by dims
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@torch.no_grad()
def calibrate(
    start: Start, store: Store, rows: npt.NDArray[np.int64], *, device: torch.device
) -> None:
    """Set norm weights of zero to one and measure batch norms on images; changes the encoder.

    Args:
        start: A fresh encoder and how it wants its images.
        store: The images.
        rows: Training images, without their labels; an even sample of up to 128 is used. A
            single one leaves running statistics as they are.
        device: Where the encoder runs.
    """
    encoder = start.encoder.to(device).eval()
    for module in encoder.modules():
        weight = getattr(module, "weight", None)
        if isinstance(weight, nn.Parameter) and weight.ndim == 1 and not weight.any():
            weight.fill_(1.0)
    norms = [module for module in encoder.modules() if isinstance(module, _NORMS)]
    if not norms or len(rows) < 2:
        return
    sample = rows[np.unique(np.linspace(0, len(rows) - 1, _IMAGES).astype(np.int64))]
    scene = scene_of(store, size=start.image_size, field=start.field)
    plan = ViewPlan(size=scene.size, intensities=start.intensities)
    region = scene.region if scene.field == "image" else scene.size
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
        norm.train()
    for chunk in np.array_split(sample, math.ceil(len(sample) / _BATCH[store.meta.dims])):
        images, _ = one_view(read_crops(store, chunk, region=region), plan, draws=None)
        encoder(images.to(device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    encoder.eval()
