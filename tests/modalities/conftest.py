"""Policies and plans that the tests of modalities share."""

from collections.abc import Callable

import pytest

from anlage import plugins
from anlage.modalities import Augmentation, Corruption, Crop, Policy, Scaling, view_plan
from anlage.transforms.views import Intensities, ViewPlan
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
def plan_of() -> Callable[..., ViewPlan]:
    """Make the plan of a policy, or of a modality by its name."""

    def make(policy, views=None, *, dims=2, size=None, spec=None, channels=1, **options):
        known = {key: options.pop(key) for key in ("task", "patch") if key in options}
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
