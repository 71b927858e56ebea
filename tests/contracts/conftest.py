"""Plans and views of every modality that is found, on values as its store holds them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from anlage import plugins
from anlage.modalities import Augmentation, Policy, calibrate, unit_range, view_plan
from anlage.tensors import Views
from anlage.transforms.draws import Draws
from anlage.transforms.views import CropBatch, Intensities, ViewPlan, make_views
from anlage.types import ViewSpec

SIZE = {2: (16, 24), 3: (8, 16, 24)}
SOURCE = {2: (20, 36), 3: (12, 20, 30)}
TWO_VIEWS = ViewSpec(num_views=2, min_overlap=0.25)


def policy_of(name: str) -> Policy:
    found: Policy = plugins.load("modalities", name)
    return found


@pytest.fixture(scope="session")
def intensities_of() -> Callable[..., Intensities]:
    """Return the calibration of a modality."""

    def make(name, channels=1):
        scaling = policy_of(name).scaling
        unit = "hu" if scaling.kind == "hu" else "arbitrary"
        storage = scaling.storage(bits=12, unit=unit)
        low, high = unit_range(kind=scaling.kind, storage=storage, window=scaling.window(None))
        return Intensities(low=low, high=high, mean=(0.4,) * channels, std=(0.2,) * channels)

    return make


@pytest.fixture(scope="session")
def plan_of(intensities_of: Callable[..., Intensities]) -> Callable[..., ViewPlan]:
    """Return the plan of a modality, with a recipe's views."""

    def make(name, views=None, *, dims=2, channels=3, spec=TWO_VIEWS, task_needs=(), **options):
        return view_plan(
            policy_of(name),
            spec,
            Augmentation(views=views or {}, task_needs=task_needs),
            modality=name,
            size=SIZE[dims],
            intensities=intensities_of(name, channels),
            **options,
        )

    return make


@pytest.fixture(scope="session")
def views_of() -> Callable[..., Views]:
    """Make the views of a plan for samples 0 to 3, or for those named."""

    def make(name, plan, spec, *, dims, channels, samples=(0, 1, 2, 3), seed=0):
        sample = np.array(samples)
        draws = Draws(seed=seed, epoch=np.zeros_like(sample), sample=sample)
        return make_views(batch_of(name, dims, channels, samples), plan, spec, draws=draws)

    return make


def batch_of(name, dims, channels, samples):
    stored = stored_of(name, dims, channels, max(samples) + 1)[list(samples)]
    return CropBatch(
        images=stored,
        label_maps=None,
        spacing_mm=torch.tensor([[0.8, 1.5, 3.0][:dims]]).repeat(len(samples), 1),
        sample=torch.tensor(samples),
        patient=torch.tensor(samples),
    )


def stored_of(name, dims, channels, count):
    """Return values as the store of this modality holds them."""
    scaling = policy_of(name).scaling
    unit = "hu" if scaling.kind == "hu" else "arbitrary"
    storage = scaling.storage(bits=12, unit=unit)
    ends = {"suv": (0, 30)}.get(scaling.kind, (-900, 3000))
    pixels = np.random.default_rng(0).uniform(*ends, (count, channels, *SOURCE[dims]))
    ready = [
        calibrate(one, kind=scaling.kind, storage=storage, bits=0, unit=unit) for one in pixels
    ]
    return torch.from_numpy(np.stack(ready))
