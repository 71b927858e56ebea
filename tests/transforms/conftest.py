"""Draws and batches that the tests of transforms share."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from anlage.tensors import Views
from anlage.transforms.draws import Draws
from anlage.transforms.views import CropBatch, Intensities, ViewPlan, make_views
from anlage.types import ViewSpec

SPACE = {2: (12, 20), 3: (8, 12, 10)}
ONE = ViewSpec(num_views=1)


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


@pytest.fixture
def images_of() -> Callable[..., torch.Tensor]:
    """Make random images in the unit interval, (B, C, *S)."""

    def make(dims, count=6, channels=1):
        random = torch.Generator().manual_seed(0)
        return torch.rand(count, channels, *SPACE[dims], generator=random)

    return make


@pytest.fixture
def plan(intensities) -> Callable[..., ViewPlan]:
    """Make a plan of views as large as their source, nothing done to them unless told."""

    def make(dims=2, channels=1, **options):
        return ViewPlan(**{"size": SPACE[dims], "intensities": intensities(channels)} | options)

    return make


@pytest.fixture
def view(draws, crop_batch, images_of) -> Callable[..., Views]:
    """Make one view of every test image, or as many as a method asks for."""

    def make(plan, *, spec=ONE, given=None, dims=2, **options):
        images = images_of(dims) if given is None else given
        return make_views(crop_batch(images), plan, spec, draws=draws(len(images), **options))

    return make
