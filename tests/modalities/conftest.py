"""Policies and plans that the tests of modalities share."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from anlage import plugins
from anlage.modalities import Augmentation, Corruption, Crop, Policy, Scaling, ViewRule, view_plan
from anlage.transforms import IntensityTransform
from anlage.transforms.draws import Draws
from anlage.transforms.views import CropBatch, Intensities, ViewPlan, one_view
from anlage.types import ViewSpec

WHY = {"because": "the reason", "source": "R0"}


@pytest.fixture
def make_policy() -> Callable[..., Policy]:
    """Make a policy of its own, without views unless told."""

    def make(**options):
        plain = {
            "title": "test images",
            "dims": (2, 3),
            "scaling": Scaling(kind="display", **WHY),
            "crop": Crop(scale=(0.5, 1.0), least_scale=0.2, **WHY),
            "views": {},
            "forbidden": {},
            "corruption": Corruption(ratio=0.6, unit=0.25, **WHY),
        }
        return Policy(**plain | options)

    return make


@pytest.fixture
def rule() -> Callable[..., ViewRule]:
    """Make the rule of one view."""

    def make(transform, p=0.5, **options):
        return ViewRule(transform=transform, p=p, **WHY, **options)

    return make


@pytest.fixture
def plan_of() -> Callable[..., ViewPlan]:
    """Make the plan of a policy, or of a modality by its name."""

    def make(policy, views=None, *, dims=2, size=None, spec=None, channels=1, **options):
        known = {key: options.pop(key) for key in ("task", "patch", "pixel_mm") if key in options}
        return view_plan(
            plugins.load("modalities", policy) if isinstance(policy, str) else policy,
            spec or ViewSpec(),
            Augmentation(views=views or {}, **options),
            modality=policy if isinstance(policy, str) else "test",
            size=size or (16,) * dims,
            intensities=Intensities(
                low=0.0, high=1.0, mean=(0.0,) * channels, std=(1.0,) * channels
            ),
            **known,
        )

    return make


@pytest.fixture
def drifts_of() -> Callable[..., Tensor]:
    """Return by how much the mean of an organ moves in 200 draws, in stored units, worst first.

    The body has air around it, a uniform tissue, and one organ whose mean is followed.
    """

    def drifts(plan, inside, *, window):
        low, high = window
        picture = torch.full((48, 48), float(low))
        picture[6:-6, 6:-6] = low + 0.4 * (high - low)
        picture[16:32, 16:32] = inside
        sample = np.arange(200)
        batch = CropBatch(
            images=picture[None, None].repeat(200, 1, 1, 1),
            label_maps=None,
            spacing_mm=torch.ones(200, 2),
            sample=torch.arange(200),
            patient=torch.arange(200),
        )
        whole = ViewPlan(
            size=(48, 48),
            intensities=Intensities(low=low, high=high, mean=(0.0,), std=(1.0,)),
            steps=tuple(s for s in plan.steps if isinstance(s.transform, IntensityTransform)),
        )
        draws = Draws(seed=0, epoch=np.zeros_like(sample), sample=sample)
        views, _ = one_view(batch, whole, draws=draws)
        unit = (inside - low) / (high - low)
        moved = (views[:, 0, 20:28, 20:28] - unit).mean(dim=(1, 2)).abs() * (high - low)
        return moved.sort(descending=True).values

    return drifts
