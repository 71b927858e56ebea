"""Draws and batches that the tests of transforms share."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from anlage.transforms.draws import Draws
from anlage.transforms.views import CropBatch, Intensities


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def draws() -> Callable[..., Draws]:
    """Make draws for samples 0, 1, 2, ... or for those named."""

    def make(count=4, *, samples=None, epoch=0, **options):
        sample = np.arange(count) if samples is None else np.asarray(samples)
        epochs = np.full(len(sample), epoch) if np.isscalar(epoch) else np.asarray(epoch)
        return Draws(**{"seed": 7, "epoch": epochs, "sample": sample} | options)

    return make


@pytest.fixture
def crop_batch() -> Callable[..., CropBatch]:
    """Make a batch of raw crops."""

    def make(images, *, spacing=None, label_maps=None, samples=None):
        count, dims = len(images), images.ndim - 2
        edges = torch.tensor(spacing or [1.0] * dims)
        return CropBatch(
            images=images,
            label_maps=label_maps,
            spacing_mm=edges.expand(count, dims).clone(),
            sample=torch.arange(count) if samples is None else torch.as_tensor(samples),
            patient=torch.arange(count),
        )

    return make


@pytest.fixture
def intensities() -> Callable[..., Intensities]:
    """Make a calibration that leaves unit-interval images as they are, unless told."""

    def make(channels=1, **options):
        plain = {"low": 0.0, "high": 1.0, "mean": (0.0,) * channels, "std": (1.0,) * channels}
        return Intensities(**plain | options)

    return make
